"""The depth that the engine guesses by its own network, with nothing given."""

import time

import numpy as np
import pytest

from bench.engine_photos import photo
from stillmotion.engines.parallax.analysis.scene import Scene, analyse
from stillmotion.engines.parallax.depth.estimate import upright, upright_before_sky
from stillmotion.engines.parallax.depth.network import NearnessNetwork, sides
from stillmotion.engines.parallax.depth.source import Estimate
from stillmotion.vision.faces import FaceFinder
from stillmotion.vision.resize import as_array


@pytest.fixture(scope="module")
def network() -> NearnessNetwork:
    return NearnessNetwork()


def guessed(name: str) -> tuple[np.ndarray, Scene]:
    rgb = as_array(photo(name))
    scene = analyse(rgb, FaceFinder())
    return Estimate().depth(rgb, scene).near, scene


def test_the_same_picture_has_the_same_depth_bit_for_bit():
    rgb = as_array(photo("coffee"))
    one, other = NearnessNetwork().nearness(rgb), NearnessNetwork().nearness(rgb)
    assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 5), (33, 901), (640, 64), (201, 333)])
def test_any_shape_of_picture_has_a_depth(network, height, width):
    rgb = np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)
    near = network.nearness(rgb)
    wide, high = sides(width, height)
    assert near.shape == (high // 2, wide // 2)
    assert np.isfinite(near).all()
    assert wide % 32 == high % 32 == 0
    assert wide * high < 60_000


def test_a_picture_of_one_colour_has_a_depth_between_0_and_1():
    rgb = np.full((90, 160, 3), 128, np.uint8)
    near = Estimate().depth(rgb, analyse(rgb, FaceFinder())).near
    assert np.isfinite(near).all()
    assert near.min() >= 0
    assert near.max() <= 1


def test_the_sky_is_behind_the_land():
    near, scene = guessed("rocket")
    height = near.shape[0]
    sky = near[: height // 2][scene.sky[: height // 2] > 0.9]
    assert sky.mean() < 0.15
    assert np.median(near[-height // 5 :]) > 0.25


def test_a_face_is_at_one_distance():
    near, scene = guessed("astronaut")
    height, width = near.shape
    face = scene.faces[0]
    rows = slice(round(face.top * height), round(face.bottom * height))
    across = slice(round(face.left * width), round(face.right * width))
    assert np.ptp(near[rows, across]) < 0.2
    assert near[rows, across].mean() > 0.5


def test_a_guess_has_no_outlines_for_layers():
    rgb = as_array(photo("coffee"))
    assert Estimate().depth(rgb, analyse(rgb, FaceFinder())).raw is None


def test_the_network_is_read_when_first_asked():
    """A renderer's start must not wait for it."""
    begun = time.process_time()
    source = Estimate()
    assert time.process_time() - begun < 0.005
    assert source.name == "estimated"


def test_a_tower_before_the_sky_stands_upright():
    """Its top would otherwise go with the sky, and lean in an orbit."""
    land = np.zeros((100, 160), np.float32)
    land[80:], land[20:80, 70:80] = 1, 1
    falling = np.repeat(np.linspace(0, 1, 100, dtype=np.float32)[:, np.newaxis], 160, axis=1)
    falling[20:80, 70:80] += 0.15
    near = upright_before_sky(falling, land)
    assert np.ptp(near[20:80, 70:80]) < 0.02
    assert near[20, 75] == pytest.approx(falling[80, 75], abs=0.02)
    assert near[50, 75] > near[50, 20] + 0.2
    assert np.array_equal(near[:, :60], falling[:, :60])


def test_a_tree_before_hills_stands_upright_and_what_hangs_is_left():
    """A guess lets it recede from its foot to its top, as the ground does; it would bend in any move."""
    ground = np.repeat(np.linspace(0, 0.8, 100, dtype=np.float32)[:, np.newaxis], 160, axis=1)
    guess = ground.copy()
    guess[20:80, 70:80] = np.linspace(0.4, 0.8, 60, dtype=np.float32)[:, np.newaxis]
    guess[:15, 120:130] += 0.3
    near = upright(guess)
    assert np.ptp(near[20:60, 75]) < 0.1 < np.ptp(guess[20:60, 75])
    assert np.array_equal(near[:, :60], guess[:, :60])
    assert np.array_equal(near[:, 120:130], guess[:, 120:130])
