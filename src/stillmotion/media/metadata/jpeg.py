"""JPEG: the segments that the picture needs, and detection of missing data."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from stillmotion.media.metadata.exif import orientation
from stillmotion.media.metadata.picture_metadata import Parts

END = b"\xff\xd9"
_SCAN, _END, _RESTART_INTERVAL, _JFIF, _PROFILE, _EXIF, _ADOBE = 0xDA, 0xD9, 0xDD, 0xE0, 0xE2, 0xE1, 0xEE
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a length field."""
_PROGRESSIVE = frozenset({0xC2, 0xCA})
_BESIDE = frozenset({*range(0xE0, 0xF0), 0xFE})
_MARKER = re.compile(rb"\xff+([^\x00\xff])", re.DOTALL)
_AFTER_A_SCAN = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])", re.DOTALL)
_RESTARTS = re.compile(rb"\xff[\xd0-\xd7]")


@dataclass(slots=True)
class _Picture:
    """State of the walk through a file."""

    kept: list[bytes] = field(default_factory=lambda: [b"\xff\xd8"])
    profile: dict[int, bytes] = field(default_factory=dict)
    orientation: int | None = None
    restarts: bool = False
    progressive: bool = False
    scans: list[bytes] = field(default_factory=list)
    last_scan: int = 0
    end: int = 0
    is_ended: bool = False

    def take(self, marker: int, segment: bytes) -> None:
        """Record a segment (marker and length included) from before the first scan."""
        data = segment[4:]
        if marker == _EXIF and data.startswith(b"Exif\0\0") and self.orientation is None:
            self.orientation = orientation(data)
        elif marker == _PROFILE and data.startswith(b"ICC_PROFILE\0") and len(data) > 14:
            # Profiles over 64 kB span several segments, numbered in byte 12.
            self.profile.setdefault(data[12], data[14:])
        self.restarts |= marker == _RESTART_INTERVAL and data[:2] != b"\0\0"
        self.progressive |= marker in _PROGRESSIVE
        is_told = (marker == _JFIF and data.startswith(b"JFIF\0") and len(data) >= 14) or (
            marker == _ADOBE and data.startswith(b"Adobe") and len(data) >= 12
        )
        if marker not in _BESIDE or is_told:
            self.kept.append(segment)


def parse(content: bytes) -> Parts:
    """Metadata and essential segments of a JPEG file. Damage to the picture itself is left for the decoder to find."""
    picture = _Picture()
    begin = _to_the_first_scan(content, picture)
    if begin is None:
        return Parts(content, picture.orientation or 1, is_ended=False, is_short=True)
    _through_the_scans(content, begin, picture)
    # Entropy-coded data never ends in 0xFF, which would be half a marker.
    whole = b"".join((*picture.kept, content[begin : picture.end].rstrip(b"\xff")))
    last_scan = content[picture.last_scan : picture.end]

    def with_noise() -> bytes:
        return whole + _noise(last_scan, restarts=picture.restarts) + END

    return Parts(
        whole + END,
        picture.orientation or 1,
        b"".join(picture.profile[number] for number in sorted(picture.profile)) or None,
        is_ended=picture.is_ended,
        is_short=not picture.is_ended and picture.progressive and not _is_every_bit_sent(picture.scans),
        with_noise=with_noise,
    )


def _to_the_first_scan(content: bytes, picture: _Picture) -> int | None:
    """Position of the first scan's marker; None if there is none."""
    for marker, start, end in _segments(content, 2, _MARKER):
        if marker == _SCAN:
            return start
        if marker == _END:
            return None
        picture.take(marker, content[start:end])
    return None


def _through_the_scans(content: bytes, begin: int, picture: _Picture) -> None:
    picture.end = len(content)
    for marker, start, end in _segments(content, begin, _AFTER_A_SCAN):
        if marker == _END:
            picture.end, picture.is_ended = start, True
            return
        if end > len(content):
            picture.end = start
            return
        if marker == _SCAN:
            picture.scans.append(content[start + 4 : end])
            picture.last_scan = end


def _segments(content: bytes, at: int, pattern: re.Pattern[bytes]) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment; bytes that are no marker are skipped, as libjpeg does."""
    while (found := pattern.search(content, at)) is not None:
        marker, start = found[1][0], found.end() - 2
        length = 0 if marker in _ALONE or marker == _END else int.from_bytes(content[start + 2 : start + 4], "big")
        yield marker, start, start + 2 + length
        at = start + 2 + length


def _is_every_bit_sent(scans: Sequence[bytes]) -> bool:
    """True if a progressive picture's scans refine every coefficient to its last bit."""
    left: dict[int, set[int]] = {}
    for scan in scans:
        count = scan[0] if scan else 0
        if len(scan) < 4 + 2 * count:
            return False
        first, last, low = scan[1 + 2 * count], scan[2 + 2 * count], scan[3 + 2 * count] & 15
        for component in scan[1 : 1 + 2 * count : 2]:
            wanting = left.setdefault(component, set(range(64)))
            # `low` is the bit position to which the scan refines (Al in ISO/IEC 10918-1, G.1.1).
            if low == 0:
                wanting.difference_update(range(first, last + 1))
    return bool(left) and not any(left.values())


def _noise(last_scan: bytes, *, restarts: bool) -> bytes:
    """Noise that a decoder turns into visible garbage if blocks are missing, and ignores otherwise."""
    piece = bytes((7 * number * number + 13 * number) % 251 for number in range(1, 97))
    if not restarts:
        return piece * 700
    ends = _RESTARTS.findall(last_scan)
    # Restart markers count from 0 to 7; noise continues after the last one, or the decoder would skip it.
    following = (ends[-1][1] + 1) & 7 if ends else 0
    return b"".join(piece + bytes((0xFF, 0xD0 | (following + number) & 7)) for number in range(4000))
