"""Frames: the canvas read through a map."""

from typing import Any

import cv2
import numpy as np

from stillmotion.domain.rendering import Frame
from stillmotion.engines.parallax.canvas import Canvas, Pixels
from stillmotion.engines.parallax.geometry import CELL, Surface, Views, lookup, solve
from stillmotion.engines.parallax.scene import Grid


class Warp:
    """Draws a canvas as a camera sees it. Holds the grids that all frames share."""

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._canvas = surface.canvas
        frame = self._canvas.frame
        # One cell more on every side: resizing repeats the outermost values, and those are cut away.
        self._cells = (-(-frame.width // CELL) + 2, -(-frame.height // CELL) + 2)
        columns = (np.arange(self._cells[0]) - 0.5) * CELL - frame.width / 2
        rows = (np.arange(self._cells[1]) - 0.5) * CELL - frame.height / 2
        x, y = np.meshgrid(columns / frame.width, rows / frame.width)
        self._x, self._y = x.astype(np.float32), y.astype(np.float32)

    def sources(self, view: Views, displacement: Grid | None = None) -> Grid:
        """The canvas pixel (column, row) that each cell of the frame shows: cells high × wide × 2.

        `displacement`, on the surface's grid, is how far (in canvas pixels: right, down) what lies there has moved.
        """
        x, y = solve(self._x, self._y, _single(view), self._surface)
        column, row = self._surface.pixel(x, y)
        sources = np.dstack([column, row]).astype(np.float32)
        if displacement is None:
            return sources
        at_rest = sources
        for _ in range(2):
            sources = at_rest - lookup(displacement, sources[..., 0], sources[..., 1])
        return sources

    def draw(self, sources: Grid) -> Frame:
        """The frame that a map of `sources` gives: luma from the doubled plane, both bilinear."""
        return self.draw_from(self._canvas, sources)

    def draw_from(self, canvas: Canvas, sources: Grid) -> Frame:
        """The same map applied to other planes of the same layout."""
        width, height = canvas.frame.width, canvas.frame.height
        planes = np.empty(width * height * 3 // 2, np.uint8)
        luma, chroma = width * height, width * height // 4
        full = self.enlarged(sources * np.float32(2), CELL)
        _read(canvas.fine, full, planes[:luma].reshape(height, width))
        half = self.enlarged(sources * np.float32(0.5) - np.float32(0.25), CELL // 2)
        shape = (height // 2, width // 2)
        _read(canvas.u, half, planes[luma : luma + chroma].reshape(shape))
        _read(canvas.v, half, planes[luma + chroma :].reshape(shape))
        return Frame(width, height, planes)

    def mix(self, frame: Frame, sources: Grid, share: float, touched: Any) -> None:
        """Lay what a map of `sources` gives over a frame by a share, in its own planes.

        Only the rows between the first and the last of `touched` (one truth value for each row of cells) are drawn.
        """
        rows = np.flatnonzero(touched)
        if not len(rows):
            return
        first, last = max(1, int(rows[0])), min(self._cells[1] - 2, int(rows[-1]))
        width, height = frame.width, frame.height
        area, canvas, part = width * height, self._canvas, sources[first - 1 : last + 2]
        planes = [frame.planes[:area].reshape(height, width), *frame.planes[area:].reshape(2, height // 2, width // 2)]
        maps = (part * np.float32(2), CELL), (part * np.float32(0.5) - np.float32(0.25), CELL // 2)
        for plane, source, (grid, cell) in zip(
            planes, (canvas.fine, canvas.u, canvas.v), (*maps, maps[1]), strict=True
        ):
            target = plane[(first - 1) * cell : last * cell]
            size = (self._cells[0] * cell, len(part) * cell)
            full = cv2.resize(grid, size, interpolation=cv2.INTER_LINEAR)
            strip = np.empty_like(target)
            _read(source, full[cell : cell + target.shape[0], cell : cell + target.shape[1]], strip)
            cv2.addWeighted(target, 1 - share, strip, share, 0, dst=target)

    def enlarged(self, grid: Grid, cell: int = CELL) -> Any:
        """A grid over the frame's cells, for every pixel of a plane that has `cell` pixels to a cell."""
        size = (self._cells[0] * cell, self._cells[1] * cell)
        frame = self._canvas.frame
        width, height = frame.width * cell // CELL, frame.height * cell // CELL
        return cv2.resize(grid, size, interpolation=cv2.INTER_LINEAR)[cell : cell + height, cell : cell + width]


def _single(view: Views) -> Views:
    """One frame's numbers in the grids' own precision, so that nothing is widened."""
    parts = (view.x, view.y, view.z, view.pan, view.tilt, view.roll, view.zoom, view.overscan)
    narrow: list[Any] = [*(np.float32(part) for part in parts), view.aim, view.steady]
    return Views(*narrow)


def _read(plane: Pixels, sources: Any, out: Pixels) -> None:
    cv2.remap(plane, sources, None, cv2.INTER_LINEAR, dst=out, borderMode=cv2.BORDER_REPLICATE)
