"""The engine from outside, from pictures to frames, with each promise by itself. Small frames keep the tests quick."""

import json
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillmotion.domain.errors import GenerationFailed, RenderCancelled
from stillmotion.domain.rendering import Frame, Picture, RenderJob
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.analysis.scene import analyse
from stillmotion.engines.parallax.camera.path import camera_path, ease
from stillmotion.engines.parallax.depth.source import Estimate
from stillmotion.engines.parallax.engine import Parallax
from stillmotion.engines.parallax.language.moves import MOVES
from stillmotion.engines.parallax.language.plan import MotionPlan, Segment
from stillmotion.media.input.pictures import decode
from stillmotion.vision.faces import FaceFinder
from stillmotion.vision.resize import as_array

PHOTOS = Path(skimage.data.__file__).parent
SMALL = FrameSize(320, 180)
STARTS_CLOSE = {"pull_out", "zoom_out"}
NATIVE = [move for move in MOVES if move != "static"][:20]


@pytest.fixture(scope="module")
def engine() -> Parallax:
    return Parallax()


@pytest.fixture(scope="module")
def astronaut() -> Picture:
    return decode(PHOTOS / "astronaut.png")


@pytest.fixture(scope="module")
def coffee() -> Picture:
    return decode(PHOTOS / "coffee.png")


def never(_: float) -> None:
    """No cancel is requested."""


def luma(frame: Frame) -> np.ndarray:
    area = frame.width * frame.height
    return np.frombuffer(frame.planes, np.uint8)[:area].reshape(frame.height, frame.width)


def clip(engine: Parallax, picture: Picture | None, prompt: str = "", **more) -> list[np.ndarray]:
    options = {"frame1": None, "size": SMALL, "seconds": 1.0} | more
    return [luma(frame) for frame in engine.render(RenderJob(prompt, picture, **options), never).frames]


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other).mean())


def drift(frames: list[np.ndarray]) -> np.ndarray:
    """The mean optical flow from the first frame to the last, x and y in pixels."""
    flow = cv2.calcOpticalFlowFarneback(frames[0], frames[-1], None, 0.5, 4, 41, 4, 7, 1.5, 0)
    return flow.reshape(-1, 2).mean(axis=0)


