"""Displacements of parts of the picture: shapes that are fixed, mixed anew for every frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stillmotion.domain.rendering import checkpoint
from stillmotion.engines.parallax.camera.projection import CELL, NearnessMap
from stillmotion.engines.parallax.depth.estimate import STEEPEST
from stillmotion.vision.resize import Grid

Weights = NDArray[np.float32]

EDGE = 0.12
"""Nothing is displaced across the canvas's edge; from this fraction of its side inward it fully is."""


@dataclass(frozen=True, slots=True)
class Deformation:
    """Shapes (count × cells high × wide × 2: right and down, canvas pixels) and each frame's weight of each."""

    shapes: NDArray[np.float32]
    weights: Weights

    def at(self, frame: int) -> Grid:
        """How far what lies in each cell has moved at a frame."""
        mixed = self.shapes[0] * self.weights[frame, 0]
        # Not a matrix product: NumPy's would wake threads that then fight the encoder's for the cores.
        for shape, weight in zip(self.shapes[1:], self.weights[frame, 1:], strict=True):
            cv2.scaleAdd(shape, float(weight), mixed, mixed)
        return mixed


@dataclass(frozen=True, slots=True)
class Cells:
    """The places of a surface's cells: canvas pixels, and fractions of the picture."""

    x: Grid
    y: Grid
    across: Grid
    down: Grid
    inner: Grid
    """0 to 1, cells high × wide × 2: how much may be displaced sideways, and up or down, without crossing the edge."""

    @classmethod
    def of(cls, surface: NearnessMap, picture: tuple[int, int]) -> "Cells":
        """The cells of a surface over a picture of this width and height."""
        canvas = surface.canvas
        height, width = surface.inverse.shape
        x, y = np.meshgrid((np.arange(width) + 0.5) * CELL, (np.arange(height) + 0.5) * CELL)
        across = (canvas.region.x + x / canvas.width * canvas.region.width) / picture[0]
        down = (canvas.region.y + y / canvas.height * canvas.region.height) / picture[1]
        inset = [
            np.minimum(x, canvas.width - x) / (EDGE * canvas.width),
            np.minimum(y, canvas.height - y) / (EDGE * canvas.height),
        ]
        inner = np.clip(np.dstack(inset), 0, 1)
        grids = (x, y, across, down, inner * inner * (3 - 2 * inner))
        return cls(*(grid.astype(np.float32) for grid in grids))


def joined(parts: Sequence[Deformation]) -> Deformation | None:
    """All of them as one, each held back so that together they cannot fold; None where there is none."""
    if not parts:
        return None
    whole = Deformation(
        np.concatenate([part.shapes for part in parts]), np.concatenate([part.weights for part in parts], axis=1)
    )
    steepest = 0.0
    for frame in range(0, len(whole.weights), 4):
        steepest = max(steepest, steepness(whole.at(frame)))
        checkpoint()
    return whole if steepest <= STEEPEST else Deformation(whole.shapes, whole.weights * (STEEPEST / steepest))


def steepness(displacement: Any) -> float:
    """How close a displacement comes to folding, which it does at 1."""
    across_x, across_y = np.moveaxis(np.diff(displacement, axis=1)[:-1], -1, 0) / CELL
    down_x, down_y = np.moveaxis(np.diff(displacement, axis=0)[:, :-1], -1, 0) / CELL
    # Shear by itself folds nothing: it counts only where the two shears meet.
    crossed = np.sqrt(np.abs(across_y * down_x))
    return float((np.maximum(np.abs(across_x), np.abs(down_y)) + crossed).max(initial=0.0))
