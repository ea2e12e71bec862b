"""Where the picture has something whose movement can be seen: an even sky may go anywhere, and nobody notices."""

from typing import Any

import cv2
import numpy as np

from stillmotion.engines.parallax.canvas import Canvas

WIDTH = 640
"""Pixels across the frame in which corners are looked for."""
MOST = 300
APART = 10
"""Pixels between two of them at least."""
WEAKEST = 0.01
"""Of the strongest."""
FEWEST = 12
"""With fewer, the picture is taken to be the same everywhere."""
LATTICE = 15
"""Points on each side of the lattice that then stand for it."""


def corners(canvas: Canvas) -> tuple[Any, Any]:
    """Points of the first frame, x and y in frame widths from its middle: its corners, or else a lattice."""
    frame = canvas.frame
    left, top = canvas.left * 2, canvas.top * 2
    luma = canvas.fine[top : top + 2 * frame.height : 2, left : left + 2 * frame.width : 2]
    size = (WIDTH, max(8, round(WIDTH * frame.height / frame.width)))
    found = cv2.goodFeaturesToTrack(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), MOST, WEAKEST, APART)
    if found is None or len(found) < FEWEST:
        return lattice(canvas)
    x, y = found[:, 0, 0] + 0.5, found[:, 0, 1] + 0.5
    return x[np.newaxis] / size[0] - 0.5, (y[np.newaxis] - size[1] / 2) / size[0]


def lattice(canvas: Canvas) -> tuple[Any, Any]:
    """Points spread evenly over the first frame, likewise."""
    across = np.linspace(-0.45, 0.45, LATTICE)
    x, y = np.meshgrid(across, across * (canvas.frame.height / canvas.frame.width))
    return x.astype(np.float32), y.astype(np.float32)
