"""Pictures of known depth in two layers: gate, first frame, second view, and the promises of any move."""

import itertools
import json
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest

from bench.engine_depth import motorcycle_depth
from bench.engine_maps import map_faults
from bench.engine_photos import photo
from bench.engine_stereo import motorcycle as stereo
from bench.engine_views import COARSE, coarse, layered
from stillmotion.domain.rendering import DepthMap, Frame, Picture, RenderJob, cancellable_by
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.analysis.scene import GATE, Depth, Scene, analyse
from stillmotion.engines.parallax.camera.path import camera_path
from stillmotion.engines.parallax.camera.staging import Stage
from stillmotion.engines.parallax.depth.source import DepthImage
from stillmotion.engines.parallax.engine import Parallax
from stillmotion.engines.parallax.language.moves import MOVES
from stillmotion.engines.parallax.language.plan import MotionPlan, Segment
from stillmotion.engines.parallax.layers.gate import edge_peak, gated
from stillmotion.engines.parallax.layers.sheets import in_layers
from stillmotion.vision.faces import FaceFinder
from stillmotion.vision.resize import as_array

WIDTH, HEIGHT = 240, 160


def disc(width: int = WIDTH, height: int = HEIGHT) -> tuple[np.ndarray, np.ndarray]:
    """A shaded disc before a wall with grain, and their nearness."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    radius = 0.3 * min(width, height)
    inside = np.hypot(x - width / 2, y - height / 2) < radius
    grain = np.random.default_rng(4).normal(0, 1, (height, width))
    wall = 90 + 6 * cv2.GaussianBlur(grain, (0, 0), 1.5) / 0.19
    grey = np.where(inside, 190 + 20 * np.sin(x / 15) + 4 * grain, wall).clip(0, 255)
    rgb = np.stack([grey, grey * 0.9, grey * 0.7], axis=2).astype(np.uint8)
    return rgb, np.where(inside, 0.9, 0.1).astype(np.float32)


def job(prompt: str = "orbit left", size: FrameSize | None = None, **more) -> RenderJob:
    rgb, near = disc(*more.pop("sides", (WIDTH, HEIGHT)))
    height, width = near.shape
    picture, depth = Picture(width, height, rgb.tobytes()), DepthMap(width, height, near.data)
    return RenderJob(prompt, picture, None, size or FrameSize(width, height), 0.5, depth=depth, **more)


def frames_of(given: RenderJob) -> tuple[list[Frame], dict]:
    rendering = Parallax().render(given, lambda _: None)
    return list(rendering.frames), json.loads(rendering.plan)


def looked_at(picture: Picture, depth: DepthMap) -> Scene:
    rgb = as_array(picture)
    scene = analyse(rgb, FaceFinder())
    return replace(scene, is_flat_art=False, depth=gated(DepthImage(depth).depth(rgb, scene), rgb))


def luma(frame: Frame) -> np.ndarray:
    plane = np.frombuffer(frame.planes, np.uint8)[: frame.width * frame.height]
    return plane.reshape(frame.height, frame.width).astype(np.float32)


def peak(near: np.ndarray, rgb: np.ndarray) -> float:
    return edge_peak(np.ascontiguousarray(near), cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))


def test_depth_passes_the_gate_where_its_steps_are_the_pictures_edges():
    rgb, near = disc(480, 320)
    assert peak(near, rgb) > GATE
    assert peak(cv2.resize(near, (80, 54), interpolation=cv2.INTER_AREA), rgb) > GATE
    y, x = np.mgrid[0:320, 0:480].astype(np.float32)
    wrong = {
        "shifted": np.roll(near, 8, axis=1),
        "ramp": y / 320,
        "ellipse": (((x / 480 - 0.3) / 0.2) ** 2 + ((y / 320 - 0.4) / 0.3) ** 2 < 1).astype(np.float32),
        "level": np.full_like(near, 0.4),
        "its own luma": cv2.GaussianBlur(rgb[..., 0], (0, 0), 3).astype(np.float32) / 255,
    }
    assert {name: peak(depth, rgb) for name, depth in wrong.items() if peak(depth, rgb) >= GATE} == {}


def test_a_guess_has_no_gate():
    rgb, near = disc()
    assert gated(Depth(near, "estimated"), rgb).gate is None
    assert not gated(Depth(near, "estimated"), rgb).is_layered


@pytest.mark.parametrize("cells", [None, COARSE])
def test_a_second_view_is_drawn_as_it_is(cells):
    """The bars are the motorcycle's: the bench has those of all pairs."""
    view = stereo()
    found = layered(view, view.disparity if cells is None else coarse(view.disparity), FaceFinder())
    assert found.layers == 2
    assert found.likeness.decibels > (23.2 if cells is None else 21.7)
    assert found.likeness.similarity > (0.87 if cells is None else 0.82)


