"""Displacements of parts of the picture: fixed shapes, weighted anew for every frame."""

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

BETWEEN_LOOKS = 4
"""Frames from one look at a deformation to the next: motions are slow."""
EDGE = 0.12
"""Margin, as a fraction of the canvas's side, over which displacements fade in from zero at the edge."""


@dataclass(frozen=True, slots=True)
class Deformation:
    """Shapes (count × height × width × 2: right and down, in canvas pixels), and their weights (frames × count)."""

    shapes: NDArray[np.float32]
    weights: Weights

    def at(self, frame: int) -> Grid:
        """The displacement of each cell's content at a frame, height × width × 2."""
        mixed = self.shapes[0] * self.weights[frame, 0]
        # No matrix product: NumPy's would wake threads that compete with the encoder's for the cores.
        for shape, weight in zip(self.shapes[1:], self.weights[frame, 1:], strict=True):
            cv2.scaleAdd(shape, float(weight), mixed, mixed)
        return mixed

    def telling(self) -> Sequence[int]:
        """Frames that show how far it goes: evenly spaced ones, and those at which a weight is greatest or least."""
        spaced = range(0, len(self.weights), BETWEEN_LOOKS)
        return sorted({*spaced, *self.weights.argmax(axis=0).tolist(), *self.weights.argmin(axis=0).tolist()})

    def largest(self) -> Grid:
        """The largest displacement of each cell over all frames, in canvas pixels."""
        reach = np.zeros(self.shapes.shape[1:3], np.float32)
        for frame in self.telling():
            moved = self.at(frame)
            reach = np.maximum(reach, cv2.magnitude(moved[..., 0], moved[..., 1]))
            checkpoint()
        return reach


@dataclass(frozen=True, slots=True)
class Cells:
    """Places of a surface's cells, in canvas pixels and in fractions of the picture."""

    x: Grid
    y: Grid
    across: Grid
    down: Grid
    inner: Grid
    """Factor on displacements sideways and up or down, 0 at the edge to 1: height × width × 2."""

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


def combined(parts: Sequence[Deformation], most: float = STEEPEST) -> Deformation | None:
    """All deformations as one, scaled down if together they would be steeper than `most`; None if there is none."""
    if not parts:
        return None
    whole = Deformation(
        np.concatenate([part.shapes for part in parts]), np.concatenate([part.weights for part in parts], axis=1)
    )
    steepest = 0.0
    for frame in whole.telling():
        steepest = max(steepest, steepness(whole.at(frame)))
        checkpoint()
    return whole if steepest <= most else Deformation(whole.shapes, whole.weights * (most / steepest))


def steepness(displacement: Any) -> float:
    """Largest slope of a displacement; at 1 it folds."""
    # The Jacobian's entries, from differences between neighbouring cells.
    across_x, across_y = np.moveaxis(np.diff(displacement, axis=1)[:-1], -1, 0) / CELL
    down_x, down_y = np.moveaxis(np.diff(displacement, axis=0)[:, :-1], -1, 0) / CELL
    # Shear alone folds nothing: it counts only where both shears meet.
    crossed = np.sqrt(np.abs(across_y * down_x))
    return float((np.maximum(np.abs(across_x), np.abs(down_y)) + crossed).max(initial=0.0))
