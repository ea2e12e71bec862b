"""The frame for a size in pixels."""

import pytest

from stillmotion.domain.errors import InvalidRequest
from stillmotion.domain.request import AspectRatio, Resolution
from stillmotion.http.surfaces.openai.sizes import frame_for, size_of
from tests.builders import a_request


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("1280x720", "1280x720"),
        ("720x1280", "720x1280"),
        ("1792x1024", "1920x1080"),
        ("1024x1792", "1080x1920"),
        ("1920x1080", "1920x1080"),
        ("3840x2160", "3840x2160"),
        ("960x540", "960x540"),
        ("1024x1024", "960x960"),
        ("640x480", "832x624"),
        ("1920x800", "2200x942"),
        ("4000x4000", "2880x2880"),
    ],
)
def test_the_nearest_frame_is_given(asked, given):
    shape, area = frame_for(asked)
    assert size_of(a_request(aspect_ratio=shape, resolution=area)) == given


@pytest.mark.parametrize("shape", AspectRatio)
@pytest.mark.parametrize("area", Resolution)
def test_a_frame_that_is_given_is_its_own_nearest(shape, area):
    assert frame_for(size_of(a_request(aspect_ratio=shape, resolution=area))) == (shape, area)


@pytest.mark.parametrize(
    "size", ["", "1280", "1280*720", "1280x0", "0x720", "1280x720 ", "-1x5", "١٢٨٠x720", "1e3x720"]
)
def test_what_is_no_size_is_refused(size):
    with pytest.raises(InvalidRequest, match="size: must be a string like 1280x720"):
        frame_for(size)


@pytest.mark.parametrize(
    ("size", "why"), [("1280x900", "shape"), ("3000x300", "shape"), ("64x64", "too far"), ("9000x9000", "too far")]
)
def test_a_size_that_nothing_is_near_is_refused(size, why):
    with pytest.raises(InvalidRequest, match=f"size: .*{why}"):
        frame_for(size)


def test_a_picture_in_its_own_shape_has_no_size_yet():
    assert size_of(a_request()) is None
