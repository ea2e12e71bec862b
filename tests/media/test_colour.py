"""Colours of a file, as Chromium shows them, within two of 255 (the least that 8 bits of PQ can do)."""

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stillmotion.media.colour.primaries import primaries_of
from stillmotion.media.colour.profiles import CURVES, profile_of
from stillmotion.media.input.pictures import decode
from tools.chromium import CHROMIUM, shown

KEPT = Path(__file__).with_name("chromium_colours.json")
HDR_PICTURE = Path(__file__).parent / "field" / "avif-pq-bt2020.avif"
WITHIN = 2
WITHIN_OF_AVIF = 5
"""Its decoder gives 8 bits for formats of 10."""
SIDE, PATCH = 128, 16

P3 = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
CASES = {
    "pq-bt2020": [(b"cICP", bytes([9, 16, 0, 1]))],
    "pq-bt2020-to-4000-nits": [(b"cICP", bytes([9, 16, 0, 1])), (b"cLLI", struct.pack(">II", 40_000_000, 4_000_000))],
    "pq-p3": [(b"cICP", bytes([12, 16, 0, 1]))],
    "hlg-bt2020": [(b"cICP", bytes([9, 18, 0, 1]))],
    "srgb-curve-p3": [(b"cICP", bytes([12, 13, 0, 1]))],
    "bt709": [(b"cICP", bytes([1, 1, 0, 1]))],
    "bt2020": [(b"cICP", bytes([9, 14, 0, 1]))],
    "linear": [(b"cICP", bytes([1, 8, 0, 1]))],
    "gamma-2.2": [(b"cICP", bytes([1, 4, 0, 1]))],
    "gAMA-of-linear-light": [(b"gAMA", struct.pack(">I", 100_000))],
    "gAMA-of-srgb": [(b"gAMA", struct.pack(">I", 45_455))],
    "gAMA-and-cHRM": [(b"gAMA", struct.pack(">I", 60_000)), (b"cHRM", P3)],
    "cHRM-alone": [(b"cHRM", P3)],
    "sRGB-before-gAMA": [(b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 100_000)), (b"cHRM", P3)],
    "iCCP-of-p3": [(b"iCCP", b"p3\0\0" + zlib.compress(profile_of(primaries_of(12), CURVES[13])))],
    "cICP-before-iCCP": [
        (b"cICP", bytes([1, 13, 0, 1])),
        (b"iCCP", b"p3\0\0" + zlib.compress(profile_of(primaries_of(12), CURVES[13]))),
    ],
}


def patches() -> np.ndarray:
    """Patches of greys and colours."""
    colours = np.random.default_rng(1).integers(0, 256, (8, 8, 3))
    colours[:3] = np.linspace(3, 255, 24).astype(int).reshape(3, 8, 1)
    return np.repeat(np.repeat(colours, PATCH, 0), PATCH, 1).astype(np.uint8)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(bits: int, chunks) -> bytes:
    stored = patches().astype(">u2") * 257 if bits == 16 else patches()
    rows = b"".join(b"\0" + row.tobytes() for row in stored)
    head = struct.pack(">IIBBBBB", SIDE, SIDE, bits, 2, 0, 0, 0)
    body = [chunk(b"IHDR", head), *(chunk(*each) for each in chunks), chunk(b"IDAT", zlib.compress(rows))]
    return b"\x89PNG\r\n\x1a\n" + b"".join((*body, chunk(b"IEND", b"")))


def seen(content: bytes) -> list[list[int]]:
    """The middle of each patch, as decoded."""
    picture = decode(content)
    return middles(Image.frombytes("RGB", (picture.width, picture.height), bytes(picture.pixels)))


