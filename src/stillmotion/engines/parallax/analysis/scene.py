"""What is in the picture: faces, where the eye goes, the sky, whether it is a photograph at all."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from stillmotion.domain.rendering import Pause, unasked
from stillmotion.engines.parallax.analysis.detectors import is_drawn, is_written, straight_lines
from stillmotion.engines.parallax.canvas import Grid, Pixels

GRID_SIDE = 160
"""The longest side of everything that is analysed, in cells."""
MEDIUM_SIDE = 320
"""The longest side of the picture that faces are looked for in, in pixels."""
LINES_SIDE = 640
"""The same for lines: shorter ones are seen as lines by the eye too, and long ones are not broken up."""
SMALLEST_FACE = 0.07
"""Of the shorter side: smaller ones need no care and are mostly mistakes."""
SAME_FACE = 0.3
"""Intersection over union from which two finds are one face."""
FOCUS_REACHES = (0.5, 0.3, 0.22, 0.18)
"""How far around the last estimate each look at what stands out goes, as a fraction of the picture."""
SMOOTH = 34
"""The steepest lightness (Sobel, on the grid) that sky may have."""
SPANNING = 0.55
"""The part of the top edge that sky of an unusual colour must hold."""

__all__ = ["Box", "Depth", "FaceFinder", "Grid", "Scene", "analyse"]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in fractions of the picture's width and height."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def centre(self) -> tuple[float, float]:
        """x, y."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def overlap(self, other: "Box") -> float:
        """Intersection over union, 0 to 1."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        if width <= 0 or height <= 0:
            return 0.0
        return width * height / (self.area + other.area - width * height)

    @property
    def area(self) -> float:
        """Of the picture."""
        return (self.right - self.left) * (self.bottom - self.top)


@dataclass(frozen=True, slots=True)
class Depth:
    """How near each cell of the grid is, 0 (far) to 1 (near), and the name of what says so."""

    near: Grid
    source: str


@dataclass(frozen=True, slots=True)
class Scene:
    """The analysis, on a grid over the whole picture.

    `colours` is Lab of 8 bits as floats, cells high × wide × 3. `salience` and `sky` run from 0 to 1.
    `lines` are long straight segments (x0, y0, x1, y1), `focus` is where the eye goes; both in fractions of the
    picture's sides. `depth` is None until a `DepthSource` was asked, and for flat art.
    """

    colours: Grid
    salience: Grid
    sky: Grid
    faces: tuple[Box, ...]
    focus: tuple[float, float]
    lines: Grid
    is_flat_art: bool
    depth: Depth | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Cells high, cells wide."""
        return int(self.colours.shape[0]), int(self.colours.shape[1])


class FaceFinder:
    """OpenCV's two frontal face cascades; a face counts only where both see one."""

    def find(self, rgb: Pixels, pause: Pause = unasked) -> tuple[Box, ...]:
        """Faces, the largest first."""
        grey = cv2.equalizeHist(cv2.cvtColor(_fitted(rgb, MEDIUM_SIDE), cv2.COLOR_RGB2GRAY))
        first = self._detect(self._quick, grey)
        if not first:
            return ()
        pause()
        second = self._detect(self._thorough, grey)
        agreed = [box for box in first if any(box.overlap(other) >= SAME_FACE for other in second)]
        return tuple(sorted(agreed, key=lambda box: -box.area))

    @cached_property
    def _quick(self) -> Any:
        return _cascade("haarcascade_frontalface_alt2.xml")

    @cached_property
    def _thorough(self) -> Any:
        return _cascade("haarcascade_frontalface_default.xml")

    @staticmethod
    def _detect(cascade: Any, grey: Any) -> list[Box]:
        height, width = grey.shape
        side = max(20, round(min(width, height) * SMALLEST_FACE))
        found = cascade.detectMultiScale(grey, 1.15, 4, minSize=(side, side))
        return [Box(x / width, y / height, (x + w) / width, (y + h) / height) for x, y, w, h in map(_ints, found)]


