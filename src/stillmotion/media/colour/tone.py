"""Pictures brighter than a screen's white, as they are shown on a screen that goes no further.

The tone map is the reference-white operator of SMPTE ST 2094-50 (annex D), which Chromium draws such pictures with: the
graphics white of 203 nits becomes half of the screen's light, what is darker is scaled alike, and what is brighter is
bent along a Bézier curve until the picture's own peak is the screen's white. One gain is found from the largest of a
pixel's three components, in BT.2020, so that hues stay.
"""

from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stillmotion.media.colour.primaries import BT_2020, SRGB, between, primaries_of
from stillmotion.media.metadata.found import Coding

Light = NDArray[np.float32]
"""Linear values, 1 being white; three components in the last place."""

PQ, HLG = 16, 18
"""Transfer characteristics of ITU-T H.273."""

WHITE_NITS = 203.0
"""Of graphics, by ITU-R BT.2408."""
USUAL_PEAK_NITS = 1000.0
_ROWS = 64
"""Of the picture, at a time: they take a hundred bytes a pixel."""
_BEND = 0.65


def is_bright(coding: Coding) -> bool:
    """Whether values of that coding mean light beyond white."""
    return coding.transfer in {PQ, HLG} and primaries_of(coding.primaries) is not None


def toned(image: Image.Image, coding: Coding, peak_nits: float | None) -> Image.Image:
    """The RGB picture in sRGB. `peak_nits` is its brightest light where that is known; HLG has one of its own."""
    known = primaries_of(coding.primaries)
    assert known is not None, "see is_bright"
    peak = peak_nits if coding.transfer == PQ and peak_nits and peak_nits > WHITE_NITS else USUAL_PEAK_NITS
    bend = _Bend(min(peak, 10_000.0) / WHITE_NITS)
    curve = (_pq if coding.transfer == PQ else _hlg)(np.linspace(0, 1, 256, dtype=np.float64)).astype(np.float32)
    to_wide, to_screen = _matrix(between(known, BT_2020)), _matrix(between(BT_2020, SRGB))
    mapped = Image.new("RGB", image.size)
    for top in range(0, image.height, _ROWS):
        stored = np.asarray(image.crop((0, top, image.width, min(top + _ROWS, image.height))))
        wide = curve[stored] @ to_wide
        if coding.transfer == HLG:
            wide = _as_displayed(wide)
        shown = wide * bend.gain(wide.max(axis=-1, keepdims=True)) @ to_screen
        mapped.paste(Image.fromarray(_encoded(shown)), (0, top))
    return mapped


class _Bend:
    """The curve for a picture whose peak is so many times white."""

    def __init__(self, peak: float) -> None:
        self._peak = peak
        self._white = 1 - 0.5 * min(log2(peak) / log2(USUAL_PEAK_NITS / WHITE_NITS), 1)
        middle_x = (1 - _BEND) + _BEND / self._white
        middle_y = (1 - _BEND) * self._white + _BEND
        self._x = (1 - 2 * middle_x + peak, 2 * middle_x - 2)
        self._y = (self._white - 2 * middle_y + 1, 2 * middle_y - 2 * self._white)

    def gain(self, light: Light) -> Light:
        """What each light is multiplied with."""
        (a, b), (c, d) = self._x, self._y
        beyond = np.clip(light - 1, 0, self._peak - 1)
        at = 2 * beyond / (b + np.sqrt(np.maximum(b * b + 4 * a * beyond, 0)))
        bent = (self._white + at * (d + at * c)) / np.maximum(light, 1)
        return np.where(light <= 1, self._white, bent).astype(np.float32)


def _matrix(rows: tuple[tuple[float, ...], ...]) -> Light:
    return np.asarray(rows, np.float32).T


def _pq(values: NDArray[Any]) -> NDArray[Any]:
    """SMPTE ST 2084."""
    root = values ** (32 / 2523)
    nits = 10_000 * (np.maximum(root - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * root)) ** (16384 / 2610)
    return nits / WHITE_NITS


def _hlg(values: NDArray[Any]) -> NDArray[Any]:
    """Light of the scene, 0 to 1 (ITU-R BT.2100, the inverse of its OETF)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(values <= 0.5, values * values / 3, (np.exp((values - c) / a) + b) / 12)


def _as_displayed(scene: Light) -> Light:
    """On a screen of 1,000 nits (BT.2100, the OOTF)."""
    luminance = np.maximum(scene @ np.asarray((0.2627, 0.6780, 0.0593), np.float32), 1e-9)
    return (scene * (luminance**0.2 * (USUAL_PEAK_NITS / WHITE_NITS))[..., None]).astype(np.float32)


def _encoded(light: Light) -> NDArray[np.uint8]:
    """sRGB's values."""
    within = np.clip(light, 0, 1)
    values = np.where(within <= 0.0031308, within * 12.92, 1.055 * within ** np.float32(1 / 2.4) - 0.055)
    return (values * 255 + 0.5).astype(np.uint8)
