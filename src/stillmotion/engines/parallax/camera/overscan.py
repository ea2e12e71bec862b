"""The magnification that keeps every sample inside the picture, as little and as smooth as can be."""

from typing import Any

import numpy as np

from stillmotion.engines.parallax.camera.path import Samples
from stillmotion.engines.parallax.camera.projection import NearnessMap, Views, solve

LARGEST = 2.5
"""No move of the table at any strength needs more."""
HALVINGS = 22
POINTS_PER_SIDE = 96
SAFETY = 1.01
"""On the part over 1: covers the edge between the points that are tried."""
BARELY = 5e-4
"""Below this part of a motion the overscan found is mostly rounding: what holds later, in proportion, holds there."""


def contained(views: Views, engaged: Samples, surface: NearnessMap) -> Views:
    """The views with just enough overscan: 1 at the start, growing as `engaged` does and never faster."""
    needed = needed_overscan(views, surface) - 1
    moving = engaged > BARELY
    if not moving.any() or needed.max() <= 0:
        return views.with_overscan(1 + np.maximum(needed, 0))
    ratio = float(np.max(needed[moving] / engaged[moving]))
    return views.with_overscan(1 + max(ratio, 0.0) * engaged)


def needed_overscan(views: Views, surface: NearnessMap) -> Samples:
    """For each frame the least magnification (1 or more) at which its outline lies inside the canvas."""
    x, y = _outline(surface)
    columns = views.at((slice(None), np.newaxis))
    least, most = np.ones(len(views.x)), np.full(len(views.x), LARGEST)
    fits = _inside(columns, least, x, y, surface)
    if fits.all():
        return least
    for _ in range(HALVINGS):
        middle = (least + most) / 2
        inside = _inside(columns, middle, x, y, surface)
        most = np.where(inside, middle, most)
        least = np.where(inside, least, middle)
    return np.where(fits, 1.0, 1 + (most - 1) * SAFETY)


def _outline(surface: NearnessMap) -> tuple[Any, Any]:
    """Points along the frame's edge (the outermost pixels' middles), as two rows."""
    frame = surface.canvas.frame
    half_x, half_y = (frame.width - 1) / 2 / frame.width, (frame.height - 1) / 2 / frame.width
    along = np.linspace(-1, 1, POINTS_PER_SIDE)
    x = np.concatenate([along * half_x, along * half_x, np.full(along.size, -half_x), np.full(along.size, half_x)])
    y = np.concatenate([np.full(along.size, -half_y), np.full(along.size, half_y), along * half_y, along * half_y])
    return x[np.newaxis], y[np.newaxis]


def _inside(columns: Views, overscan: Samples, x: Any, y: Any, surface: NearnessMap) -> Any:
    view = columns.with_overscan(overscan[:, np.newaxis])
    column, row = surface.pixel(*solve(x, y, view, surface))
    canvas = surface.canvas
    slack = 1e-4
    across = (column >= -slack) & (column <= canvas.width - 1 + slack)
    down = (row >= -slack) & (row <= canvas.height - 1 + slack)
    return (across & down).all(axis=1)
