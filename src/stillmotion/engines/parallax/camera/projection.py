"""Projection: the point of the picture that a pixel of the frame shows, after the camera has moved.

Coordinates are in frame widths from the middle of the first frame, x right and y down. A surface point s of inverse
distance q is seen from an offset t at v = (s − q·t) / (1 − q·t_z). This is solved for s by fixed-point iteration, q
being read at s itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from stillmotion.engines.parallax.camera.path import FAR, CameraPath, Samples
from stillmotion.engines.parallax.canvas import Canvas
from stillmotion.vision.resize import Grid

ROUNDS = 3
"""Fixed-point rounds. Slopes of displacement stay below 0.35, so that three leave less than 5 % of the parallax."""

ORBIT_CLOSER, ORBIT_ROUND = 0.06, 0.06
"""Scale and radius of an orbit's way towards its pivot, in frame widths."""

CELL = 4
"""Side of a map's cell, in pixels of the frame."""


@dataclass(frozen=True, slots=True)
class Views:
    """The camera at every frame: one array per quantity.

    `x`, `y`, `z` are its offset, `pan`, `tilt`, `roll` its rotation. `zoom` is the magnification asked for, `overscan`
    the further one that keeps the frame inside the picture. `aim` is the fixed point of pushes and zooms, `steady` that
    of the overscan.
    """

    x: Samples
    y: Samples
    z: Samples
    pan: Samples
    tilt: Samples
    roll: Samples
    zoom: Samples
    overscan: Samples
    aim: tuple[float, float]
    steady: tuple[float, float]

    def at(self, index: Any) -> "Views":
        """One frame (an int), or all as columns (`np.newaxis` indexing), for broadcasting."""
        return replace(self, **{name: getattr(self, name)[index] for name in _PER_FRAME})

    def with_overscan(self, overscan: Any) -> "Views":
        """The same camera with another overscan."""
        return replace(self, overscan=overscan)


_PER_FRAME = ("x", "y", "z", "pan", "tilt", "roll", "zoom", "overscan")


def resolve(
    path: CameraPath, pivot: float, place: tuple[float, float], aim: tuple[float, float], inwards: float = 1.0
) -> Views:
    """The path's moves combined into offsets and rotations.

    `pivot` is the inverse distance of the subject and `place` its point of the picture: an orbit keeps it there. `aim`
    is the fixed point of pushes and zooms. `inwards` is a factor on the way that an orbit comes closer.
    """
    orbit, rise, vertigo = path.column("orbit"), path.column("rise"), path.column("vertigo")
    closer = inwards * _closer(orbit, pivot)
    # A dolly zoom moves back while the lens closes in.
    forward = path.column("forward") - vertigo
    # An orbit turns back to its pivot, and so does a rise.
    pan = _turn(place[0], orbit, closer, pivot)
    tilt = _turn(place[1], -rise, closer, pivot)
    return Views(
        x=path.column("right") + orbit + forward * aim[0],
        y=-path.column("up") - rise + forward * aim[1],
        z=forward + closer,
        pan=path.column("pan") + pan,
        tilt=path.column("tilt") - tilt,
        roll=path.column("roll"),
        zoom=np.exp(path.column("zoom")) * (1 + vertigo * pivot),
        overscan=np.ones(len(path.poses)),
        aim=aim,
        steady=_steady(path, place, aim),
    )


def _closer(orbit: Samples, pivot: float) -> Samples:
    """Way towards the pivot in an orbit: a hyperbola, round at the start as a circle is, and never steeper than 1.

    A true circle of such a short arc would come closer by less than anybody sees. A near pivot is approached less,
    since it grows faster.
    """
    nearer = min(1.0, ORBIT_NEAR / max(pivot, 1e-6))
    return np.asarray(ORBIT_CLOSER * nearer * (np.sqrt(1 + (orbit / ORBIT_ROUND) ** 2) - 1))


def _turn(place: float, offset: Samples, closer: Samples, pivot: float) -> Samples:
    """Turn along one axis that shows a point at `place` where it was before the camera moved."""
    return np.asarray(np.arctan((place - pivot * offset) / (1 - pivot * closer)) - np.arctan(place))


