"""Drawing of frames in two layers: the front over the back wherever the matte is open."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stillmotion.engines.parallax.camera.projection import CELL, Views
from stillmotion.engines.parallax.camera.warp import Targets, Warp, remap
from stillmotion.engines.parallax.layers.edges import taken_apart
from stillmotion.engines.parallax.layers.sheets import Layers
from stillmotion.vision.resize import Grid, Pixels

TILE = 8
"""Side of a tile in cells: the back is drawn in whole tiles."""

_Places = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Row and column of each of some tiles of a strip."""


class LayeredWarp(Warp):
    """Draws a canvas in two layers as a camera sees it. `sources` is the front's map."""

    def __init__(self, layers: Layers) -> None:
        super().__init__(layers.front)
        self._back, self._picture = Warp(layers.back), Warp(layers.front)
        # At the density of chroma, through whose map it is read.
        matte = cv2.resize(layers.matte, layers.background.u.shape[::-1], interpolation=cv2.INTER_AREA)
        front, back, self._matte = taken_apart(layers.canvas, matte, layers.background, grown=layers.grown)
        luma, chroma = self._groups
        self._groups = (replace(luma, planes=(front.fine,)), replace(chroma, planes=(front.u, front.v)))
        self._hidden = ((back.fine,), (back.u, back.v))

    def behind(self, view: Views, displacement: Grid | None = None) -> Grid:
        """The back's sampling map, of the form that `sources` has."""
        return self._back.sources(view, displacement)

    def _fill(self, sources: Grid, behind: Grid | None, targets: Targets) -> None:
        """Draw the front, and the back under it in the tiles in which the matte is open; without it, the picture."""
        if behind is None:
            self._picture._fill(sources, None, targets)
            return
        front, back = _whole(sources), _whole(behind)
        fine, half = (_magnified(group.placed(front), group.cell) for group in self._groups)
        shares = self._shares(half)
        places = _open_tiles(shares[1])
        for index, group in enumerate(self._groups):
            full = _inner((fine, half)[index], group.cell)
            if places is None:
                for ahead, target in zip(group.planes, targets[index], strict=True):
                    remap(ahead, full[: target.shape[0], : target.shape[1]], target)
                continue
            side, share = TILE * group.cell, shares[index]
            below = _tiles(_inner(_magnified(group.placed(back), group.cell), group.cell), side, places)
            weights = _tiles(share, side, places)
            rest, under = cv2.bitwise_not(weights), np.empty_like(weights)
            for ahead, beneath, target in zip(group.planes, self._hidden[index], targets[index], strict=True):
                rows = target if target.shape == share.shape else np.empty_like(share)
                remap(ahead, full, rows)
                remap(beneath, below, under)
                over = _tiles(rows, side, places)
                # The front over the back, by 255ths.
                over = cv2.add(cv2.multiply(over, weights, scale=1 / 255), cv2.multiply(under, rest, scale=1 / 255))
                _by_tile(rows, side)[places[0], :, places[1]] = over.reshape(-1, side, side)
                if rows is not target:
                    target[:] = rows[: target.shape[0], : target.shape[1]]

    def _shares(self, half: Grid) -> tuple[Pixels, Pixels]:
        """The matte over a strip, for luma and for chroma, from chroma's map with a cell more on every side."""
        # A pixel on every side is kept for the doubling.
        places = half[1:-1, 1:-1]
        height, width = places.shape[:2]
        small = np.empty((height, width), np.uint8)
        remap(self._matte, places, small)
        large = cv2.resize(small, (2 * width, 2 * height), interpolation=cv2.INTER_LINEAR)
        return _inner(large, 2), _inner(small, 1)


def _open_tiles(share: Pixels) -> _Places | None:
    """Rows and columns of a strip's tiles that show some of the back, by chroma's matte; None if there are none."""
    height, width = (int(length) for length in share.shape)
    side = TILE * CELL // 2
    opened = cv2.resize(cv2.bitwise_not(share), (width // side, height // side), interpolation=cv2.INTER_AREA)
    rows, columns = np.nonzero(opened)
    return (rows, columns) if len(rows) else None


def _inner(plane: Any, border: int) -> Any:
    return plane[border:-border, border:-border]


def _whole(sources: Grid) -> Grid:
    """A strip of a map, its last rows and columns repeated up to whole tiles within one cell on every side."""
    down, across = (-(side - 2) % TILE for side in sources.shape[:2])
    return cv2.copyMakeBorder(sources, 0, down, 0, across, cv2.BORDER_REPLICATE)


def _magnified(sources: Grid, cell: int) -> Grid:
    """A strip of a map at `cell` pixels to a cell."""
    height, width = sources.shape[:2]
    return cv2.resize(sources, (width * cell, height * cell), interpolation=cv2.INTER_LINEAR)


def _by_tile(plane: Any, side: int) -> Any:
    """A view of a plane as rows of tiles × `side` × columns of tiles × `side`."""
    height, width = plane.shape[:2]
    return plane.reshape(height // side, side, width // side, side, *plane.shape[2:])


def _tiles(plane: Any, side: int, places: _Places) -> Any:
    """Copies of a plane's tiles, one under the other."""
    return _by_tile(plane, side)[places[0], :, places[1]].reshape(-1, side, *plane.shape[2:])
