"""Sheets: the two layers of a canvas, as the picture, a matte and a painted background."""

from dataclasses import dataclass

import cv2
import numpy as np

from stillmotion.domain.rendering import checkpoint
from stillmotion.engines.parallax.camera.projection import CELL, NearnessMap, Views
from stillmotion.engines.parallax.camera.staging import Stage
from stillmotion.engines.parallax.canvas import Canvas
from stillmotion.engines.parallax.depth.relief import LAYER_ROUNDS, Envelopes
from stillmotion.engines.parallax.layers.background import PAINTED_SIDE, Background, painted
from stillmotion.vision.resize import Grid, Pixels, as_bytes, fit_within

LEAST_SHIFT = 2.0
"""Displacement between the layers, in pixels, below which the front alone shows the same."""
LEAST_NEAR = 0.03
"""Share of the front in a pixel that is painted away."""
EDGE = 2.0
"""Steepness of the matte at a step: its width is the canvas's pixels in a cell of relief over this."""


@dataclass(frozen=True, slots=True)
class Layers:
    """A canvas in two layers.

    `front` and `back` are the layers' surfaces, neither of which folds. `matte` has the canvas's pixels, 255 where the
    front covers the back. `background` is the canvas without what the front covers. With `grown` it is painted beyond
    the matte too, and stays so: both layers together are then not quite the picture.
    """

    front: NearnessMap
    back: NearnessMap
    matte: Pixels
    background: Background
    grown: bool = False

    @property
    def canvas(self) -> Canvas:
        """The canvas of both."""
        return self.front.canvas


def in_layers(stage: Stage, views: Views) -> Layers | None:
    """A stage's layers for its move; None if its depth is a guess or fails the gate."""
    if stage.relief is None:
        return None
    envelopes = stage.envelopes(views)
    checkpoint()
    return from_depth(stage.canvas, envelopes, stage.relief, stage.slides(views))


def from_depth(canvas: Canvas, envelopes: Envelopes, relief: Grid, reach: tuple[Grid, Grid]) -> Layers:
    """Layers cut where relief is as near to the upper envelope as to the lower.

    `reach` is the largest displacement of nearness 1 relative to 0, in cells, sideways and upright.
    """
    front, back = (NearnessMap.over(canvas, each, LAYER_ROUNDS) for each in (envelopes.upper, envelopes.back))
    matte, covered, farthest = _cut(canvas, envelopes, relief, reach)
    checkpoint()
    return Layers(front, back, matte, painted(canvas, covered, farthest))


def _cut(canvas: Canvas, envelopes: Envelopes, relief: Grid, reach: tuple[Grid, Grid]) -> tuple[Pixels, Pixels, float]:
    """The matte, all of the near side, and the farthest displacement between the layers, in pixels."""
    size = (canvas.width, canvas.height)
    gap = envelopes.upper - envelopes.lower
    between = np.maximum(_enlarged(gap, size), np.float32(1e-4))
    middle = _enlarged((envelopes.upper + envelopes.lower) * np.float32(0.5), size)
    level = (cv2.resize(relief, size, interpolation=cv2.INTER_LINEAR) - middle) / between
    checkpoint()
    shift = gap * np.hypot(*reach) * np.float32(CELL)
    apart = np.clip(_enlarged(shift, size) / LEAST_SHIFT - 1, 0, 1)
    near = np.clip(0.5 + EDGE * level, 0, 1)
    matte = as_bytes(np.rint(255 - 255 * (1 - near) * apart))
    checkpoint()
    return matte, _near_side(near, apart), float(shift.max())


def _near_side(near: Grid, apart: Grid) -> Pixels:
    """Everything on the near side of steps: 255, at most `PAINTED_SIDE` wide.

    `near` says on which side of a step a pixel lies, but only where the layers are `apart`; elsewhere it is as what is
    next to it.
    """
    near, apart = (fit_within(each, PAINTED_SIDE) for each in (near, apart))
    known = apart > 0.5
    ours, theirs = known & (near > LEAST_NEAR), known & (near <= LEAST_NEAR)
    to_near, to_far = (cv2.distanceTransform((~each).astype(np.uint8), cv2.DIST_L2, 3) for each in (ours, theirs))
    return np.where(to_near < to_far, 255, 0).astype(np.uint8)


def _enlarged(cells: Grid, size: tuple[int, int]) -> Grid:
    """A grid of cells at the canvas's pixels, of which the last cells may have fewer than `CELL`."""
    height, width = cells.shape
    large = cv2.resize(cells, (width * CELL, height * CELL), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large[: size[1], : size[0]], np.float32)
