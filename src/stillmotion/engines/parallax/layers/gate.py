"""Gate: the evidence that known depth belongs to its picture.

Where depth steps, one thing hides another, and the picture has an edge there. Depth of another picture, mirrored,
shifted, or painted by hand has its steps elsewhere, and layers cut there would show as ghosts beside every outline.
"""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from stillmotion.domain.rendering import checkpoint
from stillmotion.engines.parallax.analysis.scene import RAW_SIDE, Depth
from stillmotion.vision.resize import Grid, Pixels, blurred

LEAST_STEP = 0.012
"""Least slope of depth per cell that counts as a step: a floor seen at a low angle stays below it."""
STANDING_OUT = 1.6
"""Least ratio of a step's slope to the slopes `AROUND` cells to either side."""
AROUND = 8.0
ON_LINE = 1.5
"""Distance from a step, in cells, within which the picture's edge must lie."""
BESIDE = (4.0, 9.0)
"""Distances from a step, in cells, of the surroundings that its edge is compared with."""
NOISE = 2.0
"""Edge strength that any picture has, in steps of luma."""
SMOOTHING = 0.4
"""Sigma of the low-pass over depth known on coarser cells, in such cells."""
LIKE_LUMA = 0.45
"""Correlation with the picture's own luma from which depth is that luma."""
DETAIL = (3.0, 8.0)
"""Sigmas, in cells, of the low-passes between which that is measured."""
CLEAR = 16.0
"""Distance from a step, in cells, beyond which depth is between steps."""
FLAT = 0.004
"""Detail of depth below which it is flat there."""


def gated(depth: Depth, rgb: Pixels) -> Depth:
    """The depth with its gate measured against its picture (height × width × 3); a guess stays as it is."""
    if depth.raw is None:
        return depth
    height, width = depth.raw.shape
    scale = max(1.0, RAW_SIDE / max(height, width))
    size = (round(width * scale), round(height * scale))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    checkpoint()
    return replace(depth, gate=edge_peak(depth.raw, cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)))


def edge_peak(raw: Grid, luma: Pixels) -> float:
    """Log ratio of the picture's edge strength on the steps of depth to that beside them, weighted by step.

    `raw` is nearness, 0 to 1, on any grid over `luma`, whose longer side has about `RAW_SIDE` cells. The ratio is taken
    of arithmetic and of geometric means, and the lower counts: a few strong edges, or many weak ones, are no evidence.
    It is 0 if depth has no steps, and if depth is the picture's luma.
    """
    depth = _on_grid(raw, luma.shape)
    light = cv2.GaussianBlur(luma.astype(np.float32), (0, 0), 0.8)
    edges = cv2.magnitude(cv2.Sobel(light, -1, 1, 0), cv2.Sobel(light, -1, 0, 1)) + np.float32(NOISE)
    steps = _steps(depth)
    checkpoint()
    away = cv2.distanceTransform((steps == 0).astype(np.uint8), cv2.DIST_L2, 5)
    if _is_luma(depth, luma, away):
        return 0.0
    on_line = cv2.GaussianBlur(steps, (0, 0), 1) * (away <= ON_LINE)
    beside = cv2.GaussianBlur(steps, (0, 0), 5) * ((away >= BESIDE[0]) & (away <= BESIDE[1]))
    if not (on_line.any() and beside.any()):
        return 0.0
    logs = np.log(edges)
    arithmetic = np.log(_mean(edges, on_line) / _mean(edges, beside))
    return float(min(arithmetic, _mean(logs, on_line) - _mean(logs, beside)))


def _on_grid(raw: Grid, shape: tuple[int, ...]) -> Grid:
    """Depth on the picture's grid, without the corners of its own cells."""
    scale = shape[1] / raw.shape[1]
    if scale <= 1:
        return cv2.resize(raw, shape[1::-1], interpolation=cv2.INTER_AREA)
    large = cv2.resize(raw, shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return cv2.GaussianBlur(large, (0, 0), SMOOTHING * scale)


def _is_luma(depth: Grid, luma: Pixels, away: Grid) -> bool:
    """True if depth goes with the picture's brightness between its steps too, where true depth is smooth."""
    between = (away > CLEAR).astype(np.float32)
    one, other = (_detail(grid.astype(np.float32), between) for grid in (depth, luma))
    whole = float(np.sqrt((one * one).sum() * (other * other).sum()))
    return float(np.abs(one).max()) > FLAT and abs(float((one * other).sum())) > LIKE_LUMA * whole


def _detail(grid: Grid, between: Grid) -> Any:
    """Difference of two low-passes, over the cells `between` steps alone (normalised convolution)."""
    fine, coarse = (
        blurred(grid * between, sigma) / np.maximum(blurred(between, sigma), np.float32(1e-3)) for sigma in DETAIL
    )
    return (fine - coarse) * between


def _mean(values: Any, weights: Any) -> float:
    return float((values * weights).sum() / weights.sum())


def _steps(depth: Grid) -> Grid:
    """Slope of depth on the ridges of that slope, elsewhere 0."""
    height, width = depth.shape
    smooth = cv2.GaussianBlur(depth, (0, 0), 0.8)
    across, down = cv2.Sobel(smooth, -1, 1, 0) / 8, cv2.Sobel(smooth, -1, 0, 1) / 8
    slope = cv2.magnitude(across, down)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    step_x, step_y = across / (slope + np.float32(1e-9)), down / (slope + np.float32(1e-9))

    def beyond(cells: float) -> Any:
        """The slope so many cells up the slope, 0 beyond the border."""
        return cv2.remap(slope, x + np.float32(cells) * step_x, y + np.float32(cells) * step_y, cv2.INTER_LINEAR)

    # Non-maximum suppression along the slope (Canny 1986).
    ridge = (slope >= beyond(1)) & (slope > beyond(-1)) & (slope > LEAST_STEP)
    # A plane at a slant is steep all over.
    ridge &= slope > STANDING_OUT * np.maximum(beyond(AROUND), beyond(-AROUND))
    # The picture's own border has no edge.
    inner = np.zeros_like(ridge)
    inner[4:-4, 4:-4] = True
    return np.where(ridge & inner, slope, 0).astype(np.float32)
