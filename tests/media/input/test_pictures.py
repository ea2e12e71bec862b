"""Pictures of strangers: each case file gives its picture, or a refusal with the right code."""

import io
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.file_types.pictures import MAX_PICTURE_PIXELS
from stillmotion.domain.rendering import Picture
from stillmotion.domain.request import FrameSize
from stillmotion.media.input.pictures import decode, measure

PICTURES = Path(__file__).parents[1] / "pictures"

ACCEPTED = {
    "apng_1000_frames.png": (64, 64),
    # The collection refuses AVIF and GIF by type. A later decision accepts both, a GIF by its first frame.
    # One frame is decoded, so 5,000 frames cost no more than one.
    "avif.avif": (64, 64),
    "gif_5000_frames.gif": (16, 16),
    "jpeg_bad_icc.jpg": (320, 240),
    "jpeg_cmyk.jpg": (320, 240),
    "jpeg_exif_gps_xss.jpg": (320, 240),
    "jpeg_exif_ifd_loop.jpg": (320, 240),
    "jpeg_exif_orientation_0.jpg": (320, 240),
    "jpeg_exif_orientation_2.jpg": (320, 240),
    "jpeg_exif_orientation_4.jpg": (320, 240),
    "jpeg_exif_orientation_6.jpg": (240, 320),
    "jpeg_exif_orientation_8.jpg": (240, 320),
    "png_16bit_gray.png": (64, 64),
    "png_1bit.png": (320, 240),
    "png_5000x4000_rgba16.png": (5000, 4000),
    "png_interlaced.png": (64, 64),
    "png_rgba.png": (320, 240),
    "polyglot_jpeg_zip.jpg": (320, 240),
    "polyglot_png_html.png": (320, 240),
    "webp_ok.webp": (320, 240),
    # Its compressed text is never unpacked. The size beside the picture is never trusted.
    "png_ztxt_bomb.png": (1, 1),
    "webp_riff_size_lie.webp": (320, 240),
}

REFUSED = {
    "bmp.bmp": "image_unsupported_type",
    "empty.png": "image_decode_failed",
    "ffconcat.txt.png": "image_unsupported_type",
    "gzip_png.png": "image_unsupported_type",
    "jp2.jp2": "image_unsupported_type",
    "jpeg_0x0_sof.jpg": "image_decode_failed",
    "jpeg_header_only.jpg": "image_decode_failed",
    "jpeg_truncated_half.jpg": "image_decode_failed",
    "mvg_imagetragick.jpg": "image_unsupported_type",
    "pdf.pdf": "image_unsupported_type",
    "png_0x0.png": "image_decode_failed",
    "png_2147483647x1.png": "image_too_many_pixels",
    "png_60000x60000_1bit.png": "image_too_many_pixels",
    "png_idat_truncated.png": "image_decode_failed",
    "psd.psd": "image_unsupported_type",
    "svg_xxe.svg": "image_unsupported_type",
    "webp_truncated.webp": "image_decode_failed",
}


def pixels(picture: Picture) -> np.ndarray:
    return np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3)


def saved(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_every_picture_of_the_folder_has_its_expectation():
    assert {path.name for path in PICTURES.iterdir()} == ACCEPTED.keys() | REFUSED.keys()


@pytest.mark.parametrize(("name", "size"), ACCEPTED.items())
def test_a_good_picture_is_taken_at_its_size(name, size):
    measured = measure(PICTURES / name)
    picture = decode(PICTURES / name)
    assert (picture.width, picture.height) == size == (measured.width, measured.height)
    assert len(picture.pixels) == size[0] * size[1] * 3


@pytest.mark.parametrize(("name", "code"), REFUSED.items())
def test_a_bad_picture_is_refused_by_code_and_with_advice(name, code):
    with pytest.raises(GenerationFailed) as refusal:
        decode((PICTURES / name).read_bytes())
    assert refusal.value.code == code
    assert refusal.value.permanent
    assert ":" in refusal.value.reason, "the sentence says what to do"


COLOURS = [(200, 30, 30), (30, 200, 30), (30, 30, 200)]


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "PNG", "WEBP", "AVIF"])
def test_of_several_frames_the_first_is_taken(kind):
    first, *others = [Image.new("RGB", (40, 30), colour) for colour in COLOURS]
    content = saved(first, kind, save_all=True, append_images=others, duration=100)
    with Image.open(io.BytesIO(content)) as image:
        assert image.n_frames == len(COLOURS)
    seen = pixels(decode(content))[15, 20].astype(int)
    assert np.abs(seen - COLOURS[0]).max() < 12


