"""ICC profiles: written for primaries and a transfer curve, and read for their `cicp` tag."""

from collections.abc import Callable, Mapping

from stillmotion.media.colour.primaries import D50, to_d50
from stillmotion.media.metadata.picture_metadata import Coding, Primaries

_STEPS = 1024
"""Samples of a tone curve."""

Curve = Callable[[float], float]
"""Transfer function from a stored value to linear light, both 0 to 1."""


def _screen(value: float) -> float:
    """ITU-R BT.1886, a display's response to BT.709 values; browsers use it too."""
    return float(value**2.4)


def _srgb(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _smpte_240m(value: float) -> float:
    return value / 4 if value < 0.0913 else float(((value + 0.1115) / 1.1115) ** (1 / 0.45))


CURVES: Mapping[int, Curve] = {
    1: _screen,
    4: lambda value: value**2.2,
    5: lambda value: value**2.8,
    6: _screen,
    7: _smpte_240m,
    8: lambda value: value,
    11: _screen,
    12: _screen,
    13: _srgb,
    14: _screen,
    15: _screen,
    17: lambda value: min(value**2.6 * 52.37 / 48, 1.0),
}
"""Transfer characteristics by code point (ITU-T H.273, table 3)."""


def power(gamma: float) -> Curve:
    """The transfer function of values encoded with that exponent."""
    return lambda value: float(value ** (1 / gamma))


def profile_of(space: Primaries, curve: Curve) -> bytes:
    """A matrix/TRC display profile (ICC.1:2001). Raises `ValueError` for degenerate primaries."""
    columns = tuple(zip(*to_d50(space), strict=True))
    values = (round(min(max(curve(step / (_STEPS - 1)), 0), 1) * 65535) for step in range(_STEPS))
    shared = b"curv\0\0\0\0" + _STEPS.to_bytes(4, "big") + b"".join(value.to_bytes(2, "big") for value in values)
    text = b"text\0\0\0\0none\0"
    name = b"desc\0\0\0\0" + (5).to_bytes(4, "big") + b"none\0" + bytes(78)
    tags = {b"desc": name, b"cprt": text, b"wtpt": _xyz(D50)}
    tags |= {letter + b"XYZ": _xyz(column) for letter, column in zip((b"r", b"g", b"b"), columns, strict=True)}
    tags |= {letter + b"TRC": shared for letter in (b"r", b"g", b"b")}
    table, body, at = len(tags).to_bytes(4, "big"), b"", 128 + 4 + 12 * len(tags)
    places: dict[bytes, int] = {}
    for tag, content in tags.items():
        # Equal contents share a place: the three curves are stored once.
        if content not in places:
            places[content] = at + len(body)
            body += content + bytes(-len(content) % 4)
        table += tag + places[content].to_bytes(4, "big") + len(content).to_bytes(4, "big")
    # Size, version 2.4, device class, colour space and connection space.
    head = (at + len(body)).to_bytes(4, "big") + b"\0\0\0\0\x02\x40\0\0mntrRGB XYZ " + bytes(12) + b"acsp"
    return head.ljust(68, b"\0") + b"".join(_fixed(each) for each in D50) + bytes(48) + table + body


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(_fixed(each) for each in values)


def _fixed(value: float) -> bytes:
    return round(value * 65536).to_bytes(4, "big", signed=True)


def coding_of(profile: bytes) -> Coding | None:
    """Code points of a profile's `cicp` tag (ICC.1:2022, 9.2.17); None without one."""
    count = min(int.from_bytes(profile[128:132], "big"), 200)
    for start in range(132, 132 + 12 * count, 12):
        if profile[start : start + 4] == b"cicp":
            at = int.from_bytes(profile[start + 4 : start + 8], "big")
            found = profile[at : at + 12]
            return Coding(found[8], found[9]) if found[:4] == b"cicp" and len(found) == 12 else None
    return None
