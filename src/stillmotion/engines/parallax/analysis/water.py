"""Detector of water: a surface that mirrors the sky or is blue by itself, and lies level.

Neither grey nor a low place makes water: roads and squares are grey and low. The rules are our own; their numbers were
set on photographs of lakes, sea, roads, deserts, meadows and rooms.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from stillmotion.vision.resize import Grid

HIGHEST = 0.15
"""Top of the part of the picture in which water is looked for."""
MIRRORED = 0.45
"""Least part of the sky's chroma that a mirror of it shows."""
ASIDE = (5.0, 0.5)
"""Chroma across the sky's that a mirror may add: so much, and that fraction of the sky's."""
TINTED, GLARING = 10.0, 55.0
"""Chroma of Lab (8 bit) from which a sky has a colour that can be known again, and from which it is no sky."""
BLUE = -12.0
"""Largest b* of water that is blue by itself."""
NOT_VIOLET = 6.0
"""Largest a* of such water."""
GREY = 9.0
"""Largest distance in chroma of a grey sea from its grey sky."""
DARKER = 8.0
"""Least difference in lightness of a grey sea from its sky."""
DARKEST = 30.0
"""Least lightness of water that shows any motion."""
LEAST, LEAST_ALONE = 0.02, 0.08
"""Fraction of the picture that a surface must fill, and one that has no horizon."""
THINNEST = 0.06
"""Least height of such a surface, as a fraction of the picture's."""
LEVEL = 1.25
"""Least ratio of the changes downward to those across in a level surface."""
WITHIN = 13
"""Cells of the kernel that takes off a region's rim."""
CALM_SIGMA = 3.0
"""Blur of the changes, in cells."""
EDGE = 4.0
"""Least change of Lab over a horizon, the median along its row."""
ALIKE = 0.65
"""Fraction of a row's columns that change the same way over a horizon."""
WHOLE = 0.85
"""Least width of a grey sea under its horizon."""
APART = 0.08
"""Least distance of two horizons, as a fraction of the picture's height."""
SHARP, AROUND = 1.8, 6
"""Least ratio of that change to the mean one of so many rows on either side."""
WIDE, STRAIGHT = 0.5, 0.6
"""Least width of a surface under its horizon, and the fraction of its columns that end there."""
ABOVE, MOST_ABOVE = (1, 5), 0.2
"""Rows above a horizon, and the most of them that may be like the surface below."""
LOW_MIDDLE = 0.55
"""Least height of the middle, from the top, of a surface that has no horizon."""


@dataclass(frozen=True, slots=True)
class _Surface:
    """A connected region: its mask, how level its structure is, and whether it ends upward in a horizon."""

    mask: Any
    level: float
    horizon: bool


def water(colours: Grid, sky: Grid) -> Grid:
    """Water on the scene's grid, 0 or 1, from its colours (8-bit Lab) and its sky (0 to 1)."""
    height, width = sky.shape
    open_ = (np.arange(height)[:, np.newaxis] >= HIGHEST * height) & (colours[..., 0] >= DARKEST) & (sky < 0.5)
    rows = _horizons(colours)
    found = np.zeros((height, width), np.float32)
    for like, wants_horizon in _likenesses(colours, sky):
        for surface in _surfaces(like & open_, colours[..., 0], rows):
            is_level = surface.level > LEVEL
            whole = is_level and surface.horizon and float(surface.mask.any(axis=0).mean()) >= WHOLE
            if whole if wants_horizon else is_level or surface.horizon:
                found[surface.mask] = 1
    return found


def _horizons(colours: Grid) -> list[int]:
    """Rows over which most columns change alike, from the top down; each is the first row below."""
    soft = cv2.GaussianBlur(colours, (0, 0), 0.8)
    change = np.zeros_like(soft)
    change[1:-1] = soft[2:] - soft[:-2]
    middle = np.median(change, axis=1)
    strength = np.hypot.reduce(middle, axis=1)
    alike = (np.einsum("hwb,hb->hw", change, middle) > 0.25 * strength[:, np.newaxis] ** 2).mean(axis=1)
    # Of edges close to each other the strongest is the shore.
    reach = max(2, round(APART * len(strength)))
    peak = np.array([strength[max(0, row - reach) : row + reach + 1].max() for row in range(len(strength))])
    around = cv2.blur(strength[:, np.newaxis].astype(np.float32), (1, 2 * AROUND + 1)).ravel()
    rows = np.flatnonzero((strength >= EDGE) & (alike >= ALIKE) & (strength >= peak) & (strength > SHARP * around))
    return [int(row) + 1 for row in rows if HIGHEST * len(strength) < row < 0.9 * len(strength)]


