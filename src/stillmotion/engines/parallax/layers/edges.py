"""Edges: the mixed pixels along the matte, taken apart into the front's and the back's colours.

A pixel of the picture at an outline shows some of both layers. Drawn as it is in either, it would leave a halo of the
other's colour, and mixed once more it would soften the first frame. Here each layer gets a colour of its own, so that
both together are the picture again.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from stillmotion.domain.rendering import checkpoint
from stillmotion.engines.parallax.canvas import Canvas, doubled
from stillmotion.engines.parallax.layers.background import Background
from stillmotion.vision.resize import Grid, Pixels, as_bytes

REACH = 7
"""Side of the window, in pixels of chroma, over which the front's colour is carried across its outline."""
LEAST_AROUND = 0.02
"""Part of the window that has to be the front's."""
LEAST_MIXED = np.float32(0.04)
"""Share of the front from which a pixel is mixed."""
LEAST_SHARE = 0.2
"""Share of the front's colour up to which a pixel is the back's alone."""
LEAST_CONTRAST = 16.0
"""Least difference of both colours that tells them apart, in steps of 8 bits."""
Colours = Sequence[Any]
"""Planes of luma and chroma at chroma's density."""
BAND = 64
"""Rows that are computed at once."""
WHOLE = 0.98
"""Matte, 0 to 1, from which a pixel is the front's alone."""


def taken_apart(
    canvas: Canvas, matte: Pixels, background: Background, *, grown: bool = False
) -> tuple[Background, Background, Pixels]:
    """Planes of the front and of the back, and their matte: mixed by it they are the canvas's.

    `matte` has chroma's density. Where the background is painted beyond it, pixels of the front's colour are the
    front's too: stray hair, and the blur of outlines. The difference that is left between the picture and the mixture
    of estimated colours is shared among both. With `grown` the back is the background as it is.
    """
    known: Grid = matte.astype(np.float32) * np.float32(1 / 255)
    whole = (known >= WHOLE).astype(np.float32)
    around = cv2.blur(whole, (REACH, REACH))
    y, back_y = (np.ascontiguousarray(plane[::2, ::2]) for plane in (canvas.fine, background.fine))
    small_y, small_back = (cv2.resize(each, known.shape[::-1], interpolation=cv2.INTER_AREA) for each in (y, back_y))
    checkpoint()
    shown, behind = (small_y, canvas.u, canvas.v), (small_back, background.u, background.v)
    carried = [_carried(plane, whole, around) for plane in shown]
    checkpoint()
    share, sure = _explained(shown, carried, behind)
    # Farther from the front its colour is not known.
    sure = sure * (around > LEAST_AROUND)
    # Along the matte's edge colour tells more than depth does; beyond it, it only adds.
    edge = (known > 1 - WHOLE) & (known < WHOLE)
    told = known + (share - known) * sure
    matte = as_bytes(_rounded(255 * np.where(edge, told, np.maximum(known, told))))
    large = cv2.resize(matte, y.shape[::-1], interpolation=cv2.INTER_LINEAR)
    checkpoint()
    front, back = _parts(y, cv2.resize(carried[0], y.shape[::-1], interpolation=cv2.INTER_LINEAR), back_y, large)
    checkpoint()
    front_u, back_u = _parts(canvas.u, carried[1], background.u, matte)
    front_v, back_v = _parts(canvas.v, carried[2], background.v, matte)
    checkpoint()
    before = Background(doubled(front), front_u, front_v)
    checkpoint()
    return before, background if grown else Background(doubled(back), back_u, back_v), matte


def _explained(shown: Colours, front: Colours, back: Colours) -> tuple[Any, Any]:
    """The front's share of each pixel by its colour between those of both layers, and how far these differ."""
    across = contrast = np.float32(0)
    for plane, near, far in zip(shown, front, back, strict=True):
        way = near - far
        across = across + (plane - far.astype(np.float32)) * way
        contrast = contrast + way * way
    share = across / np.maximum(contrast, np.float32(1))
    sure = np.clip(np.sqrt(contrast) / LEAST_CONTRAST - 1, 0, 1)
    return np.clip((share - LEAST_SHARE) / (1 - 2 * LEAST_SHARE), 0, 1), sure


def _carried(plane: Pixels, whole: Grid, around: Grid) -> Grid:
    """A plane's mean over the front alone, near it; elsewhere the plane itself (normalised convolution)."""
    mean = cv2.blur(plane.astype(np.float32) * whole, (REACH, REACH)) / np.maximum(around, np.float32(1e-3))
    return np.where(around > LEAST_AROUND, mean, plane).astype(np.float32)


def _parts(plane: Pixels, front: Grid, back: Pixels, matte: Pixels) -> tuple[Pixels, Pixels]:
    """A plane as the front's and the back's, by estimates of both.

    The back stays within the range of its surroundings, or an outline would be seen on it; the front makes up for that.
    """
    window = np.ones((5, 5), np.uint8)
    least, most = cv2.erode(back, window), cv2.dilate(back, window)
    above, beneath = np.empty_like(plane), np.empty_like(plane)
    # A few rows at a time: floats of the whole plane take eight times its memory.
    for start in range(0, len(plane), BAND):
        rows = slice(start, start + BAND)
        share = matte[rows].astype(np.float32) * np.float32(1 / 255)
        behind = _behind(plane[rows], front[rows], back[rows], share)
        behind = np.where(share > LEAST_MIXED, np.clip(behind, least[rows], most[rows]), behind)
        ahead = (plane[rows] - (1 - share) * behind) / np.maximum(share, LEAST_MIXED)
        above[rows] = _rounded(np.where(share > LEAST_MIXED, ahead, front[rows]))
        beneath[rows] = _rounded(behind)
        checkpoint()
    return above, beneath


def _behind(plane: Pixels, front: Grid, back: Pixels, share: Grid) -> Any:
    """The back's colour, with its part of the difference between the picture and the mixture of both estimates."""
    rest = 1 - share
    behind: Any = back.astype(np.float32)
    missing = plane - share * front - rest * behind
    return behind + rest * missing / (share * share + rest * rest)


def _rounded(plane: Grid) -> Grid:
    return np.rint(np.clip(plane, 0, 255))
