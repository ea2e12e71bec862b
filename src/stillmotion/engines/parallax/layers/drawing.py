"""Drawing of frames in two layers: the front over the back wherever the matte is open."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from stillmotion.engines.parallax.camera.projection import CELL, Views
from stillmotion.engines.parallax.camera.warp import Group, Warp, remap
from stillmotion.engines.parallax.layers.sheets import Layers
from stillmotion.vision.resize import Grid, Pixels

JOINED = 16
"""Cells between two open runs of columns up to which they are drawn as one."""
COVERING = 255
"""Matte where the front alone is seen."""


@dataclass(frozen=True, slots=True)
class _Behind:
    """The back's planes of a group, and the matte at their density."""

    planes: tuple[Pixels, ...]
    matte: Pixels


class LayeredWarp(Warp):
    """Draws a canvas in two layers as a camera sees it. `sources` is the front's map."""

    def __init__(self, layers: Layers) -> None:
        super().__init__(layers.front)
        self._back = Warp(layers.back)
        matte, background = layers.matte, layers.background
        height, width = matte.shape
        # The matte is read through the planes' own maps, and so has their densities.
        self._behind = {
            CELL: _Behind((background.fine,), _doubled(matte)),
            CELL // 2: _Behind(
                (background.u, background.v),
                cv2.resize(matte, (width // 2, height // 2), interpolation=cv2.INTER_AREA),
            ),
        }
        self._open = _open_cells(matte, layers.front.inverse.shape)

    def behind(self, view: Views, displacement: Grid | None = None) -> Grid:
        """The back's sampling map, of the form that `sources` has."""
        return self._back.sources(view, displacement)

    def _fill(self, group: Group, sources: Grid, behind: Grid | None, targets: tuple[Pixels, ...]) -> None:
        """Draw the front, and the back under it in the columns in which the matte is open."""
        full = self.magnified(group.placed(sources), group.cell)[: len(targets[0])]
        for source, target in zip(group.planes, targets, strict=True):
            remap(source, full, target)
        if behind is None:
            return
        back = self._behind[group.cell]
        for left, right in self._runs(sources):
            columns = slice(left * group.cell, right * group.cell)
            share = np.empty_like(targets[0][:, columns])
            remap(back.matte, full[:, columns], share)
            below = self._back.magnified_columns(group.placed(behind), group.cell, left, right)[: len(share)]
            for source, target in zip(back.planes, targets, strict=True):
                under = np.empty_like(share)
                remap(source, below, under)
                _compose(target[:, columns], under, share)

    def _runs(self, sources: Grid) -> Iterator[tuple[int, int]]:
        """Runs of the frame's cells in which a strip shows some of the back: first and end."""
        places = sources[1:-1, 1:-1] * np.float32(1 / CELL)
        seen = cv2.remap(self._open, places, None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
        columns = np.flatnonzero(cv2.reduce(seen, 0, cv2.REDUCE_MAX))
        if not len(columns):
            return
        breaks = np.flatnonzero(np.diff(columns) > JOINED)
        starts = columns[np.concatenate([[0], breaks + 1])]
        ends = columns[np.concatenate([breaks, [len(columns) - 1]])]
        for start, end in zip(starts, ends, strict=True):
            yield int(start), int(end) + 1


def _compose(front: Pixels, back: Pixels, share: Pixels) -> None:
    """Lay the front over the back in place, `share` (of 255) of each pixel being the front's."""
    cv2.multiply(front, share, dst=front, scale=1 / 255)
    cv2.multiply(back, 255 - share, dst=back, scale=1 / 255)
    cv2.add(front, back, dst=front)


def _doubled(matte: Pixels) -> Pixels:
    """The matte at twice the density, every second sample of which is the matte's own."""
    height, width = matte.shape
    to_matte = np.array([[0.5, 0, 0], [0, 0.5, 0]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found: Any = cv2.warpAffine(matte, to_matte, (2 * width, 2 * height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return found


def _open_cells(matte: Pixels, shape: tuple[int, ...]) -> Pixels:
    """Cells of the canvas in or beside which the matte is not closed: 1, others 0."""
    rows, columns = shape
    least = cv2.erode(matte, np.ones((2 * CELL + 1, 2 * CELL + 1), np.uint8))
    size = (columns * CELL, rows * CELL)
    padded = cv2.copyMakeBorder(least, 0, size[1] - matte.shape[0], 0, size[0] - matte.shape[1], cv2.BORDER_REPLICATE)
    return (padded[CELL // 2 :: CELL, CELL // 2 :: CELL] < COVERING).astype(np.uint8)