def _likenesses(colours: Grid, sky: Grid) -> list[tuple[Any, bool]]:
    """Masks of cells that may be water by their colour, and whether each kind needs a horizon as well."""
    chroma = colours[..., 1:] - 128
    blue = (chroma[..., 1] <= BLUE) & (chroma[..., 0] <= NOT_VIOLET)
    above = sky >= 0.5
    if float(above.mean()) < LEAST:
        return [(blue, False)]
    tint = chroma[above].mean(axis=0)
    strength = float(np.hypot(*tint))
    if strength > GLARING:
        return [(blue, False)]
    if strength < TINTED:
        darker = colours[..., 0] < float(colours[..., 0][above].mean()) - DARKER
        return [(blue, False), (darker & (np.hypot(*np.moveaxis(chroma - tint, -1, 0)) < GREY), True)]
    along = chroma @ (tint / strength)
    aside = np.abs(chroma @ np.array([-tint[1], tint[0]]) / strength)
    # A warm sky may be a wall.
    return [(blue, False), ((along > MIRRORED * strength) & (aside < ASIDE[0] + ASIDE[1] * strength), tint[1] > 0)]


def _surfaces(like: Any, light: Grid, horizons: list[int]) -> Iterator[_Surface]:
    """Regions under each horizon that begin at it, from the top one down; then others in the lower part."""
    across, down = (
        cv2.GaussianBlur(np.abs(cv2.Sobel(light, cv2.CV_32F, *axis)) / 8, (0, 0), CALM_SIGMA)
        for axis in ((1, 0), (0, 1))
    )
    for row in (*horizons, None):
        below = like.copy()
        below[: row or 0] = False
        for mask in _regions(below):
            level = _level(mask, across, down)
            if row is None:
                middle = float(np.flatnonzero(mask.any(axis=1)).mean()) / len(mask)
                if middle >= LOW_MIDDLE and mask.mean() >= LEAST_ALONE and mask[-2:].any():
                    yield _Surface(mask, level, horizon=False)
            elif _begins_at(mask, like, row):
                yield _Surface(mask, level, horizon=True)


def _level(mask: Any, across: Any, down: Any) -> float:
    """Ratio of the changes downward to those across, away from the region's rim."""
    inner = cv2.erode(mask.astype(np.uint8), np.ones((WITHIN, WITHIN), np.uint8), borderValue=1) > 0
    inner = inner if inner.any() else mask
    return float((down[inner].mean() + 0.3) / (across[inner].mean() + 0.3))


def _regions(like: Any) -> Iterator[Any]:
    """Masks of connected regions that are large and high enough; gaps are closed, holes filled."""
    mended = like.astype(np.uint8)
    for way in (cv2.MORPH_CLOSE, cv2.MORPH_OPEN):
        mended = cv2.morphologyEx(mended, way, np.ones((3, 3), np.uint8))
    for outline in cv2.findContours(mended, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]:
        mask = cv2.drawContours(np.zeros_like(mended), [outline], -1, 1, -1).astype(bool)
        columns = mask.sum(axis=0)
        if mask.mean() >= LEAST and np.median(columns[columns > 0]) >= THINNEST * len(mask):
            yield mask


def _begins_at(mask: Any, like: Any, row: int) -> bool:
    """True if a wide region's columns end upward in a row, and nothing like it is above."""
    filled = mask.any(axis=0)
    tops = mask.argmax(axis=0)[filled]
    above = like[max(0, row - ABOVE[1]) : row - ABOVE[0], filled]
    straight = (tops <= row + 2).mean() >= STRAIGHT
    return bool(filled.mean() >= WIDE and straight and above.mean() <= MOST_ABOVE)