def test_a_hundred_thousand_remarks_cost_little():
    """A PNG of one pixel with as many text chunks, 2 MB without content."""
    whole = saved(Image.new("RGB", (1, 1)))
    remark = b"tEXt" + b"Comment\0x"
    chunk = (len(remark) - 4).to_bytes(4, "big") + remark + zlib.crc32(remark).to_bytes(4, "big")
    end_of_header = 8 + 12 + 13
    began = time.process_time()
    picture = decode(whole[:end_of_header] + chunk * 100_000 + whole[end_of_header:])
    assert (picture.width, picture.height) == (1, 1)
    assert time.process_time() - began < 5


@pytest.mark.parametrize("name", ["polyglot_jpeg_zip.jpg", "polyglot_png_html.png"])
def test_of_a_file_that_is_two_things_only_the_picture_goes_on(name):
    content = (PICTURES / name).read_bytes()
    tail = content[-200:]
    picture = decode(content)
    assert tail not in bytes(picture.pixels)
    with pytest.raises(GenerationFailed) as refusal:
        decode(tail)
    assert refusal.value.code == "image_unsupported_type"


def test_what_calls_itself_one_kind_and_is_another_is_told_by_its_bytes(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(saved(Image.new("RGB", (8, 8), COLOURS[0]), "JPEG"))
    assert decode(path).width == 8
    for beginning in (b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"RIFF\x20\0\0\0WEBPVP8 "):
        path.write_bytes(beginning + b"<html><script>alert(1)</script>" * 10)
        with pytest.raises(GenerationFailed) as refusal:
            decode(path)
        assert refusal.value.code in {"image_decode_failed", "image_too_many_pixels"}, beginning


def test_too_many_pixels_are_refused_before_they_are_decoded():
    side = int(MAX_PICTURE_PIXELS**0.5) + 10
    with pytest.raises(GenerationFailed) as refusal:
        decode(saved(Image.new("1", (side, side))))
    assert refusal.value.code == "image_too_many_pixels"
    with pytest.raises(GenerationFailed):
        decode(saved(Image.new("1", (16_385, 1))))


def test_sixteen_bit_grey_is_scaled_not_clipped():
    assert np.all(np.abs(pixels(decode(PICTURES / "png_16bit_gray.png")).astype(int) - 156) <= 1)


def test_transparency_lies_over_white_and_is_kept_as_a_hint():
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 4, 8))
    picture = decode(saved(image))
    assert pixels(picture)[0, 7].tolist() == [255, 255, 255]
    assert pixels(picture)[0, 0].tolist() == [0, 0, 255]
    assert picture.alpha is not None
    assert bytes(picture.alpha[:8]) == b"\xff" * 4 + b"\x00" * 4


def test_opaque_alpha_is_no_hint():
    assert decode(saved(Image.new("RGBA", (4, 4), (1, 2, 3, 255)))).alpha is None


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"])
def test_every_mode_comes_out_as_rgb(mode):
    kind = "TIFF" if mode == "CMYK" else "PNG"
    picture = decode(saved(Image.new(mode, (5, 3), 0 if mode in {"1", "L", "P", "I;16"} else None), kind))
    assert len(picture.pixels) == 5 * 3 * 3


def test_float_and_wide_integer_greys_are_spread_over_the_range():
    ramp = np.linspace(0, 3, 16, dtype=np.float32).reshape(1, 16)
    values = pixels(decode(saved(Image.fromarray(ramp), "TIFF")))[0, :, 0]
    assert values[0] == 0
    assert values[-1] >= 254


def test_a_colour_profile_is_applied():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exchanged = srgb.replace(b"rXYZ", b"....").replace(b"bXYZ", b"rXYZ").replace(b"....", b"bXYZ")
    picture = decode(saved(Image.new("RGB", (4, 4), (255, 0, 0)), icc_profile=exchanged))
    red, _, blue = pixels(picture)[0, 0].tolist()
    assert blue > 240
    assert red < 15


def test_pictures_are_turned_upright():
    image = Image.new("RGB", (6, 4), "black")
    image.putpixel((0, 0), (255, 255, 255))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = decode(saved(image, exif=exif))
    assert (picture.width, picture.height) == (4, 6)
    assert pixels(picture)[0, 3].tolist() == [255, 255, 255]


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_large_picture_is_reduced_while_it_covers_what_is_needed(kind):
    picture = decode(saved(Image.new("RGB", (4000, 2000), "teal"), kind), cover=FrameSize(640, 360))
    assert 640 <= picture.width <= 1100
    assert 360 <= picture.height <= 550
    assert picture.width == pytest.approx(2 * picture.height, abs=2)


def test_a_small_picture_is_never_enlarged():
    picture = decode(saved(Image.new("RGB", (20, 10))), cover=FrameSize(640, 360))
    assert (picture.width, picture.height) == (20, 10)
