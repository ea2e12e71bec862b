"""Saliency as difference from the picture's border.

The backgroundness cue of "Minimum Barrier Salient Object Detection at 80 FPS" (Zhang et al., ICCV 2015): each cell is
compared with the four sides of the border one by one, and the least like it is left out, since a subject may touch it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from stillmotion.vision.resize import Grid

BORDER = 12
"""The depth of the border is the shorter side divided by this."""

Distance = Callable[[Grid, Grid], Any]
"""From cells (height × width × 3) and a side's samples (n × 3) to each cell's distance in colour (height × width)."""


def border_distance(colours: Grid, distance: Distance, nearest: int) -> Any:
    """Each cell's distance in colour from the border, the mean over the `nearest` sides of four (height × width)."""
    depth = max(1, min(colours.shape[:2]) // BORDER)
    sides = (colours[:depth], colours[-depth:], colours[:, :depth], colours[:, -depth:])
    distances = [distance(colours, side.reshape(-1, colours.shape[2])) for side in sides]
    return np.sort(np.stack(distances), axis=0)[:nearest].mean(axis=0)
