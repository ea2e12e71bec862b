"""Unsupported files by their formats' names, for a clearer refusal than "not supported"."""

import re

from stillmotion.domain.file_types.pictures import HEIC, KINDS, iso_brands, picture_type
from stillmotion.domain.file_types.raw_photographs import Read, raw_photograph

LOOKED_AT = 1024
"""Bytes of a file's beginning that tell its format."""

_SAVE = "save it as JPEG or PNG, and send that"
_UNPACK = "unpack it, and send the picture that is in it"
_FRAME = "send one frame of it as JPEG or PNG"

_STARTS = (
    (b"\xff\x0a", "a JPEG XL image", _SAVE),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL image", _SAVE),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 image", _SAVE),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image", _SAVE),
    (b"II\xbc\x01", "a JPEG XR image", _SAVE),
    (b"8BPS", "a Photoshop document", _SAVE),
    (b"gimp xcf", "a GIMP document", _SAVE),
    (b"\x8aMNG\r\n", "an MNG animation", _SAVE),
    (b"\0\0\1\0", "an icon file", _SAVE),
    (b"\0\0\2\0", "a cursor file", _SAVE),
    (b"icns", "an icon file", _SAVE),
    (b"qoif", "a QOI image", _SAVE),
    (b"BPG\xfb", "a BPG image", _SAVE),
    (b"FLIF", "a FLIF image", _SAVE),
    (b"DDS ", "a DDS texture", _SAVE),
    (b"\x76\x2f\x31\x01", "an OpenEXR image", _SAVE),
    (b"#?RADIANCE", "a Radiance HDR image", _SAVE),
    (b"#?RGBE", "a Radiance HDR image", _SAVE),
    (b"SIMPLE  =", "a FITS image", _SAVE),
    (b"AT&TFORM", "a DjVu document", _SAVE),
    (b"\xd7\xcd\xc6\x9a", "a Windows metafile", _SAVE),
    (b"%!PS", "a PostScript document", _SAVE),
    (b"\xc5\xd0\xd3\xc6", "a PostScript document", _SAVE),
    (b"\x1a\x45\xdf\xa3", "a WebM or Matroska video", _FRAME),
    (b"\0\0\1\xba", "an MPEG video", _FRAME),
    (b"\0\0\1\xb3", "an MPEG video", _FRAME),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media video", _FRAME),
    (b"FLV\1", "a Flash video", _FRAME),
    (b"OggS", "an Ogg file", _FRAME),
    (b"ID3", "an MP3 file", _FRAME),
    (b"PK\3\4", "a ZIP archive", _UNPACK),
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ\0", "an xz archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!\x1a\7", "a RAR archive", _UNPACK),
    (b"\0\5\x16\7", "a side file of macOS (its name begins with ._)", "send the picture beside it"),
    (b"version https://git-lfs", "a pointer of Git LFS", "send the picture that it stands for"),
    (b"/9j/", "the base64 text of a picture", "send the bytes that it stands for"),
    (b"iVBORw0KGgo", "the base64 text of a picture", "send the bytes that it stands for"),
    (b"data:image/", "the text of a data URI", "send the bytes that it stands for"),
)
_RIFF = ((b"AVI ", "an AVI video", _FRAME), (b"WAVE", "a WAV file", _FRAME))
_MARKUP = (
    (re.compile(rb"<svg[\s/>]", re.IGNORECASE), "an SVG drawing", _SAVE),
    (re.compile(rb"<!doctype html|<html[\s>]|<head[\s>]|<body[\s>]", re.IGNORECASE), "a web page", "send the image"),
    (re.compile(rb"<\?xml|<[a-z]", re.IGNORECASE), "an XML document", "send the image"),
)
_PORTABLE = re.compile(rb"P[1-7Ff][\s#]")
_BITMAP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})


def refusal(read: Read, *, reads_heic: bool) -> str | None:
    """Reason for refusing a file, as the words after "it is"; None for a format that is read.

    For an unknown format the words list the formats that are read.
    """
    beginning = read(0, LOOKED_AT)
    if not beginning:
        return "empty: send the whole file"
    kind = picture_type(beginning)
    raw = raw_photograph(read) if kind in {None, "image/tiff"} else None
    if raw is not None:
        return f"a raw photograph ({raw}): develop it in a photo program, or save it as JPEG or PNG, and send that"
    if kind == HEIC and not reads_heic:
        return f"a HEIC image, which is not read here without stillmotion[heif]: {_SAVE}"
    if kind is not None:
        return None
    found = _known(beginning) or _video(beginning) or _text(beginning)
    if found is None:
        return f"not an image of a supported kind: send a {KINDS} file"
    name, remedy = found
    return f"{name}, which is not read here: {remedy}" if remedy == _SAVE else f"{name}, not an image: {remedy}"


def refusal_of(content: bytes, *, reads_heic: bool) -> str | None:
    """`refusal` of a whole file in memory."""
    return refusal(lambda at, size: content[at : at + size], reads_heic=reads_heic)


def _known(beginning: bytes) -> tuple[str, str] | None:
    for start, name, remedy in _STARTS:
        if beginning.startswith(start):
            return name, remedy
    if beginning[:2] == b"BM" and int.from_bytes(beginning[14:18], "little") in _BITMAP_HEADERS:
        return "a BMP image", _SAVE
    if beginning[128:132] == b"DICM":
        return "a DICOM image", _SAVE
    if beginning.find(b"%PDF-") >= 0:
        return "a PDF document", _SAVE
    return ("a PNM image", _SAVE) if _PORTABLE.match(beginning) else None


def _video(beginning: bytes) -> tuple[str, str] | None:
    if beginning[:4] == b"RIFF":
        return next(((name, remedy) for form, name, remedy in _RIFF if beginning[8:12] == form), None)
    if iso_brands(beginning):
        return "a video (MP4 or MOV)", _FRAME
    if beginning[4:8] in {b"moov", b"mdat", b"wide", b"free", b"skip"}:
        return "a video (MOV)", _FRAME
    if beginning[:1] == b"\x47" and beginning[188:189] == b"\x47" and beginning[376:377] == b"\x47":
        return "an MPEG video", _FRAME
    return None


def _text(beginning: bytes) -> tuple[str, str] | None:
    """Kind of a text file: markup or plain text."""
    text = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<"):
        return next(((name, remedy) for pattern, name, remedy in _MARKUP if pattern.search(text)), None)
    return ("a text", "send the image itself") if _is_text(text) else None


def _is_text(content: bytes) -> bool:
    """True for UTF-8 without control characters; its last character may be cut short."""
    letters = content.decode("utf-8", "replace").rstrip("\ufffd")
    return bool(letters) and all(each.isprintable() or each in "\t\n\r\f" for each in letters.replace("\ufffd", "\0"))
