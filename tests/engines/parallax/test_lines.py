"""Straight lines of a picture with strong depth stay straight, and its parallax is kept all the same."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from bench.engine_maps import map_faults
from stillmotion.domain.rendering import Picture
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.analysis.scene import Depth, analyse
from stillmotion.engines.parallax.camera.lines import MOST_BEND, StraightLines
from stillmotion.engines.parallax.camera.path import camera_path
from stillmotion.engines.parallax.camera.projection import NearnessMap, Views, solve
from stillmotion.engines.parallax.camera.staging import Stage
from stillmotion.engines.parallax.language.plan import MotionPlan, Segment
from stillmotion.vision.faces import FaceFinder
from stillmotion.vision.resize import as_array

SIZE = FrameSize(480, 270)
MOVES = ("orbit_right", "push_in", "truck_left", "crane_up")


def lined(kind: str) -> Stage:
    """Textured ground under a grid of lines, with a hill of depth that would bend every one of them."""
    noise = np.random.default_rng(4).normal(0, 14, (270, 480, 3))
    rgb = np.clip(cv2.GaussianBlur(noise, (0, 0), 1.5) * 3 + 150, 0, 255).astype(np.uint8)
    for place in range(20, 480, 60):
        lean = 40 if kind == "slanted" else 0
        cv2.line(rgb, (place - lean, 10), (place + lean, 260), (20, 20, 30), 3, cv2.LINE_AA)
    for place in range(30, 270, 70):
        cv2.line(rgb, (15, place), (465, place), (20, 20, 30), 3, cv2.LINE_AA)
    picture = Picture(480, 270, rgb.tobytes())
    scene = analyse(as_array(picture), FaceFinder())
    height, width = scene.shape
    y, x = np.mgrid[0:height, 0:width]
    hill = np.exp(-(((x / width - 0.5) / 0.16) ** 2) - ((y / height - 0.6) / 0.22) ** 2).astype(np.float32)
    return Stage.over(picture, SIZE, replace(scene, is_flat_art=False, depth=Depth(hill, "image")))


def moved(stage: Stage, move: str) -> tuple[NearnessMap, Views]:
    return stage.fit_move(camera_path(MotionPlan((Segment((move,)),)), 25, 5.0, 1))


@pytest.mark.parametrize("kind", ["upright", "slanted"])
@pytest.mark.parametrize("move", MOVES)
def test_lines_stay_straight_over_strong_depth(kind, move):
    stage = lined(kind)
    surface, views = moved(stage, move)
    lines = StraightLines.of(stage.framing.lines(), views)
    assert len(lines.x) >= 8
    assert lines.bend(views, surface) <= 1.2 * MOST_BEND
    assert map_faults(stage, move).folds == 0


def test_lines_do_not_cost_the_picture_its_parallax():
    """A camera that slides along the level lines may keep depth across them; only the upright ones are held."""
    surface, views = moved(lined("upright"), "truck_right")
    x, y = np.array([[0.0, -0.42, 0.42]]), np.array([[0.05, 0.05, 0.05]])
    seen = solve(x, y, views.at(24), surface)[0] - x
    assert float(seen[0, 0] - seen[0, 1:].mean()) > 0.02
