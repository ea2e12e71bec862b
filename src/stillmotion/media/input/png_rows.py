"""Repair of PNG files that hold all rows but are truncated after them."""

import zlib
from collections.abc import Mapping

from stillmotion.media.metadata import png

_CHANNELS: Mapping[int, int] = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PASSES = ((0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2))
"""Passes of Adam7 interlacing: first column, column step, first row, row step."""
_HEADER, _PIECE = 2, 1024
"""Bytes of zlib's header; bytes to inflate at once."""


def all_rows(content: bytes) -> bytes | None:
    """The file rewritten if all rows can be inflated; None if some are missing."""
    width, height = int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    bits, channels, is_interlaced = content[24], _CHANNELS.get(content[25], 0), content[28]
    needed = _size(width, height, bits * channels, is_interlaced=bool(is_interlaced))
    kept, packed = [content[:33]], []
    for name, data in png.chunks(content, 33):
        if name == b"IDAT":
            packed.append(data)
        elif name != b"IEND":
            kept.append(png.chunk(name, data))
    rows = _unpacked(packed, needed)
    if not channels or len(rows) < needed:
        return None
    return b"".join((*kept, png.chunk(b"IDAT", zlib.compress(rows[:needed], 1)), png.chunk(b"IEND", b"")))


def _size(width: int, height: int, bits: int, *, is_interlaced: bool) -> int:
    """Size of all rows in bytes, each with its filter byte."""
    if not is_interlaced:
        return height * (1 + (width * bits + 7) // 8)
    total = 0
    for left, across, top, down in _PASSES:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * bits + 7) // 8)
    return total


def _unpacked(packed: list[bytes], needed: int) -> bytes:
    """Data inflated up to the end or the first error. The checksum is not verified."""
    # Raw deflate: zlib's checksum at the end is what may be missing.
    unpacking, rows, length = zlib.decompressobj(-zlib.MAX_WBITS), [], 0
    content = memoryview(b"".join(packed))[_HEADER:]
    for start in range(0, len(content), _PIECE):
        try:
            rows.append(unpacking.decompress(content[start : start + _PIECE], needed - length))
        except zlib.error:
            break
        length += len(rows[-1])
        if length >= needed:
            break
    return b"".join(rows)
