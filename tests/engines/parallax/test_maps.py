"""Promises of the maps for any move: nothing folds, and no sample lies outside the picture."""

import json

import cv2
import numpy as np
import pytest

from bench.engine_maps import map_faults
from bench.engine_photos import photo
from stillmotion.domain.rendering import Picture, RenderJob
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.analysis.scene import analyse
from stillmotion.engines.parallax.camera.limits import crop_centre, loses, needed_overscan
from stillmotion.engines.parallax.camera.path import camera_path
from stillmotion.engines.parallax.camera.staging import Stage
from stillmotion.engines.parallax.engine import Parallax
from stillmotion.engines.parallax.language.moves import MOVES
from stillmotion.engines.parallax.language.parser import read
from stillmotion.engines.parallax.language.plan import MotionPlan, Segment
from stillmotion.vision.faces import Box, FaceFinder
from stillmotion.vision.resize import as_array


@pytest.mark.parametrize("name", ["astronaut", "rocket", "page"])
@pytest.mark.parametrize("size", [FrameSize(480, 270), FrameSize(270, 480)])
def test_no_move_folds_the_picture_or_leaves_it(name, size):
    shot = Stage.of(photo(name), size, FaceFinder())
    for move in MOVES:
        faults = map_faults(shot, move)
        assert faults.folds == 0, move
        assert faults.stretch <= 1.6, move
        assert faults.outside <= 0.01, move


@pytest.mark.parametrize("arriving", [False, True])
@pytest.mark.parametrize(
    "prompt",
    [
        "dramatic fast orbit left and pan right",
        "extremely strong push in, then pull out, then roll left",
        "strong handheld",
        "looping strong crane up and tilt down",
        "bold dolly zoom",
    ],
)
def test_the_strongest_moves_stay_inside_and_start_or_end_at_the_picture(prompt, arriving):
    shot = Stage.of(photo("coffee"), FrameSize(480, 270), FaceFinder())
    path = camera_path(read(prompt), 48, 2.0, 3, arriving=arriving)
    surface, views = shot.fit_move(path)
    needed = needed_overscan(views.with_overscan(np.ones(48)), surface)
    assert np.all(views.overscan >= needed - 1e-4)
    at_rest = -1 if arriving else 0
    assert views.overscan[at_rest] == pytest.approx(1, abs=1e-6)
    assert np.abs(np.diff(views.overscan, 2)).max() < 0.02


def test_a_drawing_is_moved_as_one_plane_and_that_is_said():
    drawing = np.full((200, 300, 3), 255, np.uint8)
    drawing[50:150, 100:200] = (200, 30, 30)
    picture = Picture(300, 200, drawing.tobytes())
    job = RenderJob("crane up, she leans", picture, None, FrameSize(300, 200), 1.0)
    plan = json.loads(Parallax().render(job, lambda _: None).plan)
    assert plan["moves"] == [["pedestal_up"]]
    assert plan["subject"] == []
    assert {item["words"] for item in plan["ignored"]} == {"crane up", "lean"}


@pytest.mark.parametrize(
    ("name", "size", "kept"),
    [
        ("rocket", FrameSize(1100, 472), (0.42, 0.31)),
        ("coffee", FrameSize(360, 640), (0.45, 0.35)),
        ("astronaut", FrameSize(1100, 472), (0.44, 0.06)),
        ("camera", FrameSize(360, 640), (0.42, 0.25)),
    ],
)
def test_a_crop_keeps_what_matters(name, size, kept):
    """These are the rocket's tip, the middle of the cup, the astronaut's hair, and the photographer's face."""
    picture = photo(name)
    x, y = crop_centre(analyse(as_array(picture), FaceFinder()), (picture.width, picture.height), size)
    scale = max(size.width / picture.width, size.height / picture.height)
    half = size.width / scale / picture.width / 2, size.height / scale / picture.height / 2
    x, y = min(max(x, half[0]), 1 - half[0]), min(max(y, half[1]), 1 - half[1])
    assert abs(kept[0] - x) < 0.8 * half[0]
    assert abs(kept[1] - y) < half[1]


@pytest.mark.parametrize(("name", "flat"), [("page", True), ("text", True), ("logo", True), ("coffee", False)])
def test_pages_of_writing_and_drawings_are_flat(name, flat):
    assert analyse(as_array(photo(name)), FaceFinder()).is_flat_art is flat


def test_a_face_stays_in_the_frame_whatever_the_move():
    for move in ("push_in", "truck_right", "truck_left", "pan_left", "pan_right", "tilt_down", "orbit_left"):
        shot = Stage.of(photo("astronaut"), FrameSize(480, 480), FaceFinder())
        surface, views = shot.fit_move(camera_path(MotionPlan((Segment((move,)),), strength=1.4), 24, 1.0, 1))
        face = shot.scene.faces[0]
        assert not loses(Box(*(480 * side for side in (face.left, face.top, face.right, face.bottom))), surface, views)


@pytest.mark.parametrize("prompt", ["zoom in", "push in"])
@pytest.mark.parametrize("place", [(0.5, 0.88), (0.12, 0.5), (0.88, 0.15)])
def test_what_stands_out_stays_in_the_frame_however_far_aside(prompt, place):
    """A red ball on a lawn, near an edge, is there as a whole at the clip's end."""
    size = FrameSize(426, 240)
    grass = np.random.default_rng(3).normal((90, 140, 60), 18, (size.height, size.width, 3))
    lawn = np.ascontiguousarray(cv2.GaussianBlur(grass, (0, 0), 1).clip(0, 255).astype(np.uint8))
    cv2.circle(lawn, (int(place[0] * size.width), int(place[1] * size.height)), 13, (210, 40, 30), -1, cv2.LINE_AA)
    job = RenderJob(prompt, Picture(size.width, size.height, lawn.tobytes()), None, size, 0.5)
    frames = [np.frombuffer(bytes(frame.planes), np.uint8) for frame in Parallax().render(job, lambda _: None).frames]
    quarter = size.height // 2, size.width // 2
    first, last = (frame[-quarter[0] * quarter[1] :].reshape(quarter) > 165 for frame in (frames[0], frames[-1]))
    assert last.sum() > 1.2 * first.sum()
    assert not any(edge.any() for edge in (last[0], last[-1], last[:, 0], last[:, -1]))
