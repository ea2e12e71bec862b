"""Requests: their rules, and the frame size of the result."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillmotion.domain.errors import InvalidRequest
from stillmotion.domain.request import (
    AspectRatio,
    FrameSize,
    GenerationRequest,
    Keyframe,
    Resolution,
    frame_size,
    prompt_problems,
)

PHOTO = Keyframe(url="https://example.com/a.jpg")


@pytest.mark.parametrize(
    ("prompt", "remedy"),
    [
        ("", "must not be blank"),
        (" \n\t ", "must not be blank"),
        ("x" * 5001, "shorten it to 5000"),
        ("a\x00b", "NUL"),
        ("a\ud800b", "lone surrogates"),
    ],
)
def test_a_bad_prompt_is_told_its_remedy(prompt, remedy):
    """With a picture the prompt may be empty. Without one it may not."""
    with pytest.raises(InvalidRequest) as refused:
        GenerationRequest(prompt, PHOTO if prompt else None).check()
    (problem,) = refused.value.problems
    assert problem.field == "prompt"
    assert remedy in problem.message


@pytest.mark.parametrize(
    "prompt", ["x", "x" * 5000, f"  {'x' * 5000}  ", "日本語 👨‍👩‍👧", "a\r\nb\u2028c", "\u202egnp.exe"]
)
def test_any_other_text_is_a_prompt(prompt):
    assert prompt_problems(prompt) == []


def test_all_problems_are_told_at_once():
    with pytest.raises(InvalidRequest) as refused:
        GenerationRequest(" ", PHOTO, seconds=99, seed=-1).check()
    assert [problem.field for problem in refused.value.problems] == ["prompt", "seconds", "seed"]


@pytest.mark.parametrize("seconds", [0.99, 12.01, float("nan"), float("inf"), -5])
def test_a_length_outside_one_to_twelve_seconds_is_refused(seconds):
    with pytest.raises(InvalidRequest, match="seconds: must be from 1 to 12 seconds"):
        GenerationRequest("x", PHOTO, seconds=seconds).check()


def test_the_usual_sizes():
    photo = FrameSize(4000, 3000)
    assert frame_size(Resolution.P720, AspectRatio.WIDE, photo) == FrameSize(1280, 720)
    assert frame_size(Resolution.P1080, AspectRatio.TALL, photo) == FrameSize(1080, 1920)
    assert frame_size(Resolution.P2160, AspectRatio.WIDE, photo) == FrameSize(3840, 2160)
    assert frame_size(Resolution.P720, AspectRatio.SQUARE, photo) == FrameSize(960, 960)


@given(
    st.sampled_from(Resolution),
    st.none() | st.sampled_from(AspectRatio),
    st.integers(16, 16384),
    st.integers(16, 16384),
)
def test_every_size_is_even_and_has_the_area_and_shape_asked_for(resolution, aspect, width, height):
    size = frame_size(resolution, aspect, FrameSize(width, height))
    assert size.width % 2 == 0
    assert size.height % 2 == 0
    assert size.width * size.height == pytest.approx(resolution.area, rel=0.01)
    shape = aspect.ratio if aspect else min(max(width / height, 0.25), 4.0)
    assert size.width / size.height == pytest.approx(shape, rel=0.01)


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        " ",
        "\t\r\n\v\f",
        "\N{ZERO WIDTH SPACE}",
        "\N{ZERO WIDTH SPACE}\N{ZERO WIDTH JOINER}\N{WORD JOINER}",
        "\N{ZERO WIDTH NO-BREAK SPACE}",
        "\N{SOFT HYPHEN}",
        "\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}",
        "\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}",
        "\N{MONGOLIAN VOWEL SEPARATOR}",
        "\N{RIGHT-TO-LEFT OVERRIDE}\N{POP DIRECTIONAL FORMATTING}",
        "\N{COMBINING ACUTE ACCENT}",
        " \N{COMBINING ENCLOSING CIRCLE}",
        "\N{VARIATION SELECTOR-16}",
        "\N{HANGUL FILLER}",
        "\N{HALFWIDTH HANGUL FILLER}\N{HANGUL CHOSEONG FILLER}\N{HANGUL JUNGSEONG FILLER}",
        "\N{BRAILLE PATTERN BLANK}",
        "\N{TAG LATIN SMALL LETTER A}\N{CANCEL TAG}",
        "\x01\x7f\x85",
        "\ufdd0\uffff",
        "\N{COMBINING GRAPHEME JOINER}",
    ],
)
def test_a_prompt_of_which_nothing_can_be_seen_is_blank(prompt):
    (problem,) = prompt_problems(prompt)
    assert problem.startswith("must not be blank")


@pytest.mark.parametrize(
    "prompt",
    [
        "a",
        "\N{ZERO WIDTH SPACE}a",
        "e\N{COMBINING ACUTE ACCENT}",
        "…",
        "🎬",
        "\N{KEYCAP TEN}",
        "①",
        "女",
        "की",
        "\U0001fae8",
    ],
)
def test_a_prompt_of_which_something_can_be_seen_is_none(prompt):
    assert prompt_problems(prompt) == []