def test_a_clip_has_the_length_size_and_rate_that_were_asked(engine, coffee):
    rendering = engine.render(RenderJob("push in", coffee, None, SMALL, 1.25), never)
    frames = list(rendering.frames)
    assert (rendering.fps, rendering.frame_count, len(frames)) == (24, 30, 30)
    assert all((frame.width, frame.height) == (320, 180) for frame in frames)
    assert all(len(bytes(frame.planes)) == 320 * 180 * 3 // 2 for frame in frames)


@pytest.mark.parametrize("move", NATIVE)
def test_a_clip_starts_at_the_picture_and_ends_elsewhere(engine, coffee, move):
    still = clip(engine, coffee, "static")[0]
    frames = clip(engine, coffee, move.replace("_", " "))
    whole = frames[-1] if move in STARTS_CLOSE else frames[0]
    assert difference(whole, still) < 0.01
    assert difference(frames[0], frames[-1]) > 1.0


def test_a_static_clip_stands_still(engine, coffee):
    frames = clip(engine, coffee, "static")
    assert all(np.array_equal(frames[0], frame) for frame in frames)


@pytest.mark.parametrize(
    ("prompt", "axis", "sign"),
    [
        ("pan left", 0, 1),
        ("pan right", 0, -1),
        ("truck left", 0, 1),
        ("truck right", 0, -1),
        ("tilt up", 1, 1),
        ("tilt down", 1, -1),
        ("pedestal up", 1, 1),
        ("pedestal down", 1, -1),
    ],
)
def test_the_picture_goes_the_other_way_than_the_camera(engine, coffee, prompt, axis, sign):
    frames = clip(engine, coffee, prompt, size=FrameSize(300, 200))
    assert sign * drift(frames[: len(frames) // 2 + 1])[axis] > 1


def test_the_founding_prompt_makes_the_subject_lean(engine, astronaut):
    frames = clip(engine, astronaut, "leaning girl, static camera", size=FrameSize(256, 256))
    flow = np.abs(cv2.calcOpticalFlowFarneback(frames[0], frames[-1], None, 0.5, 3, 21, 4, 7, 1.5, 0))[..., 0]
    head, foot, beside = flow[30:90, 85:140].mean(), flow[235:, 85:140].mean(), flow[:200, :30].mean()
    assert head > 5
    assert foot < 1.5
    assert beside < 0.3 * head


def test_the_same_job_gives_the_same_frames_and_another_seed_other_snow(engine, coffee):
    one, same, other = (clip(engine, coffee, "snow, push in", seed=seed) for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert difference(one[-1], other[-1]) > 0.1


def test_different_words_give_different_clips(engine, coffee):
    ends = [clip(engine, coffee, prompt)[-1] for prompt in ("orbit left", "orbit right", "push in", "rain", "")]
    for index, one in enumerate(ends):
        assert all(difference(one, other) > 0.5 for other in ends[index + 1 :])


def test_a_clip_between_two_pictures_ends_on_the_second(engine, astronaut, coffee):
    frames = clip(engine, coffee, "pan right", frame1=astronaut)
    assert difference(frames[0], clip(engine, coffee, "static")[0]) < 0.01
    assert difference(frames[-1], clip(engine, astronaut, "static")[0]) < 0.01


def test_a_clip_may_arrive_at_its_only_picture(engine, coffee):
    frames = clip(engine, None, "push in", frame1=coffee)
    assert difference(frames[-1], clip(engine, coffee, "static")[0]) < 0.01
    assert difference(frames[0], frames[-1]) > 0.3


@pytest.mark.parametrize("prompt", ["orbit left", "push in, snow", "handheld", "zoom in then pan left"])
def test_a_loop_has_no_seam(engine, coffee, prompt):
    frames = clip(engine, coffee, prompt, loop=True, seconds=2.0)
    steps = [difference(a, b) for a, b in pairwise(frames)]
    assert difference(frames[-1], frames[0]) <= 1.2 * max(steps)


def test_a_job_without_a_picture_is_refused_in_words(engine):
    with pytest.raises(GenerationFailed, match="image"):
        engine.render(RenderJob("push in", None, None, SMALL, 1.0), never)


def test_a_cancel_stops_at_the_next_frame(engine, coffee):
    reports: list[float] = []

    def report(done: float) -> None:
        reports.append(done)
        if done > 0.3:
            raise RenderCancelled("stop")

    frames = engine.render(RenderJob("push in", coffee, None, SMALL, 1.0), report).frames
    with pytest.raises(RenderCancelled):
        list(frames)
    assert max(reports) < 0.4


def test_progress_is_reported_for_every_frame_and_ends_at_one(engine, coffee):
    reports: list[float] = []
    list(engine.render(RenderJob("", coffee, None, SMALL, 1.0), reports.append).frames)
    assert reports == sorted(reports)
    assert reports[-1] == 1.0
    assert len(reports) >= 24


def test_the_plan_says_what_was_understood_and_what_was_not(engine, coffee):
    prompt = "slow orbit left, rain, avalanche of smoke, clouds"
    plan = json.loads(engine.render(RenderJob(prompt, coffee, None, SMALL, 1.0), never).plan)
    assert plan["moves"] == [["orbit_left"]]
    assert plan["modifiers"] == ["slow"]
    assert plan["ambient"] == ["rain", "smoke"]
    reasons = {item["words"]: item["reason"] for item in plan["ignored"]}
    assert "sky" in reasons["clouds"]
    assert "avalanche" in reasons


def test_nothing_asked_is_a_gentle_move_chosen_from_the_picture(engine, astronaut):
    plan = json.loads(engine.render(RenderJob("a portrait", astronaut, None, SMALL, 1.0), never).plan)
    assert plan["chosen_from_picture"]
    assert plan["moves"] == [["push_in"]]


def test_a_crop_keeps_the_face(engine, astronaut):
    frames = clip(engine, astronaut, "static", size=FrameSize(400, 172))
    rgb = np.dstack([frames[0]] * 3)
    assert FaceFinder().find(rgb), "the face is in the cropped frame"


def test_depth_orders_a_real_scene_better_than_chance(coffee):
    rgb = as_array(decode(PHOTOS / "motorcycle_left.png"))
    near = Estimate().depth(rgb, analyse(rgb, FaceFinder())).near
    with np.load(PHOTOS / "motorcycle_disp.npz") as archive:
        truth = archive[archive.files[0]].astype(np.float32)
    truth = cv2.resize(np.where(np.isfinite(truth), truth, 0), near.shape[::-1], interpolation=cv2.INTER_NEAREST)
    random = np.random.default_rng(0)
    one, other = random.integers(0, near.size, (2, 20_000))
    clear = (np.abs(truth.flat[one] - truth.flat[other]) > 4) & (truth.flat[one] > 0) & (truth.flat[other] > 0)
    agree = (near.flat[one] > near.flat[other]) == (truth.flat[one] > truth.flat[other])
    assert agree[clear].mean() > 0.7


def test_easing_starts_and_ends_at_rest():
    x = np.linspace(0, 1, 1001)
    y = ease(x)
    assert (y[0], y[-1]) == (0, 1)
    assert np.all(np.diff(y) >= 0)
    assert np.diff(y)[[0, -1]].max() < 1e-6
    assert np.abs(np.diff(y, 2)).max() < 2e-5


def test_a_push_and_a_pull_in_sequence_begin_at_the_picture():
    path = camera_path(MotionPlan((Segment(("push_in",)), Segment(("pull_out",)))), 48, 2.0, 0)
    forward = path.column("forward")
    assert forward[0] == 0
    assert abs(forward[-1]) < 1e-9
    assert forward.max() > 0.15


def solid(width: int, height: int) -> Picture:
    random = np.random.default_rng([width, height])
    return Picture(width, height, random.integers(0, 256, (height, width, 3), np.uint8).tobytes())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    size=st.tuples(st.integers(16, 90), st.integers(16, 90)),
    prompt=st.text(max_size=40) | st.sampled_from(["leaning girl, rain", "dolly zoom, snow", "fire, waves, wind"]),
    concepts=st.lists(st.sampled_from(sorted(MOVES)), max_size=3),
    loop=st.booleans(),
    seed=st.integers(0, 2**63 - 1),
)
def test_any_picture_and_any_words_give_a_whole_clip(engine, width, height, size, prompt, concepts, loop, seed):
    frame = FrameSize(size[0] * 2, size[1] * 2)
    job = RenderJob(prompt, solid(width, height), None, frame, 1.0, loop, seed, tuple(concepts))
    frames: Iterator[Frame] = engine.render(job, never).frames
    assert sum(len(bytes(drawn.planes)) == frame.width * frame.height * 3 // 2 for drawn in frames) == 24


def test_a_camera_move_runs_nothing_of_the_effects(engine, coffee):
    """A push in needs no snow. Effects outside the plan are neither built nor called for a frame."""
    assert rooms_run_by(lambda: clip(engine, coffee, "push in")) & {"effects", "motion"} == set()
    assert rooms_run_by(lambda: clip(engine, coffee, "push in, snow falls")) >= {"effects"}


def rooms_run_by(act) -> set[str]:
    """The folders of the engine whose functions were called."""
    seen = set()

    def called(frame, event, _):
        if event == "call":
            seen.add(Path(frame.f_code.co_filename).parent.name)

    sys.setprofile(called)
    try:
        act()
    finally:
        sys.setprofile(None)
    return seen
