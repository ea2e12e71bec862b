"""Weather: three depths of air that follow the camera, and a subject between them."""

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest

from bench.engine_scenes import SCENES
from stillmotion.domain.rendering import Picture, RenderJob
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.analysis.scene import Depth, Scene, analyse
from stillmotion.engines.parallax.camera.projection import NearnessMap, Views
from stillmotion.engines.parallax.canvas import lay_out
from stillmotion.engines.parallax.effects.air import Air
from stillmotion.engines.parallax.engine import Parallax
from stillmotion.engines.parallax.motion.displacement import Cells
from stillmotion.vision.faces import FaceFinder

SIZE = FrameSize(320, 180)
TALL = 180 / 320
CUT = 0.5
"""Left edge of the near half of the picture, as a fraction of its width."""


def still_views(count: int = 1, **moved: np.ndarray) -> Views:
    rest = {name: np.zeros(count) for name in ("x", "y", "z", "pan", "tilt", "roll")}
    rest |= {name: np.ones(count) for name in ("zoom", "overscan")}
    return Views(**(rest | moved), aim=(0.0, 0.0), steady=(0.0, 0.0))


@pytest.fixture(scope="module")
def picture() -> Picture:
    return SCENES["lake"]().picture


@pytest.fixture(scope="module")
def scene(picture) -> Scene:
    return analyse(np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3), FaceFinder())


def air(picture: Picture, scene: Scene, views: Views) -> tuple[Air, Cells]:
    canvas = lay_out(picture, SIZE, (0.5, 0.5))
    cells = Cells.of(NearnessMap.over(canvas, np.full((9, 16), 0.5, np.float32)), (picture.width, picture.height))
    return Air.around(scene, cells, views, TALL), cells


def with_depth(scene: Scene, **more) -> Scene:
    near = np.zeros(scene.shape, np.float32)
    near[:, int(scene.shape[1] * CUT) :] = 1
    return replace(scene, depth=Depth(near, "image", raw=near, gate=1.0), **more)


def test_a_camera_that_slides_moves_the_nearest_plane_most(picture, scene):
    slid, _ = air(picture, scene, still_views(2, x=np.array([0.0, 0.1])))
    place = np.array([[0.01, 0.02]])
    ways = [float(np.diff([plane.in_frame(place, frame)[0, 0] for frame in (0, 1)])[0]) for plane in slid.planes]
    assert ways[2] < ways[1] < ways[0] < 0
    assert ways[2] == pytest.approx(-0.135)


def test_a_plane_covers_the_frame_whatever_the_camera_does(picture, scene):
    views = still_views(3, zoom=np.array([1.0, 0.7, 1.6]), z=np.array([0.0, -0.3, 0.3]), roll=np.array([0, 0.3, 0]))
    for plane in air(picture, scene, views)[0].planes:
        spread = np.random.default_rng(1).uniform(0, 1, (40000, 2)) * plane.room
        for frame in range(3):
            seen = plane.in_frame(spread, frame)
            filled = np.histogram2d(*seen.T, bins=(8, 6), range=[[-0.5, 0.5], [-TALL / 2, TALL / 2]])[0]
            assert filled.min() > 0


def test_near_things_hide_what_falls_behind_them_and_nothing_before_them(picture, scene):
    found, cells = air(picture, with_depth(scene, focus=(0.9, 0.5)), still_views())
    far, behind, before = found.planes
    near = cells.across > CUT + 0.02
    for plane in (far, behind):
        assert plane.open is not None
        assert plane.open[near].max() == 0
    assert behind.open is not None
    assert behind.open[cells.across < CUT - 0.02].min() == 1
    assert before.open is None


def test_a_person_stands_between_the_planes_where_depth_is_a_guess(picture, scene):
    people = np.zeros((90, 160), np.float32)
    people[30:, 60:100] = 1
    guessed = with_depth(scene, people=people)
    assert guessed.depth is not None
    found, cells = air(picture, with_depth(scene, people=people, is_flat_art=False), still_views())
    inside = (cells.across > 0.42) & (cells.across < 0.58) & (cells.down > 0.4)
    assert all(plane.open is not None and plane.open[inside].max() == 0 for plane in found.planes[:2])


def test_a_drawing_hides_nothing(picture, scene):
    found, _ = air(picture, with_depth(scene, is_flat_art=True), still_views())
    assert all(plane.open is None for plane in found.planes)


@pytest.fixture(scope="module")
def engine() -> Parallax:
    return Parallax()


def clip(engine: Parallax, picture: Picture, prompt: str, **more) -> list[np.ndarray]:
    job = RenderJob(prompt, picture, None, SIZE, **({"seconds": 1.0} | more))
    frames = engine.render(job, lambda _: None).frames
    area = SIZE.width * SIZE.height
    return [np.frombuffer(frame.planes, np.uint8)[:area].reshape(SIZE.height, SIZE.width) for frame in frames]


@pytest.mark.parametrize("prompt", ["snow", "heavy rain", "dust"])
def test_a_loop_of_weather_under_a_moving_camera_has_no_seam(engine, picture, prompt):
    frames = clip(engine, picture, f"{prompt}, orbit left", loop=True)
    steps = [cv2.absdiff(one, other).mean() for one, other in pairwise(frames)]
    assert cv2.absdiff(frames[-1], frames[0]).mean() <= 1.3 * max(steps)


def test_heavy_rain_is_more_than_light_rain(engine, picture):
    dry, light, heavy = (clip(engine, picture, f"{words}static camera")[-1] for words in ("", "rain, ", "heavy rain, "))
    assert cv2.absdiff(heavy, dry).mean() > 1.2 * cv2.absdiff(light, dry).mean() > 0
