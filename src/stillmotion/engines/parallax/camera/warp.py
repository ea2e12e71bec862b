"""Warp: frames drawn from a canvas through sampling maps."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any

import cv2
import numpy as np

from stillmotion.domain.rendering import Frame, checkpoint
from stillmotion.engines.parallax.camera.projection import CELL, NearnessMap, Views, lookup, solve
from stillmotion.vision.resize import Grid, Pixels

STRIP = 16
"""Rows of cells drawn at once: a map of that size stays in the processor's cache."""
THREADS = 2
"""Strips drawn at a time: a frame is drawn faster than it is encoded."""
ROUNDS = 2
"""Fixed-point rounds for displacements."""


@dataclass(frozen=True, slots=True)
class Over:
    """A second map cross-faded over a frame, in the rows of cells from `first` up to `end`.

    `sources` are those rows and one more on either side, as `Warp.sources` has them; `behind` are those of a layer
    behind, if the frame has one.
    """

    sources: Grid
    share: float
    first: int
    end: int
    behind: Grid | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Planes that one map reads: `cell` pixels to a cell, canvas pixels times `scale` plus `offset`."""

    planes: tuple[Pixels, ...]
    cell: int
    scale: float
    offset: float

    def placed(self, sources: Grid) -> Grid:
        """A map to canvas pixels as one to the planes' samples."""
        return sources * np.float32(self.scale) + np.float32(self.offset)


Targets = tuple[tuple[Pixels, ...], ...]
"""Planes to draw to, or strips of them, for each group."""


class Warp:
    """Draws a canvas as a camera sees it. Holds the grid that all frames share."""

    def __init__(self, surface: NearnessMap) -> None:
        self._surface = surface
        self._pool = ThreadPoolExecutor(THREADS)
        self._canvas = surface.canvas
        frame = self._canvas.frame
        # Every second sample of the doubled plane is a canvas pixel; chroma lies between luma samples.
        self._groups = (
            Group((self._canvas.fine,), CELL, 2.0, 0.0),
            Group((self._canvas.u, self._canvas.v), CELL // 2, 0.5, -0.25),
        )
        # One more cell on every side: `cv2.resize` repeats the outermost values, which are cut off.
        self._cells = (-(-frame.width // CELL) + 2, -(-frame.height // CELL) + 2)
        columns = (np.arange(self._cells[0]) - 0.5) * CELL - frame.width / 2
        rows = (np.arange(self._cells[1]) - 0.5) * CELL - frame.height / 2
        self._x = (columns / frame.width).astype(np.float32)[np.newaxis]
        self._y = (rows / frame.width).astype(np.float32)[:, np.newaxis]

    def sources(self, view: Views, displacement: Grid | None = None) -> Grid:
        """The sampling map: canvas pixel (column, row) for each cell of the frame, height × width × 2.

        `displacement`, on the surface's grid, is the motion of the picture's content in canvas pixels (right, down).
        """
        sources = np.empty((self._cells[1], self._cells[0], 2), np.float32)
        single = _single(view)

        def locate(rows: slice) -> None:
            x, y = solve(self._x, self._y[rows], single, self._surface)
            sources[rows, :, 0], sources[rows, :, 1] = self._surface.pixel(x, y)

        half = self._cells[1] // 2
        list(self._pool.map(locate, (slice(0, half), slice(half, None))))
        return sources if displacement is None else displaced(sources, displacement)

    def draw(self, sources: Grid, over: Over | None = None, behind: Grid | None = None) -> Frame:
        """The frame sampled through `sources`, with another map over it.

        Luma is read from the doubled plane; all reads are bilinear. `behind` is for frames in two layers.
        """
        width, height = self._canvas.frame.width, self._canvas.frame.height
        planes = np.empty(width * height * 3 // 2, np.uint8)
        luma = planes[: width * height].reshape(height, width)
        chroma = planes[width * height :].reshape(2, height // 2, width // 2)
        targets = ((luma,), (chroma[0], chroma[1]))

        def fill(strip: tuple[int, int]) -> None:
            first, end = strip
            # Two more rows than drawn: upsampling needs a neighbour on either side.
            back = None if behind is None else behind[first : end + 2]
            self._fill(sources[first : end + 2], back, self._rows(targets, first, end))

        for _ in self._pool.map(fill, _strips(0, self._cells[1] - 2)):
            checkpoint()
        if over is not None:
            self._fade(over, targets)
        return Frame(width, height, planes)

    def _fade(self, over: Over, targets: Targets) -> None:
        """Cross-fade a second map over the planes, a strip of rows at a time."""
        for first, end in _strips(over.first, over.end):
            part = slice(first - over.first, end + 2 - over.first)
            below = self._rows(targets, first, end)
            laid = tuple(tuple(np.empty_like(rows) for rows in group) for group in below)
            self._fill(over.sources[part], None if over.behind is None else over.behind[part], laid)
            for rows, upper in zip(chain(*below), chain(*laid), strict=True):
                cv2.addWeighted(rows, 1 - over.share, upper, over.share, 0, dst=rows)
            checkpoint()

    def _fill(self, sources: Grid, behind: Grid | None, targets: Targets) -> None:  # noqa: ARG002 - of layers
        """Draw a strip of rows; the maps have one more row of cells on either side."""
        for group, planes in zip(self._groups, targets, strict=True):
            full = self.magnified(group.placed(sources), group.cell)
            for source, target in zip(group.planes, planes, strict=True):
                remap(source, full[: len(target)], target)

    def _rows(self, targets: Targets, first: int, end: int) -> Targets:
        """The planes' parts in these rows of cells."""
        return tuple(
            tuple(plane[first * group.cell : end * group.cell] for plane in planes)
            for group, planes in zip(self._groups, targets, strict=True)
        )

    def magnified(self, part: Grid, cell: int) -> Any:
        """Rows of a map upsampled to pixels; `part` has one more row on either side."""
        size = (self._cells[0] * cell, len(part) * cell)
        width = self._canvas.frame.width * cell // CELL
        return cv2.resize(part, size, interpolation=cv2.INTER_LINEAR)[cell:-cell, cell : cell + width]

    def enlarged(self, grid: Grid, cell: int = CELL) -> Any:
        """A grid over the frame's cells upsampled to a plane with `cell` pixels per cell."""
        return self.magnified(grid, cell)[: self._canvas.frame.height * cell // CELL]


def displaced(sources: Grid, displacement: Grid, share: float = 1.0) -> Grid:
    """The map after the content of each cell has moved by `share` of `displacement`."""
    found = sources
    for _ in range(ROUNDS):
        # Inverse warp by fixed-point iteration: the source of a cell is the place that moves there.
        found = sources - lookup(displacement, found[..., 0], found[..., 1]) * np.float32(share)
    return found


def _strips(first: int, end: int) -> Iterator[tuple[int, int]]:
    for start in range(first, end, STRIP):
        yield start, min(start + STRIP, end)


def _single(view: Views) -> Views:
    """One frame's values as float32, so that no array is widened to float64."""
    parts = (view.x, view.y, view.z, view.pan, view.tilt, view.roll, view.zoom, view.overscan)
    narrow: list[Any] = [*(np.float32(part) for part in parts), view.aim, view.steady]
    return Views(*narrow)


def remap(plane: Pixels, sources: Any, out: Pixels) -> None:
    """Read a plane bilinearly through a map of its samples."""
    cv2.remap(plane, sources, None, cv2.INTER_LINEAR, dst=out, borderMode=cv2.BORDER_REPLICATE)