def middles(image: Image.Image) -> list[list[int]]:
    return np.asarray(image)[PATCH // 2 :: PATCH, PATCH // 2 :: PATCH].reshape(-1, 3).tolist()


def apart(one, other) -> int:
    return int(np.abs(np.asarray(one, int) - np.asarray(other, int)).max())


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("case", CASES)
def test_colours_are_those_that_chromium_shows(case, bits):
    assert apart(seen(png(bits, CASES[case])), json.loads(KEPT.read_text("utf-8"))[case]) <= WITHIN


def test_a_bright_avif_is_shown_as_chromium_shows_it():
    kept = np.asarray(json.loads(KEPT.read_text("utf-8"))[HDR_PICTURE.name])
    picture = decode(HDR_PICTURE)
    image = Image.frombytes("RGB", (picture.width, picture.height), bytes(picture.pixels))
    ours = np.asarray(image.resize((12, 8), Image.Resampling.BOX), int)
    assert np.abs(ours.reshape(-1, 3) - kept).max() <= WITHIN_OF_AVIF


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_what_is_kept_of_chromium_is_what_it_shows(tmp_path):
    kept = json.loads(KEPT.read_text("utf-8"))
    files = []
    for case, chunks in CASES.items():
        path = tmp_path / f"{case}.png"
        path.write_bytes(png(8, chunks))
        files.append((path, ".png", (SIDE, SIDE)))
    *pictures, bright = shown([*files, (HDR_PICTURE, ".avif", (480, 320))], 480)
    far = {case: apart(middles(image), kept[case]) for case, image in zip(CASES, pictures, strict=True)}
    assert {case for case, distance in far.items() if distance > 1} == set()
    blocks = np.asarray(bright.resize((12, 8), Image.Resampling.BOX), int).reshape(-1, 3)
    assert apart(blocks, kept[HDR_PICTURE.name]) <= 1


def test_a_profile_that_names_pq_is_read_as_pq():
    """Cameras and editors write HDR pictures as JPEG and PNG with this tag of ICC profiles, `cicp`."""
    profile = bytearray(profile_of(primaries_of(9), CURVES[8]))
    count = int.from_bytes(profile[128:132], "big")
    at = len(profile) + 12
    moved = bytearray(profile[:128]) + (count + 1).to_bytes(4, "big")
    for start in range(132, 132 + 12 * count, 12):
        place = int.from_bytes(profile[start + 4 : start + 8], "big") + 12
        moved += profile[start : start + 4] + place.to_bytes(4, "big") + profile[start + 8 : start + 12]
    moved += b"cicp" + at.to_bytes(4, "big") + (12).to_bytes(4, "big") + profile[132 + 12 * count :]
    moved += b"cicp\0\0\0\0\x09\x10\0\1"
    moved[:4] = len(moved).to_bytes(4, "big")
    content = png(8, [(b"iCCP", b"pq\0\0" + zlib.compress(bytes(moved)))])
    assert apart(seen(content), json.loads(KEPT.read_text("utf-8"))["pq-bt2020"]) <= WITHIN


@pytest.mark.parametrize(("bits", "clear"), [(2, 1), (4, 7), (8, 100), (16, 30_000)])
def test_one_transparent_grey_is_transparent_at_every_depth(bits, clear):
    most = (1 << bits) - 1
    values = [clear, 0, most, clear] * 16
    packed = int("".join(f"{value:0{bits}b}" for value in values), 2).to_bytes(64 * bits // 8, "big")
    head = struct.pack(">IIBBBBB", 64, 1, bits, 0, 0, 0, 0)
    body = [(b"IHDR", head), (b"tRNS", clear.to_bytes(2, "big")), (b"IDAT", zlib.compress(b"\0" + packed))]
    content = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in body) + chunk(b"IEND", b"")
    picture = decode(content)
    assert picture.alpha is not None
    assert bytes(picture.alpha[:4]) == b"\0\xff\xff\0"


def test_a_jpeg_of_a_wide_gamut_is_converted():
    file = io.BytesIO()
    Image.new("RGB", (16, 16), (0, 255, 0)).save(
        file, "JPEG", quality=100, icc_profile=profile_of(primaries_of(12), CURVES[13])
    )
    assert decode(file.getvalue()).pixels[:3] == b"\0\xff\0"
    file = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 100, 100)).save(
        file, "JPEG", quality=100, icc_profile=profile_of(primaries_of(12), CURVES[13])
    )
    red, green, blue = decode(file.getvalue()).pixels[:3]
    assert red > 210
    assert green < 98
    assert blue < 100


@pytest.mark.parametrize(
    ("primaries", "transfer", "expected"), [(12, 13, True), (1, 13, False), (1, 1, False), (2, 2, False)]
)
def test_the_colour_space_that_an_avif_names_is_followed(primaries, transfer, expected):
    """Pillow always writes sRGB, so the test rewrites the box."""
    file = io.BytesIO()
    Image.new("RGB", (32, 32), (200, 100, 100)).save(file, "AVIF", quality=100, subsampling="4:4:4")
    content = bytearray(file.getvalue())
    at = content.index(b"colrnclx") + 8
    content[at : at + 4] = struct.pack(">HH", primaries, transfer)
    red, green, _ = bytes(decode(bytes(content)).pixels[:3])
    assert (red > 210 and green < 98) == expected
    assert expected or (abs(red - 200) <= 2 and abs(green - 100) <= 2)
