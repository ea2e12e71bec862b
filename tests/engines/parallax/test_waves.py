"""Ambient motion: it stays in its region where that is known, and veils leave no seam in a loop."""

from functools import cache
from itertools import pairwise

import cv2
import numpy as np
import pytest

from bench.engine_scenes import SCENES, ScenePicture
from stillmotion.domain.rendering import RenderJob
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.engine import Parallax

SIZE = FrameSize(480, 270)


@cache
def scene(name: str) -> ScenePicture:
    return SCENES[name]()


@pytest.fixture(scope="module")
def engine() -> Parallax:
    return Parallax()


def clip(engine: Parallax, name: str, prompt: str, **more) -> list[np.ndarray]:
    job = RenderJob(f"{prompt}, static camera", scene(name).picture, None, SIZE, **({"seconds": 1.5} | more))
    area = SIZE.width * SIZE.height
    frames = engine.render(job, lambda _: None).frames
    return [np.frombuffer(frame.planes, np.uint8)[:area].reshape(SIZE.height, SIZE.width) for frame in frames]


@pytest.mark.parametrize(
    ("name", "prompt", "region"),
    [
        ("lake", "ripples on the water", "water"),
        ("lake", "waves", "water"),
        ("lake", "the clouds drift by", "sky"),
        ("lake", "wind in the leaves", "foliage"),
        ("meadow", "grass", "grass"),
        ("chimney", "smoke rises", "smoke"),
        ("campfire", "the fire burns", "flame"),
        ("candle", "the candle flickers", "flame"),
    ],
)
def test_what_is_named_changes_more_than_twice_as_much_as_the_rest(engine, name, prompt, region):
    frames = clip(engine, name, prompt)
    changed = np.mean([cv2.absdiff(frames[0], frame).astype(float) for frame in frames[6::6]], axis=0)
    inside = cv2.resize(scene(name).regions[region], (SIZE.width, SIZE.height)) > 0.5
    assert changed[inside].mean() > 2 * changed[~inside].mean()
    assert changed[inside].mean() > 0.4


@pytest.mark.parametrize("prompt", ["mist", "steam", "light rays", "snow", "rain", "dust"])
def test_the_air_fills_from_nothing_and_another_seed_fills_it_otherwise(engine, prompt):
    frames, other = (clip(engine, "candle", prompt, seed=seed) for seed in (1, 2))
    still = clip(engine, "candle", "", seconds=0.1)[0]
    assert np.array_equal(frames[0], still)
    assert cv2.absdiff(frames[-1], still).mean() > 0.05
    assert not np.array_equal(frames[-1], other[-1])


@pytest.mark.parametrize("prompt", ["mist", "steam", "light rays", "rain", "fire", "clouds drift", "waves"])
def test_a_loop_of_the_air_has_no_seam(engine, prompt):
    frames = clip(engine, "lake" if prompt != "fire" else "campfire", prompt, loop=True, seconds=2.0)
    steps = [cv2.absdiff(one, other).mean() for one, other in pairwise(frames)]
    assert max(steps) > 0
    assert cv2.absdiff(frames[-1], frames[0]).mean() <= 1.3 * max(steps)


def test_waves_leave_the_far_shore_where_it_is(engine):
    frames = clip(engine, "lake", "big waves")
    shore = round(0.56 * SIZE.height)
    changed = np.max([cv2.absdiff(frames[0], frame) for frame in frames[6::6]], axis=0).astype(float).mean(axis=1)
    assert changed[shore - 3 : shore + 3].mean() < 0.25 * changed[-60:-30].mean()


def test_clouds_leave_the_skyline_where_it_is(engine):
    frames = clip(engine, "lake", "the clouds drift by")
    changed = np.mean([cv2.absdiff(frames[0], frame).astype(float) for frame in frames[6::6]], axis=0)
    hills, sky = (changed[round(top * SIZE.height) : round(end * SIZE.height)] for top, end in ((0.45, 0.54), (0, 0.4)))
    assert hills.mean() < 0.35 * sky.mean()
