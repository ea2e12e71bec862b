"""People: cut out where a mask is certain, moved before a wall that stays, and the one who is meant."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from stillmotion.domain.rendering import Picture, RenderJob
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.analysis.persons import everybody, person_meant
from stillmotion.engines.parallax.analysis.scene import Scene, analyse
from stillmotion.engines.parallax.camera.path import times
from stillmotion.engines.parallax.camera.projection import NearnessMap
from stillmotion.engines.parallax.canvas import Canvas, lay_out
from stillmotion.engines.parallax.depth.cutout import cut_out
from stillmotion.engines.parallax.engine import Parallax
from stillmotion.engines.parallax.layers.person import from_mask
from stillmotion.engines.parallax.motion.displacement import Cells, steepness
from stillmotion.engines.parallax.motion.figure import ON_PEOPLE, figure_moved
from stillmotion.engines.parallax.motion.timing import Beat
from stillmotion.media.input.pictures import decode
from stillmotion.vision.faces import Box, FaceFinder
from stillmotion.vision.persons import PersonFinder
from stillmotion.vision.resize import as_array

PHOTOS = Path(skimage.data.__file__).parent
ENGINE = Parallax()
SQUARE = FrameSize(360, 360)


def never(_: float) -> None:
    """No cancel is requested."""


@pytest.fixture(scope="module")
def astronaut() -> Picture:
    return decode(PHOTOS / "astronaut.png")


@pytest.fixture(scope="module")
def scene(astronaut) -> Scene:
    rgb = as_array(astronaut)
    return replace(analyse(rgb, FaceFinder()), people=PersonFinder().mask(rgb))


def rendered(picture: Picture, prompt: str, **more) -> tuple[dict, list[np.ndarray]]:
    options = {"size": SQUARE, "seconds": 1.0} | more
    rendering = ENGINE.render(RenderJob(prompt, picture, None, **options), never)
    frames = [np.asarray(frame.planes).copy() for frame in rendering.frames]
    area = rendering.size.width * rendering.size.height
    shape = rendering.size.height, rendering.size.width
    return json.loads(rendering.plan), [planes[:area].reshape(shape) for planes in frames]


def moved(frames: list[np.ndarray], rows: slice, columns: slice) -> np.ndarray:
    """Mean optical flow of a part, from the first frame to the last, in pixels."""
    flow = cv2.calcOpticalFlowFarneback(frames[0], frames[-1], None, 0.5, 4, 21, 4, 7, 1.5, 0)
    return flow[rows, columns].reshape(-1, 2).mean(axis=0)


@pytest.mark.parametrize(("side", "sign"), [("left", -1), ("right", 1)])
def test_a_leaning_person_leaves_the_wall_where_it_is(astronaut, side, sign):
    plan, frames = rendered(astronaut, f"static shot, she leans {side}")
    assert (plan["layers"], plan["mask"] > 0.8, plan["subject"]) == (2, True, [f"lean_{side}"])
    head = moved(frames, slice(60, 110), slice(140, 180))
    assert sign * head[0] > 8
    # The space shuttle beside the head.
    assert np.abs(moved(frames, slice(40, 140), slice(255, 300))).max() < 0.1 * abs(head[0])


def test_a_turning_head_turns_within_its_outline(astronaut):
    _, frames = rendered(astronaut, "static shot, she turns her head")
    nose, shoulders = moved(frames, slice(75, 100), slice(150, 170)), moved(frames, slice(200, 250), slice(60, 120))
    assert abs(nose[0]) > 5
    assert np.abs(shoulders).max() < 0.5


def test_a_clip_with_a_person_starts_as_the_picture(astronaut):
    _, still = rendered(astronaut, "static shot")
    for prompt in ("static shot, she leans left", "orbit left"):
        _, frames = rendered(astronaut, prompt)
        assert cv2.PSNR(frames[0], still[0]) > 50


@pytest.mark.parametrize("prompt", ["orbit left", "dolly zoom", "truck right"])
def test_a_camera_sees_the_person_before_the_wall(astronaut, prompt):
    plan, frames = rendered(astronaut, prompt, seconds=2.5)
    assert plan["layers"] == 2
    head = moved(frames, slice(60, 110), slice(140, 180))
    # The flag to the left of the head, and the shuttle to the right.
    walls = [moved(frames, slice(20, 120), columns) for columns in (slice(5, 40), slice(255, 300))]
    assert max(np.abs(head - wall).max() for wall in walls) > 3


def test_a_picture_without_people_keeps_one_layer():
    plan, _ = rendered(decode(PHOTOS / "coffee.png"), "orbit left, she leans", seconds=0.2)
    assert (plan["layers"], "mask" in plan) == (1, False)


def test_a_clip_is_the_same_again(astronaut):
    first, second = (rendered(astronaut, "she turns her head, hair in the wind", seconds=0.4)[1] for _ in range(2))
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("size", [(64, 64), (66, 130), (258, 98)])
def test_any_size_of_frame_serves(astronaut, size):
    plan, frames = rendered(astronaut, "orbit right, she sways", size=FrameSize(*size), seconds=0.3)
    assert plan["mask"] > 0.8
    assert frames[0].shape == size[::-1]


def test_a_loop_with_a_person_ends_where_it_starts(astronaut):
    _, frames = rendered(astronaut, "she nods, hair in the wind", loop=True)
    assert cv2.PSNR(frames[0], frames[-1]) > 28


@pytest.mark.parametrize("strength", [1.0, 2.0])
@pytest.mark.parametrize("key", sorted(ON_PEOPLE))
def test_no_motion_of_a_person_folds(astronaut, scene, key, strength):
    picture = (astronaut.width, astronaut.height)
    canvas: Canvas = lay_out(astronaut, SQUARE, (0.5, 0.5))
    near = np.full((160, 160), 0.5, np.float32)
    cutout = cut_out(canvas, person_meant(scene, None), near, picture)
    cells = Cells.of(NearnessMap.over(canvas, near), picture)
    beat = Beat(times(24, loop=False), 1.0, loop=False, seed=3)
    found = figure_moved([key], scene, cutout, cells, beat, strength)
    assert found.largest().max() > 1
    assert max(steepness(found.at(frame)) for frame in range(24)) <= 0.6 + 1e-4
    # The outermost cells hardly cross the frame's edge, at which the person is cut.
    hardly = 0.08 * found.largest().max() + 0.3
    for frame in (8, 23):
        at = found.at(frame)
        assert np.abs(at[-1, :, 1]).max() < hardly
        assert np.abs(at[:, -1, 0] * (cutout.alpha[::4, -1] > 25)).max() < hardly


def blobs(*middles: float, joined: bool = False) -> Scene:
    """People as upright blobs at these places across; the later ones are smaller."""
    mask = np.zeros((120, 240), np.float32)
    faces = []
    for number, middle in enumerate(middles):
        half = 0.05 - 0.006 * number
        left, right = round((middle - 1.5 * half) * 240), round((middle + 1.5 * half) * 240)
        mask[20:, left:right] = 1
        faces.append(Box(middle - half, 0.25, middle + half, 0.25 + 2 * half))
    if joined:
        mask[80:] = 1
    grid = np.zeros((80, 160, 3), np.float32)
    flat = np.zeros((80, 160), np.float32)
    return Scene(grid, flat, flat, tuple(faces), (0.5, 0.5), np.zeros((0, 4), np.float32), False, None, mask)


@pytest.mark.parametrize(
    ("place", "middle"), [("left", 0.2), ("right", 0.8), ("middle", 0.55), (None, 0.55), ("front", 0.8), ("back", 0.2)]
)
def test_of_several_people_the_one_at_the_place_is_meant(place, middle):
    meant = person_meant(blobs(0.8, 0.55, 0.2), place)
    assert meant.face.centre[0] == pytest.approx(middle)
    columns = np.flatnonzero(meant.mask.any(axis=0))
    assert abs(columns.mean() / 240 - middle) < 0.02
    assert len(columns) < 50


def test_people_who_touch_are_one():
    meant = person_meant(blobs(0.3, 0.7, joined=True), "left")
    assert meant.mask[40, 168] == 1
    assert np.array_equal(everybody(blobs(0.3, 0.7)).mask, blobs(0.3, 0.7).people)


def test_nobody_is_cut_out_of_an_uncertain_mask():
    unsure = blobs(0.3, 0.7)
    assert person_meant(replace(unsure, people=unsure.people * np.float32(0.6)), None) is None
    assert person_meant(replace(unsure, people=np.zeros_like(unsure.people)), None) is None
    assert person_meant(replace(unsure, people=None), None) is None
    assert everybody(replace(unsure, is_flat_art=True)) is None


def collared(gap: int, rim: int) -> tuple[np.ndarray, np.ndarray]:
    """A person in orange before a wall that gets lighter, with a grey ring around: the picture, and its mask (255)."""
    across, down = np.meshgrid(np.arange(640.0), np.arange(480.0))
    away = np.hypot(across - 320, down - 240)
    grain = np.random.default_rng(4).normal(0, 2, (480, 640))
    rgb = np.dstack([200 - 30 * down / 480 + grain] * 3)
    rgb[away < 120] = (230, 90, 40)
    rgb[(away >= 120 + gap) & (away < 120 + gap + rim)] = (110, 100, 130)
    return np.clip(rgb, 0, 255).astype(np.uint8), np.where(away < 120, 255, 0).astype(np.uint8)


@pytest.mark.parametrize(("gap", "is_painted_away"), [(0, True), (40, False)])
def test_a_rim_that_the_mask_cuts_off_is_not_left_on_the_wall(gap, is_painted_away):
    rgb, alpha = collared(gap, 6)
    canvas = lay_out(Picture(640, 480, rgb.tobytes()), FrameSize(640, 480), (0.5, 0.5))
    wall, before = (NearnessMap.over(canvas, np.full((120, 160), near, np.float32)) for near in (0.2, 0.7))
    behind = from_mask(before, wall, alpha, np.full(wall.inverse.shape, 20.0, np.float32)).background
    bare, _ = collared(400, 0)
    seen = np.abs(behind.fine[::2, ::2].astype(float) - lay_out_luma(bare))[alpha == 0]
    assert (float(np.percentile(seen, 99.9)) < 15) == is_painted_away


def lay_out_luma(rgb: np.ndarray) -> np.ndarray:
    """Its luma as a canvas has it."""
    height, width = rgb.shape[:2]
    return lay_out(Picture(width, height, rgb.tobytes()), FrameSize(width, height), (0.5, 0.5)).fine[::2, ::2]