@pytest.mark.parametrize(
    ("prompt", "at", "more"),
    [("orbit left", 0, {}), ("push in", 0, {}), ("looping truck right", 0, {"loop": True}), ("dolly zoom", 0, {})],
)
def test_the_first_frame_is_the_picture(prompt, at, more):
    rendered, plan = frames_of(job(prompt, **more))
    still = frames_of(job("static camera"))[0][0]
    flat = Parallax().render(
        RenderJob("static camera", job().frame0, None, FrameSize(WIDTH, HEIGHT), 0.5), lambda _: None
    )
    assert plan["layers"] == 2
    picture = luma(next(iter(flat.frames)))
    for frame in (rendered[at], still):
        assert ((luma(frame) - picture) ** 2).mean() < 0.5


def test_a_clip_that_arrives_ends_on_the_picture():
    rgb, near = disc()
    picture = Picture(WIDTH, HEIGHT, rgb.tobytes())
    arriving = RenderJob(
        "orbit left", None, picture, FrameSize(WIDTH, HEIGHT), 0.5, depth=DepthMap(WIDTH, HEIGHT, near.data)
    )
    rendered, plan = frames_of(arriving)
    flat = Parallax().render(RenderJob("static camera", picture, None, FrameSize(WIDTH, HEIGHT), 0.1), lambda _: None)
    assert plan["layers"] == 2
    assert np.abs(luma(rendered[-1]) - luma(next(iter(flat.frames)))).mean() < 0.5


def shift(first: np.ndarray, last: np.ndarray, column: int) -> float:
    """The shift to the right, in pixels, at which what is around a column of the middle row is found again."""
    half, reach = 12, 24
    row = HEIGHT // 2
    patch = first[row - half : row + half, column - half : column + half]
    left, right = max(0, column - half - reach), min(WIDTH, column + half + reach)
    found = cv2.matchTemplate(last[row - half : row + half, left:right], patch, cv2.TM_CCOEFF_NORMED)
    return float(np.argmax(found[0]) + left - (column - half))


def test_the_disc_moves_and_its_wall_does_not_go_along():
    """Beside the disc the wall keeps its own displacement: one surface would stretch it there."""
    rendered, _ = frames_of(job("truck right"))
    first, last = luma(rendered[0]), luma(rendered[-1])
    disc_moves, beside, far = (shift(first, last, column) for column in (WIDTH // 2, 192, 222))
    assert abs(disc_moves - far) > 3
    assert abs(beside - far) < 0.3 * abs(disc_moves - far)


def test_no_move_folds_either_layer():
    picture, depth = photo("motorcycle_left"), motorcycle_depth()
    scene = looked_at(picture, depth)
    shot = Stage.over(picture, FrameSize(480, 324), scene)
    assert shot.relief is not None
    for move in MOVES:
        faults = map_faults(shot, move)
        assert faults.folds == 0, move
        assert faults.outside <= 0.01, move


@pytest.mark.parametrize("sides", [(97, 61), (61, 97), (300, 40), (24, 24), (640, 90)])
@pytest.mark.parametrize("size", [FrameSize(90, 50), FrameSize(50, 90), FrameSize(130, 22)])
def test_any_shape_gives_the_same_whole_clip_twice(sides, size):
    given = job("orbit left, the clouds drift, snow", size, sides=sides)
    one, other = (frames_of(given)[0] for _ in range(2))
    assert len(one) == 12
    assert [bytes(frame.planes) for frame in one] == [bytes(frame.planes) for frame in other]
    assert all(len(bytes(frame.planes)) == size.width * size.height * 3 // 2 for frame in one)


def test_all_kinds_of_joints_are_drawn_in_layers():
    other = photo("coffee")
    plan = frames_of(
        job("", frame0_plan='{"moves": [["orbit_left"]], "ending": {"velocity": {"orbit": 0.02}, "speed": 0.01}}')
    )[1]
    assert plan["layers"] == 2
    given = job("push in")
    between = RenderJob("", given.frame0, other, given.size, 0.5, depth=given.depth)
    rendered, plan = frames_of(between)
    assert (plan["layers"], plan["layers_at_end"]) == (2, 1)
    assert len(rendered) == 12


def test_a_large_render_in_layers_asks_often_whether_to_go_on():
    asked = [time.perf_counter()]
    with cancellable_by(lambda: asked.append(time.perf_counter())):
        frames = Parallax().render(job("orbit left", FrameSize(1920, 1280)), lambda _: None).frames
        for _ in range(2):
            next(frames)
    waits = sorted(after - before for before, after in itertools.pairwise(asked))
    assert waits[-1] < 0.6
    assert waits[len(waits) * 9 // 10] < 0.1


def test_the_matte_is_closed_where_both_layers_are_one():
    rgb, near = disc()
    picture = Picture(WIDTH, HEIGHT, rgb.tobytes())
    scene = looked_at(picture, DepthMap(WIDTH, HEIGHT, near.data))
    shot = Stage.over(picture, FrameSize(WIDTH, HEIGHT), scene)
    _, views = shot.fit_move(camera_path(MotionPlan((Segment(("truck_right",)),)), 12, 0.5, 1))
    layers = in_layers(shot, views)
    assert layers is not None
    assert layers.matte[4, 4] == 255
    assert layers.matte[HEIGHT // 2, WIDTH // 2] == 255
    assert (layers.matte == 0).any()
    assert np.all(layers.front.inverse >= layers.back.inverse - 1e-6)
