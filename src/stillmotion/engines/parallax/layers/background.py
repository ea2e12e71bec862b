"""Background: the canvas with near parts painted away, as far as they can move."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from stillmotion.domain.rendering import checkpoint
from stillmotion.engines.parallax.canvas import Canvas, doubled
from stillmotion.vision.resize import Grid, Pixels, blurred

PAINTED_SIDE = 640
"""Longest side at which is painted, in pixels."""
COVERED = 8
"""Matte (of 255) above which a pixel shows something of the front."""
STANDING_OFF = 2.0
"""Distance of the mirror from the hidden part's edge, in pixels at which is painted."""
MOST_MIRRORED = 0.7
"""Largest share of the reflection: what is wrong in it is seen less."""
AROUND = 6.0
"""Sigma of the surroundings whose texture counts, likewise."""
STRIPED = 3.0
"""Slope of luma per pixel from which a direction is a stripe."""
WRITTEN = 14.0
"""Slope of luma per pixel from which texture is lettering or a lattice."""
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
    flowed = _inpainted(small, hidden)
    checkpoint()
    if blur:
        small = _softened(flowed, hidden, blur)
    else:
        mirrored, share = _mirrored(small, hidden)
        small = cv2.blendLinear(mirrored, flowed, share, 1 - share)
    parts = cv2.split(small)
    checkpoint()
    laid = [_laid(plane, part, hidden) for plane, part in zip((y, u, v), parts, strict=True)]
    return Background(doubled(laid[0]), laid[1], laid[2])


def _inpainted(small: Pixels, hidden: Pixels) -> Any:
    """Mean of the picture painted and of its negative painted.

    OpenCV rounds up with every pixel inward, which by itself adds up to another colour.
    """
    checkpoint()
    with ThreadPoolExecutor(2) as pool:
        both = pool.map(
            lambda each: cv2.inpaint(each, hidden, RADIUS, cv2.INPAINT_TELEA), (small, cv2.bitwise_not(small))
        )
        positive, negative = both
    return cv2.addWeighted(positive, 0.5, cv2.bitwise_not(negative), 0.5, 0)


def _mirrored(small: Pixels, hidden: Pixels) -> tuple[Pixels, Grid]:
    """Hidden parts as a reflection of their surroundings, and the share in which that is to be used.

    A reflection keeps grain, and is used where what is reflected is not hidden itself, and neither striped nor written.
    """
    if hidden.all():
        return small, np.zeros(hidden.shape, np.float32)
    away, edge = _nearest_seen(hidden)
    height, width = hidden.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    # The blur of an outline reaches beyond it, so the mirror stands off.
    onward = 1 + np.float32(STANDING_OFF) / np.maximum(away, 1)
    there = edge + (edge - np.dstack([x, y])) * onward[..., np.newaxis]
    checkpoint()
    mirrored = cv2.remap(small, there, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    free = cv2.remap(1 - hidden, there, None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT)
    plain = cv2.remap(_plain(small[..., 0], hidden), edge, None, cv2.INTER_NEAREST)
    return mirrored, cv2.blur(free * plain, (5, 5)) * (hidden * np.float32(MOST_MIRRORED))


def _nearest_seen(hidden: Pixels) -> tuple[Grid, Grid]:
    """Distance of each pixel from the nearest one that is not hidden, and the place (column, row) of that one."""
    away, labels = cv2.distanceTransformWithLabels(hidden, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    rows, columns = np.nonzero(hidden == 0)
    places = np.zeros((int(labels.max()) + 1, 2), np.float32)
    places[labels[rows, columns]] = np.stack([columns, rows], axis=1)
    return np.asarray(away, np.float32), places[labels]


def _plain(luma: Pixels, hidden: Pixels) -> Grid:
    """1 where texture has no direction and little contrast, 0 where it has: by the structure tensor."""
    smooth = cv2.GaussianBlur(luma, (0, 0), 1).astype(np.float32)
    shown = cv2.erode(1 - hidden, np.ones((5, 5), np.uint8)).astype(np.float32)
    across, down = (cv2.Sobel(smooth, -1, *axis) / 8 * shown for axis in ((1, 0), (0, 1)))
    around = np.maximum(cv2.GaussianBlur(shown, (0, 0), AROUND), np.float32(1e-2))
    first, second, mixed = (
        cv2.GaussianBlur(each, (0, 0), AROUND) / around for each in (across * across, down * down, across * down)
    )
    energy = first + second
    coherence = np.sqrt((first - second) ** 2 + 4 * mixed * mixed) / (energy + 1)
    striped = np.clip((coherence - 0.45) / 0.2, 0, 1) * np.clip(energy / STRIPED**2 - 1, 0, 1)
    written = np.clip(np.sqrt(energy) / WRITTEN - 1, 0, 1)
    return np.asarray((1 - striped) * (1 - written), np.float32)


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
