"""Clips that continue others: at the joint the motion neither stops nor jumps."""

import json
from itertools import pairwise

import cv2
import numpy as np
import pytest

from bench.engine_photos import photo
from stillmotion.domain.rendering import Frame, Picture, Rendering, RenderJob
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.camera.carryover import REST, ending_of, opening_of
from stillmotion.engines.parallax.engine import Parallax

SIZE = FrameSize(480, 320)
SECONDS = 2.0


@pytest.fixture(scope="module")
def engine() -> Parallax:
    return Parallax()


def never(_: float) -> None:
    """No cancel is requested."""


def as_picture(frame: Frame) -> Picture:
    """A frame as decoded from the clip."""
    planes = np.frombuffer(frame.planes, np.uint8).reshape(frame.height * 3 // 2, frame.width)
    luma = planes[: frame.height].astype(np.float32)
    chroma = planes[frame.height :].reshape(2, frame.height // 2, frame.width // 2).astype(np.float32)
    u, v = (cv2.resize(plane, (frame.width, frame.height)) - 128 for plane in chroma)
    light = 1.164384 * (luma - 16)
    rgb = np.dstack([light + 1.792741 * v, light - 0.213249 * u - 0.532909 * v, light + 2.112402 * u])
    return Picture(frame.width, frame.height, np.clip(rgb.round(), 0, 255).astype(np.uint8).tobytes())


def rendered(engine: Parallax, job: RenderJob) -> tuple[Rendering, list[Frame]]:
    rendering = engine.render(job, never)
    return rendering, list(rendering.frames)


def luma(frame: Frame) -> np.ndarray:
    return np.frombuffer(frame.planes, np.uint8)[: frame.width * frame.height].reshape(frame.height, frame.width)


def flow(one: Frame, other: Frame) -> np.ndarray:
    """The motion of trackable points between two frames, in pixels: an array of points × 2."""
    points = cv2.goodFeaturesToTrack(luma(one), 200, 0.02, 8)
    found, kept, _ = cv2.calcOpticalFlowPyrLK(luma(one), luma(other), points, None, winSize=(21, 21))
    return (found - points).reshape(-1, 2)[kept.ravel() == 1]


def velocity(one: Frame, other: Frame) -> tuple[float, np.ndarray]:
    """The median speed in pixels a frame, and the median motion."""
    motion = flow(one, other)
    return float(np.median(np.hypot(*motion.T))), np.median(motion, axis=0)


def apart(one: Frame, other: Frame) -> float:
    return float(np.abs(luma(one).astype(int) - luma(other)).mean())


@pytest.mark.parametrize("name", ["coffee", "astronaut"])
@pytest.mark.parametrize("prompt", ["push in", "pan right", "truck left", "zoom in", "orbit left", "roll right"])
def test_an_extension_goes_on_at_the_speed_its_clip_ended_with(engine, name, prompt):
    first, frames = rendered(engine, RenderJob(prompt, photo(name), None, SIZE, SECONDS))
    job = RenderJob(prompt, as_picture(frames[-1]), None, SIZE, SECONDS, frame0_plan=first.plan)
    _, more = rendered(engine, job)
    (before, way), (after, further) = velocity(frames[-2], frames[-1]), velocity(more[0], more[1])
    assert apart(frames[-1], more[0]) < 2.5
    assert before > 0.08
    assert 0.65 * before <= after <= 1.5 * before
    if prompt in {"pan right", "truck left"}:
        assert float(way @ further) > 0.8 * np.hypot(*way) * np.hypot(*further)
    standing = rendered(engine, RenderJob(prompt, as_picture(frames[-1]), None, SIZE, SECONDS))[1]
    assert velocity(standing[0], standing[1])[0] < 0.4 * before


def test_a_lead_in_arrives_at_the_speed_its_clip_starts_with(engine):
    first, frames = rendered(engine, RenderJob("pan right", photo("coffee"), None, SIZE, SECONDS))
    more, further = rendered(
        engine, RenderJob("pan right", as_picture(frames[-1]), None, SIZE, SECONDS, frame0_plan=first.plan)
    )
    lead, before = rendered(engine, RenderJob("", None, as_picture(further[0]), SIZE, SECONDS, frame1_plan=more.plan))
    assert json.loads(lead.plan)["moves"] == [["pan_right"]]
    assert apart(before[-1], further[0]) < 2.5
    (speed, way), (wanted, onward) = velocity(before[-2], before[-1]), velocity(further[0], further[1])
    assert 0.65 * wanted <= speed <= 1.5 * wanted
    assert float(way @ onward) > 0


@pytest.mark.parametrize("prompt", ["pull out", "zoom out"])
def test_an_extension_that_pulls_out_starts_at_the_last_frame(engine, prompt):
    first, frames = rendered(engine, RenderJob(prompt, photo("coffee"), None, SIZE, SECONDS))
    end = as_picture(frames[-1])
    _, more = rendered(engine, RenderJob(prompt, end, None, SIZE, SECONDS, frame0_plan=first.plan))
    assert apart(frames[-1], more[0]) < 2.5
    small = cv2.estimateAffinePartial2D(*_matched(more[0], more[-1]), method=cv2.RANSAC)[0]
    assert np.hypot(small[0, 0], small[1, 0]) < 0.97


def _matched(one: Frame, other: Frame) -> tuple[np.ndarray, np.ndarray]:
    points = cv2.goodFeaturesToTrack(luma(one), 200, 0.02, 8)
    found, kept, _ = cv2.calcOpticalFlowPyrLK(luma(one), luma(other), points, None, winSize=(31, 31), maxLevel=4)
    return points[kept.ravel() == 1], found[kept.ravel() == 1]


def test_words_that_ask_for_a_still_camera_bring_a_moving_one_to_rest(engine):
    first, frames = rendered(engine, RenderJob("pan right", photo("coffee"), None, SIZE, SECONDS))
    _, more = rendered(engine, RenderJob("static", as_picture(frames[-1]), None, SIZE, SECONDS, frame0_plan=first.plan))
    assert velocity(more[0], more[1])[0] > 0.15
    assert np.array_equal(luma(more[-2]), luma(more[-1]))


@pytest.mark.parametrize(
    "plan",
    [
        "",
        "not json",
        "[1]",
        '{"ending": 3, "opening": [], "moves": [[]]}',
        '{"ending": {"velocity": {"pan": "x", "warp": 2}, "speed": null}, "moves": ["pan_left"]}',
        '{"ending": {"velocity": {"pan": NaN}, "speed": Infinity}, "moves": [[3, "up up"]]}',
    ],
)
def test_a_plan_that_says_nothing_of_motion_counts_as_rest(plan):
    assert ending_of(plan).is_rest
    assert opening_of(plan).is_rest
    assert ending_of("") == REST


def seen_from(left: int, top: int) -> Picture:
    """A part of the coffee's photograph, as seen by a shifted camera."""
    whole = np.frombuffer(photo("coffee").pixels, np.uint8).reshape(photo("coffee").height, -1, 3)
    part = np.ascontiguousarray(whole[top : top + 320, left : left + 480])
    return Picture(480, 320, part.tobytes())


def test_two_views_of_one_thing_are_morphed_along_the_flow(engine):
    start, end = seen_from(20, 30), seen_from(60, 50)
    rendering, frames = rendered(engine, RenderJob("", start, end, SIZE, SECONDS))
    assert json.loads(rendering.plan)["between_keyframes"] == "morph"
    still = rendered(engine, RenderJob("static", end, None, SIZE, 0.5))[1][0]
    assert apart(frames[-1], still) == 0
    half = np.median(flow(frames[0], frames[len(frames) // 2]), axis=0)
    assert half == pytest.approx((-20, -10), abs=4)
    sharp = [cv2.Laplacian(luma(frame), cv2.CV_32F).var() for frame in (frames[0], frames[len(frames) // 2])]
    assert sharp[1] > 0.35 * sharp[0]


def test_where_two_views_do_not_meet_one_gives_way_to_the_other_at_once(engine):
    """The handlebars before a shelf appear twice for a few frames only."""
    _, frames = rendered(engine, RenderJob("", photo("motorcycle_left"), photo("motorcycle_right"), SIZE, SECONDS))
    detail = np.array([cv2.Laplacian(luma(frame), cv2.CV_32F).var() for frame in frames])
    assert (detail < 0.7 * detail[0]).mean() < 0.1
    steps = [cv2.absdiff(luma(one), luma(other)).mean() for one, other in pairwise(frames)]
    assert max(steps) < 3 * np.median(steps)


def test_two_different_things_are_dissolved_and_end_on_the_second(engine):
    rendering, frames = rendered(engine, RenderJob("", photo("astronaut"), photo("coffee"), SIZE, SECONDS))
    assert json.loads(rendering.plan)["between_keyframes"] == "dissolve"
    still = rendered(engine, RenderJob("static", photo("coffee"), None, SIZE, 0.5))[1][0]
    assert apart(frames[-1], still) == 0


def test_from_a_picture_to_itself_the_camera_goes_there_and_back(engine):
    rendering, frames = rendered(engine, RenderJob("push in", photo("coffee"), photo("coffee"), SIZE, SECONDS))
    assert json.loads(rendering.plan)["between_keyframes"] == "there and back"
    assert apart(frames[0], frames[-1]) < 0.01
    assert velocity(frames[0], frames[len(frames) // 2])[0] > 5
