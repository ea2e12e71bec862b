"""What stays in the picture: where a crop is laid, and how far a camera may go before it loses a face."""

from typing import Any

import cv2
import numpy as np

from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.analysis.scene import Box, Scene
from stillmotion.engines.parallax.camera.projection import NearnessMap, Views, solve
from stillmotion.engines.parallax.canvas import Canvas

CUT_COST = 0.9
"""What it costs to cut through something, against having it in: the top of things counts in full."""
FOOT_COST = 0.3
"""The same at the lower edge: nobody misses the foot of a tower as much as its tip."""
CENTRED = 0.8
"""What it costs to have the middle of what stands out at the crop's edge."""
FOCUS_REACH = 0.2
"""How far from the focus, across the axis that is cropped, things are looked at."""
AROUND = 0.06
"""How far surroundings reach, sigma in picture widths."""
CLEARLY_APART = 40.0
"""A step in Lab (8 bits) that nobody overlooks."""
HEADROOM = 0.45
"""How far a head rises above its face, in face heights."""
POINTS = 25


def crop_centre(scene: Scene, picture: tuple[int, int], size: FrameSize) -> tuple[float, float]:
    """Around what a crop to the shape of `size` is laid: x and y as fractions of the picture."""
    scale = max(size.width / picture[0], size.height / picture[1])
    shares = min(1.0, size.width / scale / picture[0]), min(1.0, size.height / scale / picture[1])
    if scene.faces:
        return scene.faces[0].centre
    x = scene.focus[0] if shares[0] > 0.999 else _best(scene, shares[0], scene.focus[0], axis=1)
    y = scene.focus[1] if shares[1] > 0.999 else _best(scene, shares[1], scene.focus[1], axis=0)
    return x, y


def _best(scene: Scene, share: float, focus: float, axis: int) -> float:
    """The middle of the part along an axis that holds most of what stands out and cuts least of it."""
    weight = _near_focus(scene, axis) * (0.3 * scene.salience**2 + _standing_out(scene)) / 1.3
    # The peak, not the sum: a tower counts as much as a wide hall.
    peak = weight.max(axis=1 - axis)
    cells = len(peak)
    length = max(1, min(cells, round(share * cells)))
    total = np.concatenate([[0.0], np.cumsum(peak)])
    starts = np.arange(cells - length + 1)
    held = (total[starts + length] - total[starts]) / max(float(total[-1]), 1e-6)
    first = np.where(starts > 0, peak[starts], 0.0)
    last = np.where(starts + length < cells, peak[starts + length - 1], 0.0)
    cut = CUT_COST * first + (FOOT_COST if axis == 0 else CUT_COST) * last
    off = np.abs((starts + length / 2) / cells - focus) / max(share / 2, 1e-6)
    return float((starts + length / 2)[int(np.argmax(held - 0.5 * cut - CENTRED * off**2))] / cells)


def _near_focus(scene: Scene, axis: int) -> Any:
    """1 across the axis where the eye goes, falling off to the sides: what stands at the edge of things may be cut."""
    height, width = scene.shape
    cells, focus = (width, scene.focus[0]) if axis == 0 else (height, scene.focus[1])
    falling = np.exp(-((((np.arange(cells) + 0.5) / cells - focus) / FOCUS_REACH) ** 2))
    return falling[np.newaxis] if axis == 0 else falling[:, np.newaxis]


def _standing_out(scene: Scene) -> Any:
    """0 to 1: how unlike its surroundings a cell is."""
    around = cv2.GaussianBlur(scene.colours, (0, 0), AROUND * scene.shape[1])
    apart = np.linalg.norm(scene.colours - around, axis=2)
    return np.clip(cv2.GaussianBlur(apart.astype(np.float32), (0, 0), 1) / CLEARLY_APART, 0, 1)


def head(face: Box) -> Box:
    """The head that a face belongs to."""
    return Box(face.left, face.top - HEADROOM * (face.bottom - face.top), face.right, face.bottom)


def loses(head_on_canvas: Box, surface: NearnessMap, views: Views) -> bool:
    """Whether a head (in canvas pixels) that the first or last frame has whole is cut at any frame."""
    moments = np.linspace(0, len(views.x) - 1, 6).round().astype(int)
    cuts = [_cut(head_on_canvas, *_outline(surface, views.at(index))) for index in moments]
    return not (cuts[0] and cuts[-1]) and any(cuts)


def _outline(surface: NearnessMap, view: Views) -> tuple[Any, Any]:
    """Canvas pixels on the frame's four edges (left, top, right, bottom), 4 × points."""
    canvas: Canvas = surface.canvas
    half_x, half_y = 0.5, canvas.frame.height / canvas.frame.width / 2
    along = np.linspace(-1, 1, POINTS)
    x = np.stack([np.full(POINTS, -half_x), along * half_x, np.full(POINTS, half_x), along * half_x])
    y = np.stack([along * half_y, np.full(POINTS, -half_y), along * half_y, np.full(POINTS, half_y)])
    column, row = surface.pixel(*solve(x, y, view, surface))
    return column, row


def _cut(box: Box, columns: Any, rows: Any) -> bool:
    """Whether any part of the frame's outline lies inside the box."""
    inside = (columns > box.left) & (columns < box.right) & (rows > box.top) & (rows < box.bottom)
    return bool(inside.any())
