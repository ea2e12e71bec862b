"""Background: the canvas with near parts painted away, as far as they can move."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from stillmotion.domain.rendering import checkpoint
from stillmotion.engines.parallax.canvas import Canvas, doubled
from stillmotion.vision.resize import Pixels, blurred

PAINTED_SIDE = 640
"""Longest side at which is painted, in pixels."""
COVERED = 8
"""Matte (of 255) above which a pixel shows something of the front."""
RADIUS = 3
SIGMAS = (2.0, 4.0, 8.0, 16.0)
"""Steps of a blur that grows with the distance, in pixels."""


@dataclass(frozen=True, slots=True)
class Background:
    """Background like a canvas's: `fine` is luma at twice the density, `u` and `v` chroma at half."""

    fine: Pixels
    u: Pixels
    v: Pixels


def painted(canvas: Canvas, matte: Pixels, reach: float) -> Background:
    """The canvas with everything near a step's far side painted that the front covers.

    `reach` is the farthest that the front moves against the back, in pixels.
    """
    scale = min(1.0, PAINTED_SIDE / max(canvas.width, canvas.height))
    size = (max(2, round(canvas.width * scale)), max(2, round(canvas.height * scale)))
    covered = (cv2.resize(matte, size, interpolation=cv2.INTER_AREA) > COVERED).astype(np.uint8)
    seen = cv2.distanceTransform(covered, cv2.DIST_L2, 5)
    hidden = ((seen > 0) & (seen <= 2 * reach * scale + 4)).astype(np.uint8)
    checkpoint()
    return filled(canvas, hidden)


def filled(canvas: Canvas, hidden: Pixels, blur: float = 0.0) -> Background:
    """The canvas with what is `hidden` (1, elsewhere 0, on any grid over it) painted from around it.

    With `blur` what is painted is the softer the farther in: sigma is this fraction of the distance.
    """
    y, u, v = canvas.fine[::2, ::2], canvas.u, canvas.v
    if not hidden.any() or hidden.all():
        return Background(canvas.fine, u, v)
    small = cv2.merge([cv2.resize(plane, hidden.shape[::-1], interpolation=cv2.INTER_AREA) for plane in (y, u, v)])
    checkpoint()
    small = _inpainted(small, hidden)
    checkpoint()
    parts = cv2.split(_softened(small, hidden, blur) if blur else small)
    checkpoint()
    laid = [_laid(plane, part, hidden) for plane, part in zip((y, u, v), parts, strict=True)]
    return Background(doubled(laid[0]), laid[1], laid[2])


def _inpainted(small: Pixels, hidden: Pixels) -> Any:
    """Mean of the picture painted and of its negative painted.

    OpenCV rounds up with every pixel inward, which by itself adds up to another colour.
    """
    checkpoint()
    positive = cv2.inpaint(small, hidden, RADIUS, cv2.INPAINT_TELEA)
    checkpoint()
    negative = cv2.inpaint(cv2.bitwise_not(small), hidden, RADIUS, cv2.INPAINT_TELEA)
    return cv2.addWeighted(positive, 0.5, cv2.bitwise_not(negative), 0.5, 0)


def _laid(plane: Pixels, small: Pixels, hidden: Pixels) -> Pixels:
    """The plane with its hidden part from the painted one."""
    size = plane.shape[1::-1]
    share = cv2.resize(hidden.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    large = cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)
    return cv2.blendLinear(large, np.ascontiguousarray(plane), share, 1 - share)


def _softened(small: Pixels, hidden: Pixels, blur: float) -> Pixels:
    """A painted picture, blurred in steps that double, each from the distance on at which it is due."""
    away = cv2.distanceTransform(hidden, cv2.DIST_L2, 5)
    soft = small
    for sigma in SIGMAS:
        share = np.clip(away * np.float32(blur / sigma) - 0.5, 0, 1)
        soft = cv2.blendLinear(blurred(small, sigma), soft, share, 1 - share)
    return soft
