"""Relief: known depth over a canvas with its steps kept, and the two envelopes that layers are drawn by.

The upper envelope follows near surfaces and hides nothing of them; the lower one follows far surfaces. Both are as flat
as the move needs, so that neither folds.
"""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from stillmotion.engines.parallax.depth.estimate import guided, limited_along
from stillmotion.vision.resize import Grid, Pixels

RELIEF_SIDE = 1280
"""Longest side of relief, in cells."""
STEEPEST_LAYER = 0.6
"""Largest slope of a layer's displacement."""
LAYER_ROUNDS = 4
"""Fixed-point rounds at that slope."""
LEAST_STEP = 0.03
"""Least difference in nearness, within a cell of the known depth, that is a step."""
SOFTNESS = 1e-3
"""Least variance of luma (0 to 1) that counts as an edge."""
SHARPNESS = 4.0
EVEN = 1.5
"""Sigma of the low-pass between steps, in cells."""
SHEAR = 2.0
"""Largest slope of a displacement across its direction: it folds nothing."""
LEAST_SHARE = 0.12
"""Least share of the slope left to an axis in which hardly anything moves."""
LEAST_OPEN = 0.05
"""Displacement between the envelopes, in cells, below which they count as one."""
BLOCK = np.ones((3, 3), np.uint8)


def relief_size(width: int, height: int) -> tuple[int, int]:
    """Cells (wide, high) of the relief over a canvas of this many pixels."""
    scale = min(1.0, RELIEF_SIDE / max(width, height))
    return max(2, round(width * scale)), max(2, round(height * scale))


def crisp(relief: Grid, luma: Pixels, cell: float) -> Grid:
    """Relief with blurred steps made sharp along the picture's edges.

    `luma` is the picture on the relief's grid; `cell` is the side of a cell of the known depth, in cells of the relief.
    """
    radius = max(2, round(1.5 * cell) + 1)
    window = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
    upper, lower = cv2.dilate(relief, window), cv2.erode(relief, window)
    gap = upper - lower
    share = np.where(gap > 1e-4, (relief - lower) / np.maximum(gap, 1e-4), 0.5).astype(np.float32)
    share = guided(luma.astype(np.float32) / 255, share, radius, SOFTNESS)
    # The line between the levels is one cell wide.
    side = np.clip((share - 0.5) * SHARPNESS + 0.5, 0, 1)
    step = np.clip(gap / LEAST_STEP - 1, 0, 1)
    # Between steps depth is smooth, and what is not is noise.
    even = cv2.GaussianBlur(relief, (0, 0), EVEN)
    return (even + (lower + gap * side - even) * step).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Envelopes:
    """Slope-limited surfaces over relief, on one grid of cells: `upper` above it, `lower` beneath it.

    `back` is the lower one with far surfaces carried on beneath near ones.
    """

    upper: Grid
    lower: Grid
    back: Grid

    @classmethod
    def of(cls, relief: Grid, to_cells: Any, cells: tuple[int, int], reach: tuple[Grid, Grid]) -> "Envelopes":
        """The envelopes on `cells` (wide, high).

        `to_cells` is the 2 × 3 affine matrix from a cell to its place on the relief. `reach` is, per cell, the
        largest displacement in cells, sideways and upright, of nearness 1 relative to nearness 0.
        """
        slopes = slopes_of(*reach)
        level = _sampled(relief, to_cells, cells)
        upper, lower = grown(level, slopes), -grown(-level, slopes)
        shift = (upper - lower) * np.hypot(*reach)
        is_near = ((level > (upper + lower) / 2) & (shift > LEAST_OPEN)).astype(np.uint8)
        # As far as a near surface can move, the far one beneath it goes on level.
        sides = tuple(2 * math.ceil(float(axis.max())) + 3 for axis in reach)
        carried = cv2.erode(level, np.ones(sides[::-1], np.uint8))
        beneath = np.where(cv2.dilate(is_near, BLOCK) > 0, carried, level)
        return cls(upper, lower, np.minimum(lower, -grown(-beneath, slopes)))


def slopes_of(across: Grid, down: Grid) -> tuple[Grid, Grid]:
    """Largest slopes of nearness per cell, sideways and upright, by the displacements along both axes.

    A displacement t·q folds where t_x·q_x + t_y·q_y reaches −1: each axis has its share of the slope.
    """
    share = np.clip(down / np.maximum(across + down, 1e-6), LEAST_SHARE, 1 - LEAST_SHARE)
    sideways = np.minimum(STEEPEST_LAYER * (1 - share) / np.maximum(across, 1e-6), SHEAR / np.maximum(down, 1e-6))
    upright = np.minimum(STEEPEST_LAYER * share / np.maximum(down, 1e-6), SHEAR / np.maximum(across, 1e-6))
    return sideways.astype(np.float32), upright.astype(np.float32)


def _sampled(relief: Grid, to_cells: Any, cells: tuple[int, int]) -> Grid:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found = cv2.warpAffine(relief, to_cells, cells, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)


def grown(near: Grid, slopes: tuple[Grid, Grid]) -> Grid:
    """Nearness with near surfaces dilated until it is nowhere steeper than `slopes` (sideways, upright; per cell)."""
    for _ in range(2):
        for axis, slope in zip((1, 0), slopes, strict=True):
            near = limited_along(near, slope, axis)
    return np.asarray(near, np.float32)
