"""PNG: the chunks that the picture needs, without any others."""

import re
import zlib
from collections.abc import Iterator

from stillmotion.media.metadata.exif import orientation
from stillmotion.media.metadata.picture_metadata import Coding, Parts, Primaries

MOST_UNPACKED = 8 * 1024 * 1024
"""Limit of an uncompressed profile; a longer one is ignored."""

_PICTURE = frozenset({b"PLTE", b"tRNS", b"IDAT"})
_ENOUGH = frozenset({b"iCCP", b"eXIf", b"cICP", b"gAMA", b"cHRM", b"sRGB", b"cLLI"})
_TEXTS = frozenset({b"tEXt", b"zTXt"})
_RAW_EXIF = (b"Raw profile type exif\0", b"Raw profile type APP1\0")
_HEX = re.compile(rb"[0-9A-Fa-f\s]*")


def parse(content: bytes) -> Parts:
    """Metadata and essential chunks of a PNG file. Damage to the picture itself is left for the decoder to find."""
    # The signature and IHDR have a fixed length of 33 bytes.
    kept, beside = [content[:33]], dict[bytes, bytes]()
    is_ended = False
    for name, data in chunks(content, 33):
        if name == b"IEND":
            is_ended = True
            break
        if name in _PICTURE:
            kept.append(chunk(name, _clear_grey(content, data) if name == b"tRNS" else data))
        elif name in _ENOUGH:
            beside.setdefault(name, data)
        elif name in _TEXTS and data.startswith(_RAW_EXIF):
            beside.setdefault(b"exif", _raw_exif(name, data))
    kept.append(chunk(b"IEND", b""))
    coding = beside.get(b"cICP", b"")
    is_srgb = b"sRGB" in beside
    return Parts(
        b"".join(kept),
        orientation(beside.get(b"eXIf", b"")) if b"eXIf" in beside else orientation(beside.get(b"exif", b"")),
        _profile(beside.get(b"iCCP", b"")),
        Coding(coding[0], coding[1]) if len(coding) == 4 and coding[2] == 0 else None,
        None if is_srgb else _gamma(beside.get(b"gAMA", b"")),
        None if is_srgb else _primaries(beside.get(b"cHRM", b"")),
        int.from_bytes(beside.get(b"cLLI", b"")[:4], "big") / 10_000 or None,
        is_ended,
    )


def chunks(content: bytes, at: int) -> Iterator[tuple[bytes, bytes]]:
    """Type and data of each chunk; the last one may be truncated."""
    while at + 8 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        name = content[at + 4 : at + 8]
        yield name, content[at + 8 : at + 8 + length]
        at += 12 + length


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk with its length and CRC."""
    return b"".join((len(data).to_bytes(4, "big"), name, data, zlib.crc32(data, zlib.crc32(name)).to_bytes(4, "big")))


def _clear_grey(content: bytes, data: bytes) -> bytes:
    """The transparent grey of a picture of 2 or 4 bits, scaled to 8 bits as Pillow compares it."""
    bits, colours = content[24], content[25]
    if colours != 0 or bits not in {2, 4} or len(data) != 2:
        return data
    return (int.from_bytes(data, "big") * 255 // ((1 << bits) - 1)).to_bytes(2, "big")


def _profile(data: bytes) -> bytes | None:
    _, _, packed = data.partition(b"\0")
    return _unpacked(packed[1:]) or None


def _unpacked(packed: bytes) -> bytes:
    """Inflated data; empty if damaged or too long."""
    unpacking = zlib.decompressobj()
    try:
        content = unpacking.decompress(packed, MOST_UNPACKED)
    except zlib.error:
        return b""
    return b"" if unpacking.unconsumed_tail else content


def _raw_exif(name: bytes, data: bytes) -> bytes:
    """Exif as ImageMagick writes it: a name, a length, and hexadecimal digits."""
    text = data.partition(b"\0")[2]
    lines = (_unpacked(text[1:]) if name == b"zTXt" else text).split(b"\n", 3)
    digits = lines[3] if len(lines) == 4 else b""
    if not _HEX.fullmatch(digits):
        return b""
    try:
        return bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        return b""


def _gamma(data: bytes) -> float | None:
    gamma = int.from_bytes(data, "big") / 100_000 if len(data) == 4 else 0
    return gamma if 0.1 <= gamma <= 5 else None


def _primaries(data: bytes) -> Primaries | None:
    if len(data) != 32:
        return None
    values = [int.from_bytes(data[at : at + 4], "big") / 100_000 for at in range(0, 32, 4)]
    pairs = [(values[at], values[at + 1]) for at in range(0, 8, 2)]
    return Primaries(*pairs) if all(x >= 0 and y > 0 and x + y <= 1.2 for x, y in pairs) else None