def analyse(rgb: Pixels, faces: FaceFinder, pause: Pause = unasked) -> Scene:
    """Look at the picture (height × width × 3, sRGB)."""
    medium = _fitted(rgb, MEDIUM_SIDE)
    pause()
    colours = cv2.cvtColor(_fitted(medium, GRID_SIDE), cv2.COLOR_RGB2LAB).astype(np.float32)
    salience = _salience(colours)
    pause()
    grey = cv2.cvtColor(_fitted(rgb, LINES_SIDE), cv2.COLOR_RGB2GRAY)
    pause()
    found = faces.find(medium, pause)
    pause()
    lines = straight_lines(grey)
    pause()
    return Scene(
        colours=colours,
        salience=salience,
        sky=_sky(colours),
        faces=found,
        focus=found[0].centre if found else _centre_of(salience),
        lines=lines,
        is_flat_art=is_drawn(rgb) or is_written(grey),
    )


def _ints(numbers: Any) -> tuple[int, ...]:
    return tuple(int(number) for number in numbers)


def _cascade(name: str) -> Any:
    return cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / name))


def _fitted(rgb: Any, side: int) -> Any:
    """The picture with its longest side at most `side`."""
    height, width = rgb.shape[:2]
    scale = side / max(width, height)
    if scale >= 1:
        return rgb
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)


def _salience(colours: Grid) -> Grid:
    """How unlike the picture's border a cell is, each side of the border taken by itself."""
    smooth = cv2.GaussianBlur(colours, (0, 0), 2)
    depth = max(1, min(smooth.shape[:2]) // 12)
    sides = (smooth[:depth], smooth[-depth:], smooth[:, :depth], smooth[:, -depth:])
    distances = []
    for side in sides:
        cells = side.reshape(-1, 3)
        mean = cells.mean(axis=0)
        spread = np.cov(cells.T.astype(np.float64), ddof=0) + 60 * np.eye(3)
        away = smooth - mean
        distances.append(np.sqrt(np.einsum("hwi,ij,hwj->hw", away, np.linalg.inv(spread), away)))
    ordered = np.sort(np.stack(distances), axis=0)
    return _spread(cv2.GaussianBlur(ordered[:3].mean(axis=0).astype(np.float32), (0, 0), 2))


def _spread(values: Grid) -> Grid:
    """Stretched so that the 5th percentile is 0 and the 98th is 1."""
    low, high = np.percentile(values, (5, 98))
    return np.clip((values - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)


def _centre_of(salience: Grid) -> tuple[float, float]:
    """The middle of what stands out: a mean, taken ever closer around itself."""
    height, width = salience.shape
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    prior = np.exp(-(((x - 0.5) / 0.4) ** 2) - ((y - 0.5) / 0.4) ** 2)
    at_x, at_y = 0.5, 0.5
    for reach in FOCUS_REACHES:
        weight = salience**2 * prior * np.exp(-(((x - at_x) / reach) ** 2) - ((y - at_y) / (1.5 * reach)) ** 2) + 1e-4
        total = float(weight.sum())
        at_x, at_y = float((x * weight).sum()) / total, float((y * weight).sum()) / total
    return at_x, at_y


def _sky(colours: Grid) -> Grid:
    """Smooth and joined to the top edge: bright and not warm, or of any colour where it spans the whole top."""
    light, _, yellow = cv2.split(colours)
    slope = cv2.magnitude(cv2.Sobel(light, -1, 1, 0), cv2.Sobel(light, -1, 0, 1))
    texture = cv2.GaussianBlur(slope, (0, 0), 1)
    top = light[: max(1, light.shape[0] // 10)]
    even = (texture < SMOOTH) & (light > np.median(top) - 55)
    wide = _joined_to_top(even & (light > 20))
    sky = wide if wide[0].mean() > SPANNING else _joined_to_top(even & (light > 90) & (yellow < 140))
    if sky.mean() < 0.03:
        return np.zeros_like(light)
    return cv2.GaussianBlur(sky.astype(np.float32), (0, 0), 1.5)


def _joined_to_top(like: Any) -> Any:
    labels = cv2.connectedComponents(like.astype(np.uint8))[1]
    return np.isin(labels, np.unique(labels[0][like[0]])) & like
