"""Edges: the mixed pixels along the matte, taken apart into the front's and the back's colours.

A pixel of the picture at an outline shows some of both layers. Drawn as it is in either, it would leave a halo of the
other's colour, and mixed once more it would soften the first frame. Here each layer gets a colour of its own, so that
both together are the picture again.
"""

from typing import Any

import cv2
import numpy as np

from stillmotion.domain.rendering import checkpoint
from stillmotion.engines.parallax.canvas import Canvas, doubled
from stillmotion.engines.parallax.layers.background import Background
from stillmotion.vision.resize import Grid, Pixels, as_bytes

REACH = 7
"""Side of the window, in pixels of chroma, over which the front's colour is carried across its outline."""
WHOLE = 0.98
"""Matte, 0 to 1, from which a pixel is the front's alone."""


def taken_apart(canvas: Canvas, matte: Pixels, background: Background) -> tuple[Background, Background]:
    """Planes of the front and of the back which, mixed by `matte` (at chroma's density), are the canvas's.

    The difference between the picture and the mixture of estimated colours is shared among both, the least change of
    either that makes up for it.
    """
    half: Grid = matte.astype(np.float32) * np.float32(1 / 255)
    whole = (half >= WHOLE).astype(np.float32)
    around = cv2.blur(whole, (REACH, REACH))
    checkpoint()
    y = np.ascontiguousarray(canvas.fine[::2, ::2])
    back_y = np.ascontiguousarray(background.fine[::2, ::2])
    small = cv2.resize(y, half.shape[::-1], interpolation=cv2.INTER_AREA)
    large = cv2.resize(half, y.shape[::-1], interpolation=cv2.INTER_LINEAR)
    carried = cv2.resize(_carried(small, whole, around), y.shape[::-1], interpolation=cv2.INTER_LINEAR)
    checkpoint()
    front, back = _parts(y, carried, back_y, large)
    checkpoint()
    front_u, back_u = _parts(canvas.u, _carried(canvas.u, whole, around), background.u, half)
    front_v, back_v = _parts(canvas.v, _carried(canvas.v, whole, around), background.v, half)
    checkpoint()
    fine = doubled(front)
    checkpoint()
    return Background(fine, front_u, front_v), Background(doubled(back), back_u, back_v)


def _carried(plane: Pixels, whole: Grid, around: Grid) -> Grid:
    """A plane's mean over the front alone, near it; elsewhere the plane itself (normalised convolution)."""
    mean = cv2.blur(plane.astype(np.float32) * whole, (REACH, REACH)) / np.maximum(around, np.float32(1e-3))
    return np.where(around > 0.02, mean, plane).astype(np.float32)


def _parts(plane: Pixels, front: Grid, back: Pixels, share: Grid) -> tuple[Pixels, Pixels]:
    """A plane as the front's and the back's, by estimates of both."""
    rest = 1 - share
    beneath: Any = back.astype(np.float32)
    missing = (plane - share * front - rest * beneath) / (share * share + rest * rest)
    return as_bytes(_rounded(front + missing * share)), as_bytes(_rounded(beneath + missing * rest))


def _rounded(plane: Grid) -> Grid:
    return np.rint(np.clip(plane, 0, 255))
