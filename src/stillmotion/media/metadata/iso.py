"""AVIF and HEIC: colour properties of the primary item (ISO/IEC 14496-12, 23008-12)."""

from collections.abc import Iterator, Sequence
from typing import Any

from stillmotion.media.metadata.picture_metadata import Coding, Parts

_MOST_BOXES = 4096
_SRGB, _OF_TELEVISION = 13, frozenset({1, 6, 14, 15})
"""Code points of transfer characteristics. Those of television are shown as sRGB, as browsers do."""


def parse(content: bytes) -> Parts:
    """Metadata of an AVIF or HEIC file; its content stays unchanged."""
    meta = next((body for name, body in _boxes(content) if name == b"meta"), b"")[4:]
    # Reversed, so that the first of several boxes of a type counts.
    inside = dict(reversed(list(_boxes(meta))))
    properties = dict(reversed(list(_boxes(inside.get(b"iprp", b"")))))
    all_of_them = list(_boxes(properties.get(b"ipco", b"")))
    of_the_picture = _associated(inside.get(b"pitm", b""), properties.get(b"ipma", b""), all_of_them)
    coding, profile, peak = None, None, None
    for name, body in of_the_picture:
        if name == b"colr" and body[:4] == b"nclx" and coding is None and len(body) >= 10:
            transfer = int.from_bytes(body[6:8], "big")
            coding = Coding(int.from_bytes(body[4:6], "big"), _SRGB if transfer in _OF_TELEVISION else transfer)
        elif name == b"colr" and body[:4] in {b"prof", b"rICC"} and profile is None:
            profile = body[4:]
        elif name == b"clli":
            peak = float(int.from_bytes(body[:2], "big")) or None
    return Parts(content, profile=profile, coding=coding, peak_nits=peak)


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and body of each box."""
    at = 0
    for _ in range(_MOST_BOXES):
        size, name, head = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8], 8
        # A size of 1 means that 64 bits follow; 0 means up to the end.
        if size == 1:
            size, head = int.from_bytes(content[at + 8 : at + 16], "big"), 16
        elif size == 0:
            size = len(content) - at
        if len(name) < 4 or size < head:
            return
        yield name, content[at + head : at + size]
        at += size


def _associated(primary: bytes, associations: bytes, properties: Sequence[Any]) -> Sequence[Any]:
    """The properties associated with the primary item; all properties if that cannot be told."""
    item = int.from_bytes(primary[4:8] if primary[:1] == b"\1" else primary[4:6], "big")
    identity = 4 if associations[:1] == b"\1" else 2
    width = 2 if associations[3:4] and associations[3] & 1 else 1
    # The highest bit of an index says that the property is essential.
    mask = 0x7FFF if width == 2 else 0x7F
    at = 8
    for _ in range(min(int.from_bytes(associations[4:8], "big"), _MOST_BOXES)):
        found = int.from_bytes(associations[at : at + identity], "big")
        count = associations[at + identity : at + identity + 1]
        at += identity + 1
        places = [
            int.from_bytes(associations[at + width * number : at + width * (number + 1)], "big") & mask
            for number in range(count[0] if count else 0)
        ]
        # Property indices count from 1; 0 means none.
        if found == item:
            return [properties[place - 1] for place in places if 0 < place <= len(properties)]
        at += width * len(places)
    return properties
