"""The engine's own maps: folds, stretches and samples outside the picture, which an MP4 does not show."""

from dataclasses import dataclass

import numpy as np

from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.camera.path import FAR, camera_path
from stillmotion.engines.parallax.camera.projection import CELL
from stillmotion.engines.parallax.camera.staging import Stage
from stillmotion.engines.parallax.camera.warp import Warp
from stillmotion.engines.parallax.language.plan import MotionPlan, Segment

FRAMES = 25


@dataclass(frozen=True)
class MapFaults:
    """Cells that are folded over, the worst local stretch (less the zoom) and pixels beyond the picture's edge.

    `slide` is the farthest that the nearest surface goes against the farthest at the frame's middle, in frame widths.
    """

    folds: int
    stretch: float
    outside: float
    slide: float


def map_faults(shot: Stage, move: str) -> MapFaults:
    """The faults of a move's maps, of both layers where it has two."""
    surface, views = shot.fit_move(camera_path(MotionPlan((Segment((move,)),)), FRAMES, 5.0, 1))
    canvas, size = shot.canvas, shot.canvas.frame
    surfaces = [surface]
    if shot.relief is not None:
        surfaces.append(shot.surfaces(views)[1])
    folds, stretch, outside = 0, 1.0, 0.0
    for warp in map(Warp, surfaces):
        for index in range(0, FRAMES, 4):
            sources = warp.sources(views.at(index)).astype(np.float64)
            area = areas(sources)
            folds += int((area <= 0).sum())
            density = np.sqrt(np.clip(area, 1e-9, None))
            stretch = max(stretch, float(np.median(density) / density.min()))
            outside = max(outside, _outside(_edge(sources, size), canvas.width, canvas.height))
    slide = float((1 - FAR) * np.hypot(views.x, views.y).max())
    return MapFaults(folds, stretch, outside, slide)


def areas(sources: np.ndarray) -> np.ndarray:
    """The signed area of the picture that each cell of a map shows, 1 where it is as it was."""
    across, down = np.diff(sources, axis=1)[:-1] / CELL, np.diff(sources, axis=0)[:, :-1] / CELL
    return np.asarray(across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0])


def _edge(sources: np.ndarray, size: FrameSize) -> np.ndarray:
    """The sources of the frame's own outermost pixels, between the cells that hold them."""
    columns = (np.arange(size.width) + 0.5) / CELL + 0.5
    rows = (np.arange(size.height) + 0.5) / CELL + 0.5
    lines = [_at(sources, np.full(size.width, row), columns) for row in (rows[0], rows[-1])]
    lines += [_at(sources, rows, np.full(size.height, column)) for column in (columns[0], columns[-1])]
    return np.concatenate(lines)


def _at(sources: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    top, left = np.floor(row).astype(int), np.floor(column).astype(int)
    down, right = (row - top)[:, None], (column - left)[:, None]
    upper = sources[top, left] * (1 - right) + sources[top, left + 1] * right
    lower = sources[top + 1, left] * (1 - right) + sources[top + 1, left + 1] * right
    return np.asarray(upper * (1 - down) + lower * down)


def _outside(points: np.ndarray, width: int, height: int) -> float:
    """The distance in pixels of the farthest point beyond the middles of the picture's outermost pixels."""
    x, y = points[:, 0], points[:, 1]
    return float(max(-x.min(), x.max() - (width - 1), -y.min(), y.max() - (height - 1), 0.0))
