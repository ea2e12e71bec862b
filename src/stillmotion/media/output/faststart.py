"""Fast start: an MP4 file's index (moov) moved before its media data, for playback from the first bytes.

Nothing is decoded: boxes are moved, and the chunk offsets in the index shifted (ISO/IEC 14496-12).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

MAX_INDEX_BYTES: Final = 32 * 1024 * 1024
_HEAD: Final = 8
_CONTAINERS: Final = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl"})
_OFFSETS: Final = {b"stco": 4, b"co64": 8}
"""Chunk offset boxes, and the bytes of each offset."""


class NotMovable(Exception):
    """The file's structure is not supported."""


def write_index_first(source: Path, target: Path) -> None:
    """Write `source` to `target` with its index first, otherwise unchanged. Raises `NotMovable`."""
    with source.open("rb") as file, target.open("wb") as written:
        boxes = list(_boxes(file, source.stat().st_size))
        kinds = [kind for kind, _, _ in boxes]
        if kinds.count(b"moov") != 1 or kinds.count(b"mdat") != 1 or kinds[0] != b"ftyp" or b"moof" in kinds:
            raise NotMovable("it is not one index and one body of pictures")
        index = _part(file, boxes[kinds.index(b"moov")])
        # Media data moves back by the index's length, and so do all offsets into it.
        if kinds.index(b"moov") > kinds.index(b"mdat"):
            _shift(index, len(index))
            boxes.insert(kinds.index(b"mdat"), boxes.pop(kinds.index(b"moov")))
        for kind, start, length in boxes:
            if kind == b"moov":
                written.write(index)
            else:
                file.seek(start)
                _copy(file, written, length)


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Top-level boxes: type, start, length including the header."""
    at = 0
    while at < size:
        file.seek(at)
        head = file.read(2 * _HEAD)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - at
        if length < _HEAD or at + length > size:
            raise NotMovable("its boxes do not fill it")
        yield kind, at, length
        at += length


def _part(file: BinaryIO, box: tuple[bytes, int, int]) -> bytearray:
    _, start, length = box
    if length > MAX_INDEX_BYTES:
        raise NotMovable("its index is too long")
    file.seek(start)
    return bytearray(file.read(length))


def _shift(index: bytearray, by: int) -> None:
    """Add `by` to every chunk offset in the index."""
    ends = [(0, len(index))]
    while ends:
        at, end = ends.pop()
        while at + _HEAD <= end:
            length, kind = int.from_bytes(index[at : at + 4], "big"), bytes(index[at + 4 : at + 8])
            if length < _HEAD or at + length > end:
                raise NotMovable("its index is not made of boxes")
            if kind == b"cmov":
                raise NotMovable("its index is compressed")
            if kind in _CONTAINERS:
                ends.append((at + _HEAD, at + length))
            elif kind in _OFFSETS:
                _add(index, at, length, _OFFSETS[kind], by)
            at += length


def _add(index: bytearray, at: int, length: int, width: int, by: int) -> None:
    # Version, flags and the entry count come before the offsets.
    first = at + _HEAD + 8
    count = int.from_bytes(index[first - 4 : first], "big")
    if first + count * width > at + length:
        raise NotMovable("its offsets do not fit their box")
    for place in range(first, first + count * width, width):
        moved = int.from_bytes(index[place : place + width], "big") + by
        # 32-bit offsets end at 4 GiB.
        if moved >= 1 << 8 * width:
            raise NotMovable("it is too long for its offsets")
        index[place : place + width] = moved.to_bytes(width, "big")


def _copy(file: BinaryIO, written: BinaryIO, length: int) -> None:
    part = 1024 * 1024
    while length > 0:
        piece = file.read(min(part, length))
        if not piece:
            raise NotMovable("it became shorter meanwhile")
        written.write(piece)
        length -= len(piece)
