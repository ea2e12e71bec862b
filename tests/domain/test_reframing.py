"""Placement of a reframed picture, by the caller's fields."""

import pytest

from stillmotion.domain.errors import InvalidRequest
from stillmotion.domain.reframing import Bounds, Placement, placement
from stillmotion.domain.request import AspectRatio, GenerationRequest, Purpose, Resolution

UNSAID = Bounds()


@pytest.mark.parametrize(
    ("across", "down", "wanted"),
    [
        (UNSAID, UNSAID, None),
        (Bounds(start=10, end=110), UNSAID, Placement(10, None, 100, None)),
        (Bounds(start=-50, end=50), Bounds(start=0, end=200), Placement(-50, 0, 100, 200)),
        (Bounds(position=40, resized=300), Bounds(position=20), Placement(40, 20, 300, None)),
        (Bounds(end=400, resized=300), UNSAID, Placement(100, None, 300, None)),
        (Bounds(start=40, end=340, position=40, resized=300), UNSAID, Placement(40, None, 300, None)),
        (UNSAID, Bounds(resized=90), Placement(None, None, None, 90)),
    ],
)
def test_both_ways_of_saying_it_come_to_the_same_place(across, down, wanted):
    assert placement(across, down) == wanted


@pytest.mark.parametrize(
    ("across", "down", "fields"),
    [
        (Bounds(start=100, end=100), UNSAID, ["x_end"]),
        (UNSAID, Bounds(start=100, end=40), ["y_end"]),
        (Bounds(end=100), UNSAID, ["x_start"]),
        (Bounds(start=10, position=20), UNSAID, ["grid_position_x"]),
        (Bounds(start=10, end=110, resized=50), UNSAID, ["resized_width"]),
        (UNSAID, Bounds(resized=0), ["resized_height"]),
        (Bounds(start=1_000_000), Bounds(position=-1_000_000), ["x_start", "grid_position_y"]),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_wire_name(across, down, fields):
    with pytest.raises(InvalidRequest) as refused:
        placement(across, down)
    assert [problem.field for problem in refused.value.problems] == fields


def reframing(**parts):
    given = {"aspect_ratio": AspectRatio.TALL, "purpose": Purpose.REFRAME, "source": "earlier"}
    return GenerationRequest(**{"prompt": "", "frame0": None} | given | parts)


def test_a_clip_is_upscaled_or_reframed_without_a_prompt():
    request = reframing(placement=Placement(0, 0, 720, 404))
    request.check()
    request.check_placement(request.resolution)
    reframing(aspect_ratio=None, purpose=Purpose.UPSCALE, resolution=Resolution.P1080).check()


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"source": None}, "source"),
        ({"purpose": Purpose.VIDEO, "prompt": "a walk"}, "source"),
        ({"aspect_ratio": None}, "aspect_ratio"),
        ({"prompt": "\0"}, "prompt"),
        ({"purpose": Purpose.UPSCALE}, "aspect_ratio"),
        ({"purpose": Purpose.UPSCALE, "aspect_ratio": None, "placement": Placement()}, "placement"),
    ],
)
def test_what_does_not_go_together_is_refused(parts, field):
    assert [problem.field for problem in reframing(**parts).problems()] == [field]


@pytest.mark.parametrize(
    ("placement", "field"),
    [
        (Placement(left=719), "x_start"),
        (Placement(left=-100, width=100), "x_end"),
        (Placement(top=1280), "y_start"),
        (Placement(height=16_000), "y_end"),
    ],
)
def test_a_placement_that_is_no_use_in_the_frame_is_refused(placement, field):
    with pytest.raises(InvalidRequest) as refused:
        reframing(placement=placement).check_placement(Resolution.P720)
    assert [problem.field for problem in refused.value.problems] == [field]
