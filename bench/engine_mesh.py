"""Folds and stretches of a clip, from a mesh of points followed through the MP4."""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

CELLS_ACROSS = 32
LEAST_TEXTURE = 2e-4
"""A point is followed where the smaller eigenvalue of its surroundings' structure is above this."""


@dataclass(frozen=True)
class Mesh:
    """Triangles that turned over, and the greatest stretch of one relative to the clip as a whole."""

    folds: int
    stretch: float


def mesh(planes: list[np.ndarray]) -> Mesh:
    """The first frame's mesh at the clip's end."""
    spacing = planes[0].shape[1] / CELLS_ACROSS
    rows = int(planes[0].shape[0] / spacing)
    y, x = np.mgrid[0:rows, 0:CELLS_ACROSS].astype(np.float32)
    start: Floats = np.stack([(x + 0.5) * spacing, (y + 0.5) * spacing], axis=2).astype(np.float32)
    end, alive = _followed(planes, start.reshape(-1, 2))
    return _compared(start, end.reshape(start.shape), alive.reshape(start.shape[:2]))


def _followed(planes: list[np.ndarray], points: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    texture = cv2.cornerMinEigenVal(planes[0], 21, 3)
    alive = texture[points[:, 1].astype(int), points[:, 0].astype(int)] > LEAST_TEXTURE
    for before, after in pairwise(planes):
        there, _, _ = cv2.calcOpticalFlowPyrLK(before, after, points[:, np.newaxis], None, winSize=(21, 21))
        back, _, _ = cv2.calcOpticalFlowPyrLK(after, before, there, None, winSize=(21, 21))
        alive &= np.hypot(*(back.reshape(-1, 2) - points).T) < 0.3
        points = there.reshape(-1, 2)
    return points, alive


def _compared(start: Floats, end: Floats, alive: NDArray[np.bool_]) -> Mesh:
    """Both triangles of every square whose corners were all followed."""
    whole = alive[:-1, :-1] & alive[1:, :-1] & alive[:-1, 1:] & alive[1:, 1:]
    if whole.sum() < 8:
        return Mesh(0, 1.0)
    across, down = (end[:-1, 1:] - end[:-1, :-1])[whole], (end[1:, :-1] - end[:-1, :-1])[whole]
    far_across, far_down = (end[1:, 1:] - end[1:, :-1])[whole], (end[1:, 1:] - end[:-1, 1:])[whole]
    areas = np.concatenate([_cross(across, down), _cross(far_across, far_down)])
    spacing = float(start[0, 1, 0] - start[0, 0, 0])
    scale = np.sqrt(np.clip(areas, 1e-9, None)) / spacing
    return Mesh(int((areas <= 0).sum()), float(np.max(scale) / np.median(scale)))


def _cross(one: Floats, other: Floats) -> Floats:
    return np.asarray(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0], np.float32)
