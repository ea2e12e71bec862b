"""Straight lines: depth corrected until a moving camera keeps them straight, and a measure of the bend that is left.

Inverse distance is affine along the picture of a straight line in space. Where depth has that property, the line stays
straight from every viewpoint, however strong the parallax.
"""

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from stillmotion.domain.rendering import checkpoint
from stillmotion.engines.parallax.camera.path import FAR
from stillmotion.engines.parallax.camera.projection import NearnessMap, Views
from stillmotion.vision.resize import Grid

MOST_BEND = 0.0055
"""Largest accepted 95th percentile of bend, as a fraction of a segment's length: nobody sees 1 %."""
MOMENTS = 7
"""Frames at which the bend is measured, the last among them."""
POINTS = 24
"""Points on each segment."""
REACHES = (12.0, 8.0, 6.0, 4.0, 2.5, 1.6)
"""Sigma of the correction around a line, in cells, round by round: what wide corrections leave, narrow ones take."""
FADING = 0.02
"""Weight of no correction, relative to a line's own at a distance of one cell; it wins far from every line."""
STANDING = (0.12, 0.25)
"""Tangents of the lean up to which a segment is upright, and from which it is not."""
TALL = (0.08, 0.16)
"""Heights below which nobody sees a segment lean, and from which it is kept upright, in frame widths."""
RELAXED = 1.8
"""Over-relaxation of each correction: below 2 it converges, and sooner than at 1."""
SENSITIVE = 0.12
"""Bend of a segment per unit of nearness from which it counts in full."""


@dataclass(frozen=True, slots=True)
class StraightLines:
    """Straight segments under a camera's motion.

    `x` and `y` are points along them in frame widths, segments × points. Of each segment `weight` is 0 to 1, 0 where
    the camera moves along it, which bends nothing; `upright` is 1 if it stands upright, 0 if it may recede.
    """

    x: Any
    y: Any
    weight: Any
    upright: Any

    @classmethod
    def of(cls, segments: Grid, views: Views) -> "StraightLines":
        """The lines for segments (x0, y0, x1, y1), n × 4, in frame widths."""
        along = np.linspace(0, 1, POINTS, dtype=np.float32)
        x = segments[:, :1] + (segments[:, 2:3] - segments[:, :1]) * along
        y = segments[:, 1:2] + (segments[:, 3:] - segments[:, 1:2]) * along
        weight = np.clip((1 - FAR) * _slid_across(x, y, views) / SENSITIVE, 0, 1)
        return cls(x, y, weight, _upright(x, y))

    def without_uprights(self) -> "StraightLines":
        """The same lines, all of which may recede."""
        return replace(self, upright=np.zeros_like(self.upright))

    def bend(self, views: Views, surface: NearnessMap) -> float:
        """95th percentile, weighted by length, of each segment's largest deviation, as a fraction of its length.

        Turns and zooms keep lines straight, so that only parallax counts.
        """
        if not len(self.x):
            return 0.0
        inverse = surface.at(self.x, self.y)
        strays = []
        for frame in np.linspace(0, len(views.x) - 1, MOMENTS).round().astype(int)[1:]:
            depth = 1 - inverse * views.z[frame]
            x, y = self.x - inverse * views.x[frame], self.y - inverse * views.y[frame]
            strays.append(_stray(x / depth, y / depth))
        length = np.hypot(self.x[:, -1] - self.x[:, 0], self.y[:, -1] - self.y[:, 0])
        return _percentile(np.max(strays, axis=0), length, 0.95)

    def straightened(self, near: Grid, column: Any, row: Any) -> Grid:
        """Nearness made affine along each line, and constant along upright ones, by a smooth correction around it.

        `column` and `row` are the lines' points on its grid, in cells. Each round spreads what the lines miss by
        normalised convolution (Knutsson and Westin 1993).
        """
        if not self.weight.any():
            return near
        height, width = near.shape
        column, row = (np.clip(at, 0, side - 1).astype(np.float32) for at, side in ((column, width), (row, height)))
        cells = np.rint(row).astype(np.intp) * width + np.rint(column).astype(np.intp)
        spacing = np.hypot(column[:, -1:] - column[:, :1], row[:, -1:] - row[:, :1]) / (POINTS - 1)
        weight = np.broadcast_to(self.weight[:, np.newaxis] * spacing, column.shape)

        def summed(values: Any) -> Grid:
            total = np.bincount(cells.ravel(), values.ravel(), height * width)
            return total.reshape(height, width).astype(np.float32)

        density = summed(weight)
        for reach in REACHES:
            missed = _missed(cv2.remap(near, column, row, cv2.INTER_LINEAR), self.upright)
            around = cv2.GaussianBlur(density, (0, 0), reach) + np.float32(FADING / reach)
            near = near - np.float32(RELAXED) * cv2.GaussianBlur(summed(weight * missed), (0, 0), reach) / around
            checkpoint()
        return near


def _slid_across(x: Any, y: Any, views: Views) -> Any:
    """Each segment's largest slide across itself at the nearest surface, relative to its length."""
    run, rise = x[:, -1:] - x[:, :1], y[:, -1:] - y[:, :1]
    length = np.hypot(run, rise) + 1e-9
    slides = [
        np.abs((views.x[frame] - x * views.z[frame]) * rise - (views.y[frame] - y * views.z[frame]) * run) / length
        for frame in np.linspace(0, len(views.x) - 1, MOMENTS).round().astype(int)[1:]
    ]
    return np.max(slides, axis=(0, 2)) / length[:, 0] if len(x) else np.zeros(0)


def _upright(x: Any, y: Any) -> Any:
    """1 for long and nearly vertical segments that reach above the frame's middle, where no ground lies; else 0."""
    high = np.abs(y[:, -1] - y[:, 0])
    leaning = np.abs(x[:, -1] - x[:, 0]) / (high + 1e-9)
    vertical = np.clip((STANDING[1] - leaning) / (STANDING[1] - STANDING[0]), 0, 1)
    tall = np.clip((high - TALL[0]) / (TALL[1] - TALL[0]), 0, 1)
    return np.asarray(np.where(np.minimum(y[:, 0], y[:, -1]) < 0, vertical * tall, 0))


def _missed(values: Any, upright: Any) -> Any:
    """The rows less the least-squares line through each; less their mean alone if they stand upright."""
    along = np.linspace(-1, 1, values.shape[1], dtype=np.float32)
    along /= np.sqrt((along**2).sum())
    slope = (values * along).sum(axis=1) * (1 - upright)
    return values - values.mean(axis=1, keepdims=True) - slope[:, np.newaxis] * along


def _percentile(values: Any, weights: Any, share: float) -> float:
    """Weighted percentile: a long line counts for more than a short one."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) >= share * float(weights.sum())
    return float(values[order][int(np.argmax(reached))])


def _stray(x: Any, y: Any) -> Any:
    """Largest distance of a row of points from its chord, as a fraction of the chord."""
    chord_x, chord_y = x[:, -1:] - x[:, :1], y[:, -1:] - y[:, :1]
    length = np.hypot(chord_x, chord_y) + 1e-9
    off = np.abs(chord_x * (y - y[:, :1]) - chord_y * (x - x[:, :1])) / length
    return (off / length).max(axis=1)
