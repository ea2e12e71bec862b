"""Tone mapping of HDR pictures (PQ, HLG) to sRGB.

The operator is the reference-white tone map of SMPTE ST 2094-50 (annex D), which Chromium uses. Graphics white of 203
nits maps to half of the display's light and darker values scale alike. Brighter values follow a Bézier curve up to the
picture's peak, which maps to display white. One gain per pixel, from the largest of its components in BT.2020, keeps
hues.
"""

from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stillmotion.media.colour.primaries import BT_2020, SRGB, conversion, primaries_of
from stillmotion.media.metadata.picture_metadata import Coding

Light = NDArray[np.float32]
"""Linear light, 1 being graphics white; the last axis has three components."""

PQ, HLG = 16, 18
"""Code points of transfer characteristics (ITU-T H.273, table 3)."""

WHITE_NITS = 203.0
"""Graphics white (ITU-R BT.2408)."""
USUAL_PEAK_NITS = 1000.0
_ROWS = 64
"""Rows mapped at a time: about a hundred bytes a pixel."""
_BEND = 0.65


def is_hdr(coding: Coding) -> bool:
    """True if the coding is HDR: its values go beyond white."""
    return coding.transfer in {PQ, HLG} and primaries_of(coding.primaries) is not None


def tone_mapped(image: Image.Image, coding: Coding, peak_nits: float | None) -> Image.Image:
    """Tone-map an RGB picture to sRGB. `peak_nits` is its peak if known; HLG has a fixed one."""
    known = primaries_of(coding.primaries)
    assert known is not None, "see is_hdr"
    peak = peak_nits if coding.transfer == PQ and peak_nits and peak_nits > WHITE_NITS else USUAL_PEAK_NITS
    tone_curve = _ToneCurve(min(peak, 10_000.0) / WHITE_NITS)
    # A table of 256 entries replaces the transfer function per pixel.
    curve = (_pq if coding.transfer == PQ else _hlg)(np.linspace(0, 1, 256, dtype=np.float64)).astype(np.float32)
    to_wide, to_screen = _matrix(conversion(known, BT_2020)), _matrix(conversion(BT_2020, SRGB))
    mapped = Image.new("RGB", image.size)
    for top in range(0, image.height, _ROWS):
        stored = np.asarray(image.crop((0, top, image.width, min(top + _ROWS, image.height))))
        wide = curve[stored] @ to_wide
        if coding.transfer == HLG:
            wide = _as_displayed(wide)
        shown = wide * tone_curve.gain(wide.max(axis=-1, keepdims=True)) @ to_screen
        mapped.paste(Image.fromarray(_encoded(shown)), (0, top))
    return mapped


class _ToneCurve:
    """Tone curve for a picture whose peak is `peak` × white."""

    def __init__(self, peak: float) -> None:
        self._peak = peak
        self._white = 1 - 0.5 * min(log2(peak) / log2(USUAL_PEAK_NITS / WHITE_NITS), 1)
        middle_x = (1 - _BEND) + _BEND / self._white
        middle_y = (1 - _BEND) * self._white + _BEND
        # Coefficients of t² and t of a quadratic Bézier curve, less its start.
        self._x = (1 - 2 * middle_x + peak, 2 * middle_x - 2)
        self._y = (self._white - 2 * middle_y + 1, 2 * middle_y - 2 * self._white)

    def gain(self, light: Light) -> Light:
        """Gain by which light is multiplied."""
        (a, b), (c, d) = self._x, self._y
        beyond = np.clip(light - 1, 0, self._peak - 1)
        # The curve's parameter, from the quadratic for x.
        at = 2 * beyond / (b + np.sqrt(np.maximum(b * b + 4 * a * beyond, 0)))
        bent = (self._white + at * (d + at * c)) / np.maximum(light, 1)
        return np.where(light <= 1, self._white, bent).astype(np.float32)


def _matrix(rows: tuple[tuple[float, ...], ...]) -> Light:
    return np.asarray(rows, np.float32).T


def _pq(values: NDArray[Any]) -> NDArray[Any]:
    """PQ's transfer function (SMPTE ST 2084), relative to graphics white."""
    root = values ** (32 / 2523)
    nits = 10_000 * (np.maximum(root - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * root)) ** (16384 / 2610)
    return nits / WHITE_NITS


def _hlg(values: NDArray[Any]) -> NDArray[Any]:
    """HLG's scene light, 0 to 1: inverse OETF (ITU-R BT.2100)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(values <= 0.5, values * values / 3, (np.exp((values - c) / a) + b) / 12)


def _as_displayed(scene: Light) -> Light:
    """Light on a display of 1,000 nits: OOTF of HLG (BT.2100)."""
    luminance = np.maximum(scene @ np.asarray((0.2627, 0.6780, 0.0593), np.float32), 1e-9)
    return (scene * (luminance**0.2 * (USUAL_PEAK_NITS / WHITE_NITS))[..., None]).astype(np.float32)


def _encoded(light: Light) -> NDArray[np.uint8]:
    """sRGB's encoded values, 8 bits."""
    within = np.clip(light, 0, 1)
    values = np.where(within <= 0.0031308, within * 12.92, 1.055 * within ** np.float32(1 / 2.4) - 0.055)
    return (values * 255 + 0.5).astype(np.uint8)
