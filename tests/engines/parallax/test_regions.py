"""Water and flames by their nature: roads, walls, flowers and the sun are neither."""

import json
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from bench.engine_scenes import SCENES
from stillmotion.domain.rendering import Picture, RenderJob
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.analysis.scene import Scene, analyse
from stillmotion.engines.parallax.engine import Parallax
from stillmotion.engines.parallax.motion.waves import absent
from stillmotion.vision.faces import FaceFinder

WIDTH, HEIGHT = 480, 270
SHORE = 0.45


def _plane() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    return x / WIDTH, y / HEIGHT


def _grain(across: int, down: int, seed: int = 1) -> np.ndarray:
    cells = np.random.default_rng(seed).normal(0, 1, (down, across)).astype(np.float32)
    return cv2.resize(cells, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def _picture(*bands: np.ndarray) -> np.ndarray:
    return np.clip(np.stack(bands, axis=2), 0, 255).astype(np.uint8)


def _under_sky(below: np.ndarray, sky: tuple[float, float, float]) -> np.ndarray:
    _, y = _plane()
    paler = 1 + 0.1 * y + 0.01 * _grain(5, 4)
    return _picture(*(np.where(y > SHORE, below[..., band], tone * paler) for band, tone in enumerate(sky)))


def grey_sea() -> np.ndarray:
    """Long waves under an even grey sky."""
    waves = 128 + 18 * _grain(30, 60) + 8 * _grain(60, 130, 2)
    return _under_sky(np.stack([waves] * 3, axis=2), (198, 200, 203))


def blue_sea() -> np.ndarray:
    """Blue water under a blue sky."""
    waves = _grain(24, 60)
    return _under_sky(np.stack([50 + 14 * waves, 104 + 14 * waves, 150 + 14 * waves], axis=2), (120, 165, 225))


def evening_lake() -> np.ndarray:
    """A lake that mirrors a violet sky."""
    waves = _grain(20, 70)
    return _under_sky(np.stack([96 + 10 * waves, 78 + 9 * waves, 132 + 10 * waves], axis=2), (160, 128, 206))


def plain_asphalt() -> np.ndarray:
    """A square from edge to edge under an even grey sky."""
    stones = 118 + 6 * _grain(WIDTH, HEIGHT) + 4 * _grain(40, 23)
    return _under_sky(np.stack([stones] * 3, axis=2), (198, 200, 203))


def road() -> np.ndarray:
    """A grey road between fields under a blue sky."""
    x, y = _plane()
    on_road = np.abs(x - 0.5) < 0.04 + 0.9 * (y - SHORE)
    land = [np.where(on_road, 112, tone + 20 * _grain(60, 40)) + 5 * _grain(240, 135, 3) for tone in (104, 122, 62)]
    return _under_sky(np.stack(land, axis=2), (120, 165, 225))


def dim_road() -> np.ndarray:
    """A road at dusk that passers-by blur into level streaks, under dark blue clouds."""
    streaks = 62 + 14 * _grain(3, 60)
    return _under_sky(np.stack([streaks, streaks, streaks + 4], axis=2), (104, 116, 146))


def _round(x: float, y: float, radius: float) -> np.ndarray:
    across, down = _plane()
    return np.hypot((across - x) * WIDTH / HEIGHT, down - y) / radius


def _over(ground: np.ndarray, share: np.ndarray, colour: tuple[float, float, float]) -> np.ndarray:
    share = np.clip(share, 0, 1)[..., np.newaxis]
    return ground * (1 - share) + np.array(colour, np.float32) * share


def orange_flower() -> np.ndarray:
    """A bright orange flower before dark leaves."""
    x, y = _plane()
    leaves = np.stack([30 + 8 * _grain(40, 24), 62 + 16 * _grain(40, 24), 24 + 6 * _grain(40, 24)], axis=2)
    turn = np.arctan2(y - 0.5, (x - 0.5) * WIDTH / HEIGHT)
    petals = _round(0.5, 0.5, 0.3) / (0.8 + 0.2 * np.cos(9 * turn))
    flower = _over(leaves, (1 - petals) * 30, (246, 150, 22))
    return _picture(*np.moveaxis(_over(flower, (1 - _round(0.5, 0.5, 0.07)) * 20, (250, 208, 40)), -1, 0))


def setting_sun() -> np.ndarray:
    """The sun above a dark land, in its own glow."""
    _, y = _plane()
    sky = np.stack([236 - 40 * y, 170 - 60 * y, 120 - 70 * y], axis=2)
    glow = _over(sky, 0.9 * np.exp(-_round(0.5, 0.5, 0.3)), (255, 226, 150))
    sun = _over(glow, (1 - _round(0.5, 0.5, 0.06)) * 20, (255, 250, 225))
    return _picture(*np.moveaxis(np.where((y > 0.62)[..., np.newaxis], np.array([30, 24, 26]), sun), -1, 0))


def cushion() -> np.ndarray:
    """A tan cushion on a wooden floor, lit from a side."""
    x, _ = _plane()
    floor = np.stack([168 + 14 * _grain(30, 20), 124 + 12 * _grain(30, 20), 70 + 8 * _grain(30, 20)], axis=2)
    lit = np.stack([226 - 60 * x, 180 - 50 * x, 130 - 40 * x], axis=2)
    share = np.clip((1 - _round(0.5, 0.6, 0.25)) * 20, 0, 1)[..., np.newaxis]
    return _picture(*np.moveaxis(floor * (1 - share) + lit * share, -1, 0))


def _scene(name: str) -> np.ndarray:
    picture = SCENES[name]().picture
    return np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3)


@pytest.fixture(scope="module")
def seen() -> Callable[[np.ndarray], Scene]:
    finder = FaceFinder()
    return lambda rgb: analyse(rgb, finder)


@pytest.mark.parametrize("picture", [grey_sea, blue_sea, evening_lake, lambda: _scene("lake")])
def test_water_is_found(seen, picture):
    assert absent("waves", seen(picture())) is None


@pytest.mark.parametrize("picture", [plain_asphalt, road, dim_road, orange_flower, lambda: _scene("meadow")])
def test_grey_and_low_is_no_water(seen, picture):
    assert absent("waves", seen(picture())) is not None


@pytest.mark.parametrize("name", ["campfire", "candle"])
def test_flames_are_found(seen, name):
    assert absent("candle", seen(_scene(name))) is None


@pytest.mark.parametrize("picture", [orange_flower, setting_sun, cushion, blue_sea, lambda: _scene("facade")])
def test_warm_and_bright_is_no_flame(seen, picture):
    assert absent("fire", seen(picture())) is not None


def test_the_plan_says_that_no_water_was_found():
    rgb = road()
    job = RenderJob("waves", Picture(WIDTH, HEIGHT, rgb.tobytes()), None, FrameSize(160, 90), 0.1)
    plan = json.loads(Parallax().render(job, lambda _: None).plan)
    assert plan["ambient"] == []
    assert {"words": "waves", "reason": "no water was found in the picture"} in plan["ignored"]
