"""The line guard: straight things in the picture must stay straight, or the parallax is turned down."""

from typing import Any

import numpy as np

from stillmotion.engines.parallax.analysis.scene import Grid
from stillmotion.engines.parallax.camera.projection import NearnessMap, Views

MOST_BEND = 0.0045
"""The 95th percentile of bend that is let pass, as a fraction of a segment's length: nobody sees 1 %."""
POINTS = 13
MOMENTS = 7
"""Frames of the clip at which the bend is looked at, the last among them."""


def bend(segments: Grid, views: Views, surface: NearnessMap) -> float:
    """The 95th percentile, over segments by length, of how far a segment strays from straight at its worst moment.

    `segments` are in frame widths (x0, y0, x1, y1); the answer is a fraction of their length. Turning and
    zooming keep lines straight, so only the parallax is looked at.
    """
    if not len(segments):
        return 0.0
    along = np.linspace(0, 1, POINTS, dtype=np.float32)
    x = segments[:, :1] + (segments[:, 2:3] - segments[:, :1]) * along
    y = segments[:, 1:2] + (segments[:, 3:] - segments[:, 1:2]) * along
    inverse = surface.at(x, y)
    strays = []
    for frame in np.linspace(0, len(views.x) - 1, MOMENTS).round().astype(int)[1:]:
        depth = 1 - inverse * views.z[frame]
        strays.append(_stray((x - inverse * views.x[frame]) / depth, (y - inverse * views.y[frame]) / depth))
    length = np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1])
    return _percentile(np.max(strays, axis=0), length, 0.95)


def _percentile(values: Any, weights: Any, share: float) -> float:
    """The value that so much of the weight does not exceed: a long line counts for more than a short one."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) >= share * float(weights.sum())
    return float(values[order][int(np.argmax(reached))])


def _stray(x: Any, y: Any) -> Any:
    """How far a row of points lies from its chord, per length of chord."""
    chord_x, chord_y = x[:, -1:] - x[:, :1], y[:, -1:] - y[:, :1]
    length = np.hypot(chord_x, chord_y) + 1e-9
    off = np.abs(chord_x * (y - y[:, :1]) - chord_y * (x - x[:, :1])) / length
    return (off / length).max(axis=1)
