"""What is found beside a picture's pixels."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


class Coding(NamedTuple):
    """Colour as video has it: code points of ITU-T H.273 for primaries and transfer, as nclx and cICP hold them."""

    primaries: int
    transfer: int


class Whites(NamedTuple):
    """CIE x and y of white, red, green and blue."""

    white: tuple[float, float]
    red: tuple[float, float]
    green: tuple[float, float]
    blue: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Parts:
    """A file for a decoder, without what it could stumble over, and what the file says of its picture.

    `orientation` is Exif's, 1 to 8. `gamma` is the exponent of the stored values (PNG's `gAMA`, about 0.45).
    `peak_nits` is the brightest that the picture holds, where it says so. `is_ended` is False for a file that stops
    before its end, `is_short` True for one that certainly lacks some of the picture. `doubted` gives the file with
    noise behind its data, which decodes to the same picture only where all of that is there.
    """

    content: bytes
    orientation: int = 1
    profile: bytes | None = None
    coding: Coding | None = None
    gamma: float | None = None
    whites: Whites | None = None
    peak_nits: float | None = None
    is_ended: bool = True
    is_short: bool = False
    doubted: Callable[[], bytes] | None = None
