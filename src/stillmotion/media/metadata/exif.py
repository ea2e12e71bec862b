"""Exif's orientation, the only tag in use here."""

from typing import Any

_UPSIDE = 0x0112
_SHORT = 3
_MOST_ENTRIES = 512
_START = b"Exif\0\0"


def orientation(exif: bytes) -> int:
    """The orientation, 1 to 8; 1 if it cannot be read."""
    content = exif.removeprefix(_START)
    order: Any = {b"II": "little", b"MM": "big"}.get(content[:2])
    if order is None:
        return 1
    at = int.from_bytes(content[4:8], order)
    count = int.from_bytes(content[at : at + 2], order)
    for start in range(at + 2, at + 2 + 12 * min(count, _MOST_ENTRIES), 12):
        entry = content[start : start + 12]
        if len(entry) >= 10 and int.from_bytes(entry[:2], order) == _UPSIDE:
            # A short fills the first half of the four-byte value field.
            value = int.from_bytes(entry[8 : 10 if int.from_bytes(entry[2:4], order) == _SHORT else 12], order)
            return value if 1 <= value <= 8 else 1
    return 1
