"""A person's layer: the front is the person from a mask, the back the wall with the person painted away."""

import cv2
import numpy as np

from stillmotion.domain.rendering import checkpoint
from stillmotion.engines.parallax.camera.projection import CELL, NearnessMap
from stillmotion.engines.parallax.canvas import Canvas
from stillmotion.engines.parallax.layers.background import COVERED, PAINTED_SIDE, filled
from stillmotion.engines.parallax.layers.sheets import Layers
from stillmotion.vision.resize import Grid, Pixels

STRAY = 16 / 1280
"""Width of the ring around a person that is painted too, since it holds stray hair and ears, of the longer side."""
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
    """Everything that the person covers, with stray hair around: 1, elsewhere 0, at the size that is painted at.

    Nothing of the person is left, from which the wall could be painted.
    """
    scale = min(1.0, PAINTED_SIDE / max(canvas.width, canvas.height))
    size = (max(2, round(canvas.width * scale)), max(2, round(canvas.height * scale)))
    stray = 2 * round(STRAY * max(size)) + 1
    small = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    grown = cv2.dilate(small, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (stray, stray)))
    return (grown > COVERED).astype(np.uint8)
