"""Limits of a camera move: the crop, the overscan that keeps the frame filled, and heads."""

from typing import Any

import cv2
import numpy as np

from stillmotion.domain.rendering import checkpoint
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.analysis.scene import Scene
from stillmotion.engines.parallax.camera.path import Samples
from stillmotion.engines.parallax.camera.projection import NearnessMap, Views, solve
from stillmotion.engines.parallax.canvas import Canvas
from stillmotion.vision.faces import Box

CUT_COST = 0.9
"""Cost of cutting through something at the top or a side, relative to holding it."""

FOOT_COST = 0.3
"""The same at the lower edge: the foot of a tower is missed less than its tip."""

CENTRED = 0.8
"""Cost of having the focus at the crop's edge."""

FOCUS_REACH = 0.2
"""Standard reach across the cropped axis within which things count."""

AROUND = 0.06
"""Sigma of the surroundings, in picture widths."""

CLEARLY_APART = 40.0
"""Distance in Lab (8 bits) that counts as clearly different."""

HEADROOM = 0.55
"""Height of a head above its face, in face heights."""

MOST_FACES = 8
"""Faces, the largest first, that are looked after."""

ROOMY = 0.92
"""Part of a crop's sides in which heads are kept, so that the camera may move."""

PASSER_BY = 0.15
"""Area of a face, relative to the largest, below which it belongs to the background."""

POINTS = 25


def crop_centre(scene: Scene, picture: tuple[int, int], size: FrameSize) -> tuple[float, float]:
    """Centre of a crop to the shape of `size`, x and y as fractions of the picture: all heads in it, if they fit."""
    scale = max(size.width / picture[0], size.height / picture[1])
    shares = min(1.0, size.width / scale / picture[0]), min(1.0, size.height / scale / picture[1])
    if scene.faces:
        return around([head(face) for face in company(scene.faces)], ROOMY * shares[0], ROOMY * shares[1]).centre
    x = scene.focus[0] if shares[0] > 0.999 else _best(scene, shares[0], scene.focus[0], axis=1)
    y = scene.focus[1] if shares[1] > 0.999 else _best(scene, shares[1], scene.focus[1], axis=0)
    return x, y


def company(faces: tuple[Box, ...]) -> tuple[Box, ...]:
    """The faces that a picture is about, of all faces, the largest first: passers-by in the background are none."""
    return tuple(face for face in faces[:MOST_FACES] if face.area >= PASSER_BY * faces[0].area)


def around(boxes: list[Box], width: float, height: float) -> Box:
    """The box around as many of the boxes, the first of them above all, as one of this width and height holds."""
    held = boxes[0]
    for box in boxes[1:]:
        more = Box(
            min(held.left, box.left), min(held.top, box.top), max(held.right, box.right), max(held.bottom, box.bottom)
        )
        if more.right - more.left <= width and more.bottom - more.top <= height:
            held = more
    return held


def _best(scene: Scene, share: float, focus: float, axis: int) -> float:
    """Middle of the window along an axis that holds the most salient things and cuts the fewest."""
    weight = _near_focus(scene, axis) * (0.3 * scene.salience**2 + _standing_out(scene)) / 1.3
    # Peaks instead of sums: a tower counts as much as a wide hall.
    peak = weight.max(axis=1 - axis)
    cells = len(peak)
    length = max(1, min(cells, round(share * cells)))
    total = np.concatenate([[0.0], np.cumsum(peak)])
    starts = np.arange(cells - length + 1)
    held = (total[starts + length] - total[starts]) / max(float(total[-1]), 1e-6)
    first = np.where(starts > 0, peak[starts], 0.0)
    last = np.where(starts + length < cells, peak[starts + length - 1], 0.0)
    cut = CUT_COST * first + (FOOT_COST if axis == 0 else CUT_COST) * last
    # Distance of the crop's middle from the focus, 1 at the crop's edge.
    off = np.abs((starts + length / 2) / cells - focus) / max(share / 2, 1e-6)
    return float((starts + length / 2)[int(np.argmax(held - 0.5 * cut - CENTRED * off**2))] / cells)


def _near_focus(scene: Scene, axis: int) -> Any:
    """Weight across the axis: 1 at the focus, falling off to the sides. Things at the side may be cut."""
    height, width = scene.shape
    cells, focus = (width, scene.focus[0]) if axis == 0 else (height, scene.focus[1])
    falling = np.exp(-((((np.arange(cells) + 0.5) / cells - focus) / FOCUS_REACH) ** 2))
    return falling[np.newaxis] if axis == 0 else falling[:, np.newaxis]


def _standing_out(scene: Scene) -> Any:
    """Contrast of each cell to its surroundings, 0 to 1."""
    around = cv2.GaussianBlur(scene.colours, (0, 0), AROUND * scene.shape[1])
    apart = np.linalg.norm(scene.colours - around, axis=2)
    return np.clip(cv2.GaussianBlur(apart.astype(np.float32), (0, 0), 1) / CLEARLY_APART, 0, 1)


