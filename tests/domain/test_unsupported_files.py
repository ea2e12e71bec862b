"""Files of unsupported types: the refusal names the type."""

import struct
from pathlib import Path

import pytest

from stillmotion.domain.file_types.unsupported import refusal_of

FIELD = Path(__file__).parents[1] / "media" / "field"


def tiff(*directories: dict[int, tuple[int, int]], make: bytes = b"", order: str = "<", sub: bool = False) -> bytes:
    """A TIFF file with these directories: one after the other, or the others inside the first."""
    head = b"II*\0" if order == "<" else b"MM\0*"
    sizes = [2 + 12 * (len(each) + (2 if number == 0 else 0)) + 4 for number, each in enumerate(directories)]
    places = [8 + sum(sizes[:number]) for number in range(len(directories))]
    end = 8 + sum(sizes)
    content = head + struct.pack(order + "I", 8)
    for number, each in enumerate(directories):
        entries = [(tag, kind, 1, value) for tag, (kind, value) in each.items()]
        if number == 0:
            entries += [(271, 2, max(len(make), 5), end), (330, 4, 1, places[1] if sub and len(places) > 1 else 0)]
        content += struct.pack(order + "H", len(entries))
        for tag, kind, count, value in sorted(entries):
            short = kind == 3
            content += struct.pack(order + "HHI", tag, kind, count)
            content += struct.pack(order + ("HH" if short else "I"), *((value, 0) if short else (value,)))
        following = 0 if sub or number + 1 == len(places) else places[number + 1]
        content += struct.pack(order + "I", following)
    return content + make.ljust(5, b"\0")


THUMBNAIL = {254: (4, 1), 259: (3, 1), 262: (3, 2)}
MOSAIC = {254: (4, 0), 259: (3, 1), 262: (3, 32803)}
PHOTO = {254: (4, 0), 259: (3, 5), 262: (3, 2)}


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (tiff(THUMBNAIL, MOSAIC, make=b"NIKON CORPORATION\0", sub=True), "Nikon NEF"),
        (tiff(THUMBNAIL, MOSAIC, make=b"NIKON CORPORATION\0", order=">", sub=True), "Nikon NEF"),
        (tiff(THUMBNAIL, {259: (3, 32767)}, make=b"SONY\0", sub=True), "Sony ARW"),
        (tiff(THUMBNAIL, {259: (3, 6)}, make=b"SONY\0", sub=True), "Sony ARW"),
        (tiff({259: (3, 65535)}, make=b"PENTAX Corporation\0"), "Pentax PEF"),
        (tiff(THUMBNAIL, MOSAIC, make=b"SAMSUNG\0"), "Samsung SRW"),
        (tiff(THUMBNAIL, MOSAIC, make=b"Hasselblad\0"), "Hasselblad 3FR"),
        (tiff(THUMBNAIL, MOSAIC), "DNG"),
        (tiff(PHOTO | {50706: (4, 1)}), "DNG"),
        (b"II*\0\x10\0\0\0CR\x02\0" + bytes(50), "Canon CR2"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(50), "Canon CR3"),
        (b"II\x1a\0\0\0HEAPCCDR" + bytes(50), "Canon CRW"),
        (b"IIRO\x08\0\0\0" + bytes(50), "Olympus ORF"),
        (b"IIU\0\x08\0\0\0" + bytes(50), "Panasonic RW2"),
        (b"FUJIFILMCCD-RAW 0201" + bytes(50), "Fujifilm RAF"),
        (b"FOVb" + bytes(50), "Sigma X3F"),
        (b"\0MRM" + bytes(50), "Minolta MRW"),
        ((FIELD / "dng-thumbnail-first.dng").read_bytes(), "DNG"),
    ],
)
def test_a_raw_photograph_is_refused_by_name_with_the_way_out(content, name):
    assert refusal_of(content, reads_heic=True) == (
        f"a raw photograph ({name}): develop it in a photo program, or save it as JPEG or PNG, and send that"
    )


@pytest.mark.parametrize(
    "content",
    [
        tiff(PHOTO),
        tiff(PHOTO, THUMBNAIL, make=b"NIKON CORPORATION\0"),
        tiff(PHOTO, PHOTO, PHOTO, make=b"Canon\0"),
        tiff(PHOTO, make=b"EPSON scanner\0"),
        b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0" + bytes(60),
        b"II*\0\x08\0\0\0\xff\xff" + b"\x4a\1\4\0\1\0\0\0\x08\0\0\0" * 20,
    ],
    ids=["plain", "thumbnail-behind", "pages", "scanner", "big", "loop"],
)
def test_other_tiff_files_are_taken(content):
    assert refusal_of(content, reads_heic=True) is None


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\xff\x0a" + bytes(40), "a JPEG XL image"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40), "a JPEG XL image"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40), "a JPEG 2000 image"),
        (b"8BPS\0\1" + bytes(40), "a Photoshop document"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\xef\xbb\xbf  %PDF-1.4\n", "a PDF document"),
        (b'<?xml version="1.0"?>\n<!-- x -->\n<svg xmlns="">', "an SVG drawing"),
        (b"  <svg/>", "an SVG drawing"),
        (b"<svg >", "an SVG drawing"),
        (b"\n<!DOCTYPE html><title>x", "a web page"),
        (b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0" + bytes(40), "a BMP image"),
        (b"P6\n4 4\n255\n", "a PNM image"),
        (b"qoif" + bytes(20), "a QOI image"),
        (b"\x76\x2f\x31\x01" + bytes(20), "an OpenEXR image"),
        (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + bytes(20), "a video (MP4 or MOV)"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + bytes(20), "a video (MP4 or MOV)"),
        (b"\x1a\x45\xdf\xa3" + bytes(20), "a WebM or Matroska video"),
        (b"RIFF\0\0\0\0AVI LIST", "an AVI video"),
        (b"PK\3\4" + bytes(20), "a ZIP archive"),
        (b"\x1f\x8b\x08" + bytes(20), "a gzip archive"),
        (b"\0\5\x16\7\0\2\0\0Mac OS X", "a side file of macOS"),
        (b"/9j/4AAQSkZJRgABAQ", "the base64 text of a picture"),
        (b'{"error": "not found"}', "a text"),
        (bytes(range(128, 200)), "not an image of a supported kind"),
        (b"", "empty"),
    ],
)
def test_what_is_no_picture_of_ours_is_called_by_its_name(content, name):
    assert (refusal_of(content, reads_heic=True) or "").startswith(name)


def test_heic_is_taken_where_it_is_read_and_named_where_not():
    heic = b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(60)
    assert refusal_of(heic, reads_heic=True) is None
    assert (refusal_of(heic, reads_heic=False) or "").startswith("a HEIC image")
    avif = b"\0\0\0\x24ftypmif1\0\0\0\0mif1miafMA1Bxxxxavif" + bytes(60)
    assert refusal_of(avif, reads_heic=False) is None
