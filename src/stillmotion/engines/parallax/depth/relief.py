"""Relief: known depth over a canvas with its steps kept, and the two envelopes that layers are drawn by.

The upper envelope follows near surfaces and hides nothing of them; the lower one follows far surfaces. Both are as flat
as the move needs, so that neither folds.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from stillmotion.engines.parallax.depth.estimate import dilated, guided
from stillmotion.vision.resize import Grid, Pixels

RELIEF_SIDE = 640
"""Longest side of relief, in cells."""
STEEPEST_LAYER = 0.6
"""Largest slope of a layer's displacement."""
LEAST_STEP = 0.03
"""Least difference in nearness, within a cell of the known depth, that is a step."""
SOFTNESS = 1e-3
"""Least variance of luma (0 to 1) that counts as an edge."""
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
    side = np.clip((share - 0.5) * 4 + 0.5, 0, 1)
    step = np.clip(gap / LEAST_STEP - 1, 0, 1)
    return (relief + (lower + gap * side - relief) * step).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Envelopes:
    """Slope-limited surfaces over relief, on one grid of cells: `upper` above it, `lower` beneath it.

    `back` is the lower one with far surfaces carried on beneath near ones.
    """

    upper: Grid
    lower: Grid
    back: Grid

    @classmethod
    def of(cls, relief: Grid, to_cells: Any, cells: tuple[int, int], reach: Grid) -> "Envelopes":
        """The envelopes on `cells` (wide, high).

        `to_cells` is the 2 × 3 affine matrix from a cell to its place on the relief. `reach` is, per cell, the
        displacement in cells of nearness 1 relative to nearness 0 at the move's peak.
        """
        near, far = (_sampled(change(relief, BLOCK), to_cells, cells) for change in (cv2.dilate, cv2.erode))
        upper, lower = grown(near, reach), -grown(-far, reach)
        open_near = (near > (upper + lower) / 2) & ((upper - lower) * reach > 0.05)
        # As far as a near surface can move, the far one beneath it goes on level.
        radius = int(np.ceil(float(reach.max()))) + 1
        carried = cv2.erode(far, cv2.getStructuringElement(cv2.MORPH_RECT, (2 * radius + 1,) * 2))
        beneath = np.where(cv2.dilate(open_near.astype(np.uint8), BLOCK) > 0, carried, far)
        return cls(upper, lower, np.minimum(lower, -grown(-beneath, reach)))


def _sampled(relief: Grid, to_cells: Any, cells: tuple[int, int]) -> Grid:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found = cv2.warpAffine(relief, to_cells, cells, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)


def grown(near: Grid, reach: Grid) -> Grid:
    """Nearness with near surfaces dilated until no displacement is steeper than `STEEPEST_LAYER`."""
    return dilated(near, reach, STEEPEST_LAYER)