def head(face: Box) -> Box:
    """The box of a face's head."""
    return Box(face.left, face.top - HEADROOM * (face.bottom - face.top), face.right, face.bottom)


def loses(head_on_canvas: Box, surface: NearnessMap, views: Views) -> bool:
    """True if a head (in canvas pixels) that is whole in the first or last frame is cut in between."""
    moments = np.linspace(0, len(views.x) - 1, 6).round().astype(int)
    cuts = [_cut(head_on_canvas, *_edges_on_canvas(surface, views.at(index))) for index in moments]
    return not (cuts[0] and cuts[-1]) and any(cuts)


def _edges_on_canvas(surface: NearnessMap, view: Views) -> tuple[Any, Any]:
    """Canvas pixels on the frame's four edges (left, top, right, bottom): 4 × points."""
    canvas: Canvas = surface.canvas
    half_x, half_y = 0.5, canvas.frame.height / canvas.frame.width / 2
    along = np.linspace(-1, 1, POINTS)
    x = np.stack([np.full(POINTS, -half_x), along * half_x, np.full(POINTS, half_x), along * half_x])
    y = np.stack([along * half_y, np.full(POINTS, -half_y), along * half_y, np.full(POINTS, half_y)])
    column, row = surface.pixel(*solve(x, y, view, surface))
    return column, row


def _cut(box: Box, columns: Any, rows: Any) -> bool:
    """True if any point of the frame's outline lies inside the box."""
    inside = (columns > box.left) & (columns < box.right) & (rows > box.top) & (rows < box.bottom)
    return bool(inside.any())


LARGEST = 2.5
"""Largest overscan: no move at any strength needs more."""

HALVINGS = 22

RATIO_HALVINGS = 15

MOMENTS = 9
"""Frames over which the overscan is sought at first."""

ROUNDS = 8
"""Times that it is sought again over frames that it does not serve."""

POINTS_PER_SIDE = 96

SAFETY = 1.02
"""Factor on the part above 1: covers the edge between the sampled points."""

BARELY = 5e-4
"""Fraction of a motion below which the overscan found is mostly rounding error."""


def contained(views: Views, engaged: Samples, *surfaces: NearnessMap) -> Views:
    """The views with the least overscan that keeps the frame filled with each of the surfaces.

    It is 1 at the start and proportional to `engaged`, so that it changes smoothly.
    """
    if not (engaged > BARELY).any():
        return views.with_overscan(np.max([needed_overscan(views, surface) for surface in surfaces], axis=0))
    ratio, every = 0.0, np.flatnonzero(engaged > BARELY)
    frames = every[np.unique(np.linspace(0, len(every) - 1, MOMENTS).round().astype(int))]
    # The ratio is sought over a few frames, and again over those of all frames that it does not serve.
    for _ in range(ROUNDS):
        outside = frames[~_all_inside(views, engaged, ratio, frames, surfaces)]
        if len(outside):
            few = outside[np.unique(np.linspace(0, len(outside) - 1, MOMENTS).round().astype(int))]
            ratio = _least_ratio(views, engaged, ratio, few, surfaces)
        elif frames is every:
            break
        frames = every
        checkpoint()
    return views.with_overscan(1 + SAFETY * ratio * engaged)


def _least_ratio(views: Views, engaged: Samples, least: float, frames: Any, surfaces: tuple[NearnessMap, ...]) -> float:
    """The least ratio of overscan to `engaged`, above `least`, that fills some frames, by bisection."""
    most = max((LARGEST - 1) / float(engaged.max()), least)
    for _ in range(RATIO_HALVINGS):
        middle = (least + most) / 2
        if _all_inside(views, engaged, middle, frames, surfaces).all():
            most = middle
        else:
            least = middle
        checkpoint()
    return most


def _all_inside(views: Views, engaged: Samples, ratio: float, frames: Any, surfaces: tuple[NearnessMap, ...]) -> Any:
    """For each of some frames, True if each surface fills it at this ratio."""
    columns, overscan = views.at((frames, np.newaxis)), 1 + ratio * engaged[frames]
    return np.all([_inside(columns, overscan, *_edge_points(surface), surface) for surface in surfaces], axis=0)


def needed_overscan(views: Views, surface: NearnessMap) -> Samples:
    """For each frame the least magnification (1 or more) at which its outline lies inside the canvas, by bisection."""
    x, y = _edge_points(surface)
    columns = views.at((slice(None), np.newaxis))
    least, most = np.ones(len(views.x)), np.full(len(views.x), LARGEST)
    fits = _inside(columns, least, x, y, surface)
    if fits.all():
        return least
    # All frames are bisected at once.
    for _ in range(HALVINGS):
        middle = (least + most) / 2
        inside = _inside(columns, middle, x, y, surface)
        most = np.where(inside, middle, most)
        least = np.where(inside, least, middle)
    return np.where(fits, 1.0, 1 + (most - 1) * SAFETY)


def _edge_points(surface: NearnessMap) -> tuple[Any, Any]:
    """Points along the frame's outline (middles of the outermost pixels), as two rows."""
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
