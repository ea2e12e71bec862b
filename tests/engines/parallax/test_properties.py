"""Properties for any input: the result is a whole clip or a refusal in words, and the same for the same input."""

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.rendering import Picture, RenderJob, cancellable_by
from stillmotion.domain.request import AspectRatio, FrameSize, Resolution, frame_size
from stillmotion.engines.parallax.engine import Parallax
from stillmotion.engines.parallax.language.moves import MOVES
from stillmotion.engines.parallax.language.vocabulary import ENGLISH

ENGINE = Parallax()
WORDS = sorted({word for entry in ENGLISH.entries for phrase in entry.phrases for word in phrase.split()})
SLOW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def never(_: float) -> None:
    """No cancel is requested."""


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    """Pictures of noise, one colour, pixel stripes and grey ramps, in all shapes, some with alpha."""
    width, height = draw(st.sampled_from([(16, 16), (16, 300), (300, 16), (97, 61), (61, 97), (128, 128), (1, 1)]))
    kind = draw(st.sampled_from(["noise", "one colour", "stripes", "columns", "ramp"]))
    pixels = np.zeros((height, width, 3), np.uint8)
    if kind == "noise":
        pixels[:] = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 256, pixels.shape)
    elif kind == "one colour":
        pixels[:] = draw(st.tuples(*[st.integers(0, 255)] * 3))
    elif kind == "stripes":
        pixels[::2] = 255
    elif kind == "columns":
        pixels[:, ::2] = 255
    else:
        pixels[:] = np.linspace(0, 255, width).astype(np.uint8)[np.newaxis, :, np.newaxis]
    alpha = bytes(width * height) if draw(st.booleans()) else None
    return Picture(width, height, pixels.tobytes(), alpha)


def prompts() -> st.SearchStrategy[str]:
    words = st.lists(st.sampled_from(WORDS) | st.sampled_from(sorted(MOVES)), max_size=12).map(" ".join)
    return st.text(max_size=60) | words


@SLOW
@given(
    frame0=st.none() | pictures(),
    frame1=st.none() | pictures(),
    size=st.sampled_from([FrameSize(64, 64), FrameSize(112, 48), FrameSize(48, 112), FrameSize(90, 50)]),
    seconds=st.sampled_from([0.04, 0.5, 1.0]),
    prompt=prompts(),
    plan=st.sampled_from(["", "{}", '{"moves": [["zoom_out"]], "ending": {"velocity": {"zoom": -0.4}, "speed": 0.3}}']),
    loop=st.booleans(),
    seed=st.integers(0, 2**63 - 1),
)
def test_anything_gives_a_whole_clip_or_a_refusal_in_words(frame0, frame1, size, seconds, prompt, plan, loop, seed):
    job = RenderJob(prompt, frame0, frame1, size, seconds, loop, seed, (), plan, plan)
    if frame0 is None and frame1 is None:
        with pytest.raises(GenerationFailed, match="give it an image"):
            ENGINE.render(job, never)
        return
    rendering = ENGINE.render(job, never)
    frames = list(rendering.frames)
    assert len(frames) == rendering.frame_count == max(1, round(24 * seconds))
    assert all((frame.width, frame.height) == (size.width, size.height) for frame in frames)
    assert all(len(bytes(frame.planes)) == size.width * size.height * 3 // 2 for frame in frames)
    assert 0 <= rendering.telling_frame < rendering.frame_count


@SLOW
@given(
    picture=pictures(),
    prompt=prompts() | st.sampled_from(["mist, fire, rays, smoke", "handheld, snow, she leans", "waves, clouds, rain"]),
    loop=st.booleans(),
    seed=st.integers(0, 2**63 - 1),
)
def test_the_same_job_gives_the_same_bits(picture, prompt, loop, seed):
    job = RenderJob(prompt, picture, None, FrameSize(64, 48), 0.5, loop, seed)
    one, same = ([bytes(frame.planes) for frame in ENGINE.render(job, never).frames] for _ in range(2))
    assert one == same


@pytest.mark.parametrize("aspect", [None, *AspectRatio])
@pytest.mark.parametrize("resolution", list(Resolution))
def test_every_shape_and_size_has_even_sides_and_a_first_frame(aspect, resolution):
    picture = Picture(97, 61, np.random.default_rng(1).integers(0, 256, 97 * 61 * 3, np.uint8).tobytes())
    size = frame_size(resolution, aspect, FrameSize(97, 61))
    assert size.width % 2 == size.height % 2 == 0
    if resolution is Resolution.P540:
        rendering = ENGINE.render(RenderJob("push in", picture, None, size, 10.0), never)
        assert rendering.frame_count == 240
        assert next(rendering.frames).width == size.width


def test_a_large_render_asks_often_whether_to_go_on():
    """At 4k no piece of work between two checkpoints is long, the analysis included."""
    random = np.random.default_rng(3)
    coarse = random.integers(0, 256, (208, 278, 3), np.uint8)
    pixels = np.ascontiguousarray(coarse.repeat(15, axis=0).repeat(15, axis=1))
    picture = Picture(pixels.shape[1], pixels.shape[0], pixels.tobytes())
    asked = [time.perf_counter()]

    def report(_: float) -> None:
        asked.append(time.perf_counter())

    job = RenderJob("orbit left, she leans, mist, snow", picture, None, FrameSize(3326, 2494), 1.0)
    with cancellable_by(lambda: report(0.0)):
        frames = ENGINE.render(job, report).frames
        for _ in range(3):
            next(frames)
    waits = sorted(after - before for before, after in pairwise(asked))
    assert waits[len(waits) * 3 // 4] < 0.25
    assert waits[-1] < 1.0
