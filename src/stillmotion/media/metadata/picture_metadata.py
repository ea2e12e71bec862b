"""Metadata found beside a picture's pixels."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


class Coding(NamedTuple):
    """Primaries and transfer as code points of ITU-T H.273, as in nclx and cICP."""

    primaries: int
    transfer: int


class Primaries(NamedTuple):
    """Primaries: CIE x and y of white, red, green and blue."""

    white: tuple[float, float]
    red: tuple[float, float]
    green: tuple[float, float]
    blue: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Parts:
    """A file reduced to what a decoder needs, and its metadata.

    `orientation` is Exif's, 1 to 8. `gamma` is the encoding exponent (PNG's `gAMA`, about 0.45). `peak_nits` is the
    content's peak light, if stated. `is_ended` is False for a file without its end marker, `is_short` True for one that
    certainly lacks some of the picture. `with_noise` gives the file with noise appended to its data; it decodes to the
    same picture only if all data is there.
    """

    content: bytes
    orientation: int = 1
    profile: bytes | None = None
    coding: Coding | None = None
    gamma: float | None = None
    primaries: Primaries | None = None
    peak_nits: float | None = None
    is_ended: bool = True
    is_short: bool = False
    with_noise: Callable[[], bytes] | None = None
