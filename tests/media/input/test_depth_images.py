"""Depth images: grey of any kind keeps its values, and anything else is refused with a reason."""

import io

import numpy as np
import pytest
from PIL import Image

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.rendering import DepthMap
from stillmotion.media.input.depth_images import LONGEST_SIDE, decode_depth

RAMP = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64)


def saved(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def values(depth: DepthMap) -> np.ndarray:
    return np.frombuffer(depth.nearness, np.float32).reshape(depth.height, depth.width)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_stay_sixteen(kind):
    assert np.array_equal(values(decode_depth(saved(Image.fromarray(RAMP), kind))), RAMP)


def test_floats_keep_their_fractions():
    metres = RAMP.astype(np.float32) / 7
    assert np.array_equal(values(decode_depth(saved(Image.fromarray(metres), "TIFF"))), metres)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P"])
def test_grey_may_be_kept_in_any_mode(mode):
    grey = (RAMP // 12).astype(np.uint8)
    assert np.array_equal(values(decode_depth(saved(Image.fromarray(grey).convert(mode)))), grey)


def test_a_grey_jpeg_of_three_channels_is_grey():
    smooth = np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1))
    found = values(decode_depth(saved(Image.fromarray(smooth).convert("RGB"), "JPEG", quality=80)))
    assert np.abs(found - smooth).mean() < 3


def test_bright_is_far_where_that_is_said():
    found = values(decode_depth(saved(Image.fromarray(RAMP)), bright_is_far=True))
    assert np.array_equal(found, RAMP.max() - RAMP.astype(np.float32))


def test_it_is_turned_upright_as_its_picture_is():
    exif = Image.Exif()
    exif[0x0112] = 6
    depth = decode_depth(saved(Image.fromarray(RAMP), exif=exif))
    assert (depth.width, depth.height) == (48, 64)
    assert np.array_equal(values(depth), np.rot90(RAMP, -1))


def test_a_large_one_is_averaged_down():
    large = np.tile(np.linspace(0, 65535, 6000).astype(np.uint16), (3000, 1))
    depth = decode_depth(saved(Image.fromarray(large)))
    assert (depth.width, depth.height) == (LONGEST_SIDE, LONGEST_SIDE // 2)
    assert np.all(np.diff(values(depth), axis=1) > 0)


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (saved(Image.new("RGB", (64, 48), (250, 120, 30))), "depth_image_unusable", "grey"),
        (saved(Image.fromarray(np.full((48, 64), np.nan, np.float32)), "TIFF"), "depth_image_unusable", "not numbers"),
        (b"", "image_decode_failed", "whole file"),
        (b"%PDF-1.7 and so on", "image_unsupported_type", "PNG"),
    ],
)
def test_what_is_no_depth_is_refused_in_words(content, code, words):
    with pytest.raises(GenerationFailed, match=words) as refused:
        decode_depth(content)
    assert refused.value.code == code
