"""Metadata and truncation: no metadata refuses a picture. A complete picture is accepted, half a picture is not."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.rendering import Picture
from stillmotion.media.input.pictures import decode, measure

FIELD = Path(__file__).parent / "field"
SIZE = (240, 180)


def photograph() -> Image.Image:
    """A picture with detail in every block."""
    rng = np.random.default_rng(7)
    coarse = Image.fromarray(rng.integers(0, 255, (12, 16, 3), np.uint8))
    return coarse.resize(SIZE, Image.Resampling.BICUBIC)


def saved(kind: str, mode: str = "RGB", **options) -> bytes:
    file = io.BytesIO()
    photograph().convert(mode).save(file, kind, **options)
    return file.getvalue()


def pixels(picture: Picture) -> np.ndarray:
    return np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3).astype(int)


def differs(content: bytes, whole: bytes) -> int:
    return int(np.abs(pixels(decode(content)) - pixels(decode(whole))).max())


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def beside(png: bytes, *chunks: bytes) -> bytes:
    """A PNG file with further chunks behind its header."""
    return png[:33] + b"".join(chunks) + png[33:]


@pytest.mark.parametrize(
    "name", ["jpeg-no-eoi.jpg", "png-bad-exif.png", "png-bad-raw-profile.png", "photo-8160x6144.png"]
)
def test_a_picture_of_the_field_is_taken(name):
    measured, picture = measure(FIELD / name), decode(FIELD / name)
    assert (picture.width, picture.height) == (measured.width, measured.height)


PNG = saved("PNG")
EXIF_OF_A_PICTURE_ON_ITS_SIDE = b"MM\0*\0\0\0\x08\0\1" + struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0) + b"\0\0\0\0"
BOMB = zlib.compress(bytes(200_000_000), 9)


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk(b"eXIf", b"II*\0\xff\xff\xff\xff")],
        [chunk(b"eXIf", b"\0" * 3)],
        [chunk(b"iCCP", b"x\0\0" + BOMB)],
        [chunk(b"iCCP", b"x\0\0not zlib")],
        [chunk(b"iCCP", b"x" * 200)],
        [chunk(b"zTXt", b"Comment\0\0" + BOMB)],
        [chunk(b"zTXt", b"Raw profile type exif\0\0" + BOMB)],
        [chunk(b"tEXt", b"Raw profile type APP1\0\n\nzz\n")],
        [chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + BOMB)],
        [chunk(b"cHRM", bytes(32))],
        [chunk(b"cHRM", b"\xff" * 32), chunk(b"gAMA", struct.pack(">I", 45455))],
        [chunk(b"cHRM", struct.pack(">8I", *[33_333] * 8)), chunk(b"gAMA", struct.pack(">I", 45455))],
        [chunk(b"gAMA", bytes(4))],
        [chunk(b"sRGB", b"")],
        [chunk(b"pHYs", b"\1")],
        [chunk(b"tIME", b"")],
        [chunk(b"bKGD", b"")],
        [chunk(b"acTL", b"\0")],
        [chunk(b"fcTL", b"\0")],
        [chunk(b"cICP", b"\x09")],
        [chunk(b"cICP", b"\xff\xff\0\1")],
        [chunk(b"xxxx", b"?" * 100_000)],
        [chunk(b"tEXt", b"a\0b")[:-4] + b"\0\0\0\0"],
        [chunk(b"tEXt", b"a\0" + b"b" * 2_000_000)] * 5,
    ],
)
def test_no_chunk_beside_a_png_picture_refuses_it(chunks):
    content = beside(PNG, *chunks)
    assert measure(content).width == SIZE[0]
    assert differs(content, PNG) <= 2


@pytest.mark.parametrize(
    "content",
    [
        beside(PNG, chunk(b"eXIf", EXIF_OF_A_PICTURE_ON_ITS_SIDE)),
        beside(PNG, chunk(b"eXIf", EXIF_OF_A_PICTURE_ON_ITS_SIDE[:20])),
        beside(
            PNG,
            chunk(
                b"zTXt",
                b"Raw profile type exif\0\0"
                + zlib.compress(b"\nexif\n    26\n" + EXIF_OF_A_PICTURE_ON_ITS_SIDE.hex().encode() + b"\n"),
            ),
        ),
        saved("JPEG", exif=b"Exif\0\0" + EXIF_OF_A_PICTURE_ON_ITS_SIDE),
        saved("JPEG", exif=b"Exif\0\0" + EXIF_OF_A_PICTURE_ON_ITS_SIDE[:-4] + b"\xff\xff\xff\xff"),
        saved("WEBP", exif=EXIF_OF_A_PICTURE_ON_ITS_SIDE),
        saved("TIFF", tiffinfo={0x0112: 6}),
        saved("AVIF", exif=EXIF_OF_A_PICTURE_ON_ITS_SIDE),
    ],
    ids=["png", "png-cut", "png-raw", "jpeg", "jpeg-bad-next", "webp", "tiff", "avif"],
)
def test_which_way_up_is_read_where_it_can_be(content):
    measured, picture = measure(content), decode(content)
    assert (picture.width, picture.height) == (measured.width, measured.height) == SIZE[::-1]
    assert np.abs(pixels(picture)[:, ::-1].transpose(1, 0, 2) - np.asarray(photograph())).mean() < 25


JPEGS = {
    "baseline": saved("JPEG", quality=90),
    "progressive": saved("JPEG", quality=90, progressive=True),
    "grey": saved("JPEG", mode="L"),
    "restarts": saved("JPEG", quality=90, restart_marker_blocks=3),
    "restarts-by-rows": saved("JPEG", quality=90, restart_marker_rows=1),
    "4:4:4": saved("JPEG", quality=95, subsampling=0),
}


@pytest.mark.parametrize("kind", JPEGS)
@pytest.mark.parametrize(
    "end",
    [b"", b"\xff", b"\xff\xff", b"\xff\xe2\x10\0half a segment", b"\0" * 5000, b"\xff\xd9" + b"\xff\xd8\xff junk" * 99],
    ids=["nothing", "half-a-marker", "fill", "half-a-segment", "zeros", "trailing"],
)
def test_a_jpeg_whose_rows_are_all_there_is_taken(kind, end):
    whole = JPEGS[kind]
    assert whole.endswith(b"\xff\xd9")
    assert differs(whole[:-2] + end, whole) == 0


@pytest.mark.parametrize("kind", JPEGS)
@pytest.mark.parametrize("share", [0.3, 0.5, 0.8, 0.95])
@pytest.mark.parametrize("end", [b"", b"\xff\xd9"], ids=["cut", "cut-and-ended"])
def test_a_part_of_a_jpeg_is_refused(kind, share, end):
    whole = JPEGS[kind]
    if kind == "progressive" and end:
        pytest.skip("that is a whole picture, of fewer details")
    begin = whole.index(b"\xff\xda")
    with pytest.raises(GenerationFailed) as refusal:
        decode(whole[: begin + round((len(whole) - begin) * share)] + end)
    assert refusal.value.code == "image_decode_failed"


def test_a_picture_that_ends_in_a_plain_border_is_no_part_of_one():
    image = photograph()
    ImageDraw.Draw(image).rectangle((0, 100, *SIZE), "white")
    file = io.BytesIO()
    image.save(file, "JPEG")
    assert decode(file.getvalue()).height == SIZE[1]
    assert decode(file.getvalue()[:-2]).height == SIZE[1]


def test_profiles_of_a_jpeg_can_be_anything():
    for data in (b"", b"\1", b"\1\1", b"\1\1short", b"\2\1" + bytes(500), b"\0\0" + bytes(500)):
        segment = b"ICC_PROFILE\0" + data
        content = b"\xff\xd8\xff\xe2" + struct.pack(">H", len(segment) + 2) + segment + JPEGS["baseline"][2:]
        assert differs(content, JPEGS["baseline"]) == 0


@pytest.mark.parametrize(
    "data", [b"Exif\0\0", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", b"http://ns.adobe.com/xap/1.0/\0<", b""]
)
@pytest.mark.parametrize("marker", [0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE])
def test_no_segment_of_a_jpeg_refuses_it(marker, data):
    content = b"\xff\xd8\xff" + bytes((marker,)) + struct.pack(">H", len(data) + 2) + data + JPEGS["baseline"][2:]
    assert differs(content, JPEGS["baseline"]) == 0


@pytest.mark.parametrize("options", [{}, {"compress_level": 0}], ids=["packed", "stored"])
@pytest.mark.parametrize("lost", [12, 13, 16, 20])
def test_a_png_without_its_end_is_taken_where_its_rows_are_all_there(options, lost):
    """The last 12 bytes are the chunk IEND. The checksum of the data stands before it."""
    whole = saved("PNG", **options)
    assert differs(whole[:-lost], whole) == 0


def test_a_png_with_a_wrong_checksum_is_taken_where_its_rows_are_all_there():
    assert differs(PNG[:-16] + b"\0\0\0\0" + PNG[-12:], PNG) == 0
    assert differs(PNG[:-20] + bytes(8) + PNG[-12:], PNG) == 0


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "TIFF", "AVIF"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_part_of_another_kind_is_refused(kind, share):
    whole = saved(kind)
    with pytest.raises(GenerationFailed):
        decode(whole[: round(len(whole) * share)])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "AVIF"])
@pytest.mark.parametrize("tail", [b"\0", b"PK\3\4" + bytes(1000), b"<html>" * 50, b"\xff" * 7])
def test_trailing_bytes_are_nothing(kind, tail):
    whole = saved(kind)
    assert differs(whole + tail, whole) == 0


def test_a_gif_without_its_trailer_is_taken():
    whole = saved("GIF")
    assert differs(whole[:-1], whole) == 0


def test_a_webp_that_is_cut_behind_its_picture_is_taken():
    whole = saved("WEBP", exif=EXIF_OF_A_PICTURE_ON_ITS_SIDE, icc_profile=b"x" * 400, xmp=b"<x/>" * 100)
    assert decode(whole[:-50]).height == SIZE[0]
    assert decode(whole + b"\0junk").height == SIZE[0]


def test_a_tiff_whose_other_directories_lead_nowhere_is_taken():
    whole = saved("TIFF", tiffinfo={0x8769: 0xFFFFFFF0, 0x8825: 3, 0x0112: 6})
    assert decode(whole).width in SIZE
