"""An orbit goes round its subject: that keeps its place, and what is nearer and farther goes to either side."""

from dataclasses import replace

import numpy as np
import pytest

from bench.engine_photos import photo
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.analysis.scene import Depth
from stillmotion.engines.parallax.camera.path import FAR, camera_path
from stillmotion.engines.parallax.camera.projection import NearnessMap, Views, solve
from stillmotion.engines.parallax.camera.staging import Stage
from stillmotion.engines.parallax.language.moves import MOVES
from stillmotion.engines.parallax.language.plan import MotionPlan, Segment
from stillmotion.vision.faces import FaceFinder

SIZE = FrameSize(480, 270)
FRAMES = 25


def in_steps(focus: tuple[float, float] = (0.5, 0.5)) -> Stage:
    """The coffee on a depth of three steps from left to right, without lines."""
    stage = Stage.of(photo("coffee"), SIZE, FaceFinder())
    height, width = stage.scene.shape
    across = np.arange(width) / width
    near = np.select([across < 0.3, across < 0.7], [0.0, 0.5], 1.0).astype(np.float32)
    depth = Depth(np.broadcast_to(near, (height, width)).copy(), "image")
    scene = replace(stage.scene, lines=stage.scene.lines[:0], focus=focus, faces=(), depth=depth)
    return Stage.over(photo("coffee"), SIZE, scene)


def moved(stage: Stage, move: str, *, loop: bool = False, arriving: bool = False) -> tuple[NearnessMap, Views]:
    plan = MotionPlan((Segment((move,)),), loop=loop)
    return stage.fit_move(camera_path(plan, FRAMES, 5.0, 1, arriving=arriving))


def shown_at(surface: NearnessMap, view: Views, x: float, y: float) -> tuple[float, float]:
    """The place in the frame, in frame widths, of a point of the picture."""
    at_x, at_y = np.array([[x]]), np.array([[y]])
    for _ in range(20):
        found_x, found_y = solve(at_x, at_y, view, surface)
        at_x, at_y = at_x - (found_x - x), at_y - (found_y - y)
    return float(at_x[0, 0]), float(at_y[0, 0])


@pytest.mark.parametrize("move", ["orbit_left", "orbit_right"])
@pytest.mark.parametrize("focus", [(0.5, 0.5), (0.38, 0.4)])
def test_the_subject_keeps_its_place(move, focus):
    stage = in_steps(focus)
    for loop, arriving in ((False, False), (True, False), (False, True)):
        surface, views = moved(stage, move, loop=loop, arriving=arriving)
        place = focus[0] - 0.5, (focus[1] - 0.5) * 270 / 480
        for index in range(0, FRAMES, 6):
            at = shown_at(surface, views.at(index), *place)
            assert np.hypot(at[0] - place[0], at[1] - place[1]) < 0.01


def test_near_things_go_one_way_and_far_ones_the_other():
    apart = []
    for move in ("orbit_left", "orbit_right"):
        surface, views = moved(in_steps(), move)
        far, near = (shown_at(surface, views.at(FRAMES - 1), x, 0.0)[0] - x for x in (-0.34, 0.34))
        apart.append(near - far)
    # Coming closer drives both outwards; to the left the near side goes right and the far side left besides.
    assert apart[0] - apart[1] > 0.05


@pytest.mark.parametrize("move", sorted(MOVES))
def test_no_move_shifts_near_against_far_by_more_than_six_hundredths_of_the_width(move):
    _, views = moved(in_steps(), move)
    assert float(np.hypot(views.x, views.y).max()) * (1 - FAR) <= 0.06


def test_an_orbit_comes_closer_as_it_goes_round():
    _, views = moved(in_steps(), "orbit_right")
    assert np.all(np.diff(views.z) >= -1e-9)
    quarter = int(np.argmin(np.abs(views.x - views.x[-1] / 4)))
    assert views.z[quarter] < 0.15 * views.z[-1]
    assert 0.02 < views.z[-1] < 0.1
