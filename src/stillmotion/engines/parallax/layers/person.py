"""A person's layer: the front is the person from a mask, the back the wall with the person painted away."""

from typing import Any

import cv2
import numpy as np

from stillmotion.domain.rendering import checkpoint
from stillmotion.engines.parallax.camera.projection import CELL, NearnessMap
from stillmotion.engines.parallax.canvas import Canvas
from stillmotion.engines.parallax.layers.background import COVERED, PAINTED_SIDE, filled
from stillmotion.engines.parallax.layers.sheets import Layers
from stillmotion.vision.resize import Grid, Pixels

RING = 5 / 1280
"""Width of the ring around a person that is painted with it, of the longer side: mixed pixels, and halos."""
STRAY = 20 / 1280
"""Width of the ring in which stray hair and ears are looked for."""
OWN_SPREAD = 5.0
"""Least spread of a wall's colours, in steps of 8 bits."""
LEAST_WALL = 0.05
"""Least part of the surroundings that has to be wall."""
STANDING_OUT = 4.0
"""Distance from the wall's colours, in their spreads, from which a pixel is none of it."""
INSIDE = 250
"""Share (of 255) from which a pixel is the person's alone."""
BLUR = 0.22
"""Sigma of what is painted behind a person, as a fraction of its distance from what is seen: a wall out of focus."""
LEAST_APART = 0.05
"""Distance between the layers, in cells, below which they show the same."""


def from_mask(front: NearnessMap, back: NearnessMap, alpha: Pixels, moved: Grid) -> Layers:
    """Layers of a person before a wall.

    `alpha` is the person's share of each canvas pixel. `moved` is, on the surfaces' cells, how far the front may move
    against the back, in canvas pixels; where it does not, the front alone is drawn.
    """
    canvas = front.canvas
    size = (canvas.width, canvas.height)
    zone = (moved > LEAST_APART * CELL).astype(np.uint8)
    zone = cv2.GaussianBlur(cv2.dilate(zone, np.ones((5, 5), np.uint8)).astype(np.float32), (0, 0), 1.2)
    rows, columns = zone.shape
    large = cv2.resize(zone, (columns * CELL, rows * CELL), interpolation=cv2.INTER_LINEAR)[: size[1], : size[0]]
    matte = cv2.subtract(255, cv2.multiply(255 - alpha, large, dtype=cv2.CV_8U))
    checkpoint()
    return Layers(front, back, matte, filled(canvas, _covered(canvas, alpha), BLUR), grown=True)


def _covered(canvas: Canvas, alpha: Pixels) -> Pixels:
    """Everything that the person covers: 1, elsewhere 0, at the size that is painted at.

    A narrow ring around is the person's too, and of a wider one what looks more like the person than like the wall, or
    like neither: the rim of a collar that the mask cuts off would be left standing as an arc.
    """
    scale = min(1.0, PAINTED_SIDE / max(canvas.width, canvas.height))
    size = (max(2, round(canvas.width * scale)), max(2, round(canvas.height * scale)))
    small = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    narrow, wide = (_grown(small, round(part * max(size))) for part in (RING, STRAY))
    planes = [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (canvas.fine, canvas.u, canvas.v)]
    colours = cv2.merge(planes).astype(np.float32)
    checkpoint()
    window = 2 * round(2 * STRAY * max(size)) + 1
    to_person, to_wall = (_unlike(colours, part, window) for part in (small > INSIDE, wide == 0))
    checkpoint()
    stray = wide & ((to_person < to_wall) | _stands_out(colours, wide == 0, window)).astype(np.uint8)
    # What does not hang together with the person is the wall's.
    whole = narrow | cv2.dilate(stray, np.ones((5, 5), np.uint8)) & wide
    return _joined(whole, narrow)


def _grown(alpha: Pixels, reach: int) -> Pixels:
    """Mask of the pixels within `reach` of a person."""
    side = 2 * max(1, reach) + 1
    return (cv2.dilate(alpha, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))) > COVERED).astype(np.uint8)


def _joined(whole: Pixels, narrow: Pixels) -> Pixels:
    """The parts of a mask that touch another one."""
    labels = cv2.connectedComponents(whole, connectivity=4)[1]
    held = np.zeros(int(labels.max()) + 1, np.uint8)
    held[labels[narrow > 0]] = 1
    return np.asarray(held[labels], np.uint8)


def _stands_out(colours: Any, wall: Any, window: int) -> Any:
    """True where a colour is clearly none of the wall's around it."""
    known = wall.astype(np.float32)
    weight = cv2.blur(known, (window, window))
    mean, square = (
        cv2.blur(each * known[..., np.newaxis], (window, window)) / np.maximum(weight, 1e-3)[..., np.newaxis]
        for each in (colours, colours * colours)
    )
    spread = np.maximum(square - mean * mean, 0) + OWN_SPREAD**2
    away = ((colours - mean) ** 2 / spread).sum(axis=2)
    return (weight > LEAST_WALL) & (away > STANDING_OUT**2)


def _unlike(colours: Any, part: Any, window: int) -> Any:
    """Distance of each pixel's colour from the mean of a part of the picture around it; large where there is none."""
    weight = cv2.blur(part.astype(np.float32), (window, window))
    mean = cv2.blur(colours * part[..., np.newaxis], (window, window)) / np.maximum(weight, 1e-3)[..., np.newaxis]
    return np.where(weight > 1e-3, np.linalg.norm(colours - mean, axis=2), np.float32(1e3))