def _steady(path: CameraPath, place: tuple[float, float], aim: tuple[float, float]) -> tuple[float, float]:
    """The overscan's fixed point: near the subject in an orbit, otherwise the aim.

    Along axes in which the camera moves it is the middle: there is no room to give.
    """
    if path.goes_round:
        aim = _inward(place[0], FARTHEST_STEADY), _inward(place[1], 2 * FARTHEST_STEADY)
    across = max(float(np.abs(path.column(name)).max()) for name in ("right", "pan"))
    along = max(float(np.abs(path.column(name)).max()) for name in ("up", "tilt"))
    whole = max(across + along, 1e-9)
    return aim[0] * (1 - across / whole), aim[1] * (1 - along / whole)


def _inward(place: float, farthest: float) -> float:
    """A coordinate a little nearer to the frame's middle: less overscan is needed there, and nobody sees it drift."""
    return float(np.sign(place)) * min(max(abs(place) - DRIFTING, 0.0), farthest)


@dataclass(frozen=True, slots=True)
class NearnessMap:
    """Inverse distance over the canvas, one value per `CELL` × `CELL` canvas pixels.

    Converts between frame widths and canvas pixels. `behind` is the surface behind a person cut out.
    """

    inverse: Grid
    canvas: Canvas
    rounds: int = ROUNDS
    behind: "NearnessMap | None" = None

    @classmethod
    def over(cls, canvas: Canvas, near: Grid, rounds: int = ROUNDS) -> "NearnessMap":
        """The map from nearness (0 to 1, on any grid over the canvas): inverse distance from `FAR` to 1.

        `rounds` are those of `solve`: the steeper it is, the more.
        """
        cells = surface_cells(canvas)
        exact = near if near.shape == cells[::-1] else cv2.resize(near, cells, interpolation=cv2.INTER_CUBIC)
        fine = np.clip(exact, 0, 1)
        return cls((FAR + (1 - FAR) * fine).astype(np.float32), canvas, rounds)

    def at(self, x: Any, y: Any) -> Any:
        """Inverse distance at points in frame widths (2-D arrays)."""
        column, row = self.pixel(x, y)
        return lookup(self.inverse, column, row)

    def along(self, x: Any, y: Any, slide_x: Any, slide_y: Any) -> Callable[[Any], Any]:
        """Inverse distance along lines of points.

        The returned function takes a multiple, which may differ per point, of the shifts `slide_x`, `slide_y`.
        """
        column, row = (_cell(place) for place in self.pixel(x, y))
        to_cell = self.canvas.frame.width / CELL
        across, down = np.float32(to_cell) * slide_x, np.float32(to_cell) * slide_y
        return lambda far: _read(self.inverse, column + across * far, row + down * far)

    def pixel(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Canvas pixel (column, row) of points in frame widths; a pixel's middle is a whole number."""
        canvas = self.canvas
        width, height = canvas.frame.width, canvas.frame.height
        return x * width + (canvas.left + width / 2 - 0.5), y * width + (canvas.top + height / 2 - 0.5)


def surface_cells(canvas: Canvas) -> tuple[int, int]:
    """Cells (wide, high) of a `NearnessMap`; the last ones may reach beyond the canvas."""
    return -(-canvas.width // CELL), -(-canvas.height // CELL)


def lookup(cells: Any, column: Any, row: Any) -> Any:
    """Bilinear read of a grid of cells at canvas pixels."""
    return _read(cells, _cell(column), _cell(row))


def _cell(pixel: Any) -> Any:
    """Canvas pixels along an axis as cells."""
    return pixel * np.float32(1 / CELL) + np.float32(0.5 / CELL - 0.5)


def _read(cells: Any, column: Any, row: Any) -> Any:
    column, row = column.astype(np.float32, copy=False), row.astype(np.float32, copy=False)
    return cv2.remap(cells, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def directions(x: Any, y: Any, view: Views) -> tuple[Any, Any]:
    """Rays of frame points after rotation and zoom, as points of the picture seen from its own viewpoint."""
    whole = view.zoom * view.overscan
    # A zoom keeps its fixed point, so the frame's middle shifts towards it.
    shift = 1 - 1 / view.zoom
    held = (1 - 1 / view.overscan) / view.zoom
    x = x / whole + view.aim[0] * shift + view.steady[0] * held
    y = y / whole + view.aim[1] * shift + view.steady[1] * held
    # Rotations in the order roll, pan, tilt.
    turned_x = x * np.cos(view.roll) - y * np.sin(view.roll)
    turned_y = x * np.sin(view.roll) + y * np.cos(view.roll)
    ray_x = turned_x * np.cos(view.pan) + np.sin(view.pan)
    depth = np.cos(view.pan) - turned_x * np.sin(view.pan)
    ray_y = turned_y * np.cos(view.tilt) - depth * np.sin(view.tilt)
    depth = depth * np.cos(view.tilt) + turned_y * np.sin(view.tilt)
    return ray_x / depth, ray_y / depth


def solve(x: Any, y: Any, view: Views, surface: NearnessMap) -> tuple[Any, Any]:
    """The points of the picture that frame points show, in frame widths."""
    ray_x, ray_y = directions(x, y, view)
    slide_x, slide_y = view.x - ray_x * view.z, view.y - ray_y * view.z
    nearer = surface.along(ray_x, ray_y, slide_x, slide_y)
    # Start from the mean inverse distance; each round reads it where the last one led.
    inverse: Any = np.float32((1 + FAR) / 2)
    for _ in range(surface.rounds):
        inverse = nearer(inverse)
    return ray_x + slide_x * inverse, ray_y + slide_y * inverse


def step(surface: NearnessMap, views: Views, first: int, second: int) -> float:
    """Visible motion between two frames: median displacement, in frame widths."""
    x, y = lattice(surface.canvas)
    at_first, at_second = (solve(x, y, views.at(index), surface) for index in (first, second))
    moved = np.hypot(at_second[0] - at_first[0], at_second[1] - at_first[1])
    # Perspective magnification at a middle distance.
    closer = 1 - views.z[first] * (1 + FAR) / 2
    return float(np.median(moved) * views.zoom[first] * views.overscan[first] / closer)


DRIFTING = 0.04
"""Distance from the subject at which an orbit's overscan is fixed, in frame widths."""
FARTHEST_STEADY = 0.3
"""Largest distance of that point from the frame's middle sideways; a tall frame lets it be twice as far up."""

ORBIT_NEAR = 0.4
"""Inverse distance of a pivot up to which an orbit comes closer in full."""

LATTICE = 15
"""Points on each side of the lattice on which motion is measured."""

REACH_MOMENTS = 5


def reach(surface: NearnessMap, views: Views, points: tuple[Any, Any]) -> float:
    """Largest median displacement of points from their place, in frame widths."""
    x, y = points
    moments = np.linspace(0, len(views.x) - 1, REACH_MOMENTS).round().astype(int)
    places = [solve(x, y, views.at(index), surface) for index in moments]
    return max(float(np.median(np.hypot(at[0] - x, at[1] - y))) for at in places)


WIDTH = 640
"""Width, in pixels, at which corners are detected."""

MOST = 300

APART = 10
"""Least distance between two corners, in pixels."""

WEAKEST = 0.01
"""Weakest accepted corner, relative to the strongest."""

FEWEST = 12
"""Fewest corners; with fewer a lattice is used."""


def corners(canvas: Canvas) -> tuple[Any, Any]:
    """Corners of the first frame, x and y in frame widths from its middle; a lattice if there are too few."""
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
    """Points spread evenly over the first frame, x and y in frame widths from its middle."""
    across = np.linspace(-0.45, 0.45, LATTICE)
    x, y = np.meshgrid(across, across * (canvas.frame.height / canvas.frame.width))
    return x.astype(np.float32), y.astype(np.float32)
