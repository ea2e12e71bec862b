"""Faces, found by BlazeFace (Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection", 2019)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stillmotion.domain.rendering import checkpoint
from stillmotion.vision.network import Network
from stillmotion.vision.resize import Pixels, fit_within

SEARCH_SIDE = 480
"""Longer side, in pixels, of the copy in which faces are searched."""
LOOK = 128
"""Side of the network's input, in pixels."""
LIKELY = 0.7
"""Score from which a face is looked at again from close by."""
SURE = 0.75
"""Least mean score of both looks. Over 37 faces it was 0.79 at least, over 110 pictures without one 0.67 at most."""
CLOSE = 2.0
"""Side of the close look, in sides of the face."""
SAME_FACE = 0.3
"""Intersection over union from which two detections are one face."""
WITHIN = 0.5
"""Fraction of the smaller of two detections inside the other from which they are one face."""
TILE = 0.6
"""Side of a tile, as a fraction of the picture's shorter side."""
STEP = 0.6
"""Largest step from one square of the picture to the next, in sides."""
OBLONG = 1.1
"""Ratio of the sides from which a picture is looked at in squares too."""


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
        shared = self.shared(other)
        return shared / (self.area + other.area - shared) if shared else 0.0

    def shared(self, other: "Box") -> float:
        """Area of the intersection."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return width * height if width > 0 and height > 0 else 0.0

    @property
    def area(self) -> float:
        """Fraction of the picture's area."""
        return (self.right - self.left) * (self.bottom - self.top)


@dataclass(frozen=True, slots=True)
class _Square:
    """A square that the network looks at, in pixels of the searched copy; it may reach beyond the picture."""

    x: float
    y: float
    side: float


class FaceFinder:
    """BlazeFace in several looks: at the whole picture, at squares along it, at tiles, and once more from close by."""

    def __init__(self) -> None:
        self._network = Network("face_detection_short_range.tflite", ("classificators", "regressors"))

    def find(self, rgb: Pixels) -> tuple[Box, ...]:
        """Faces in a picture (height × width × 3), from the brows to the chin, the largest first.

        They may reach beyond its edges.
        """
        small = fit_within(rgb, SEARCH_SIDE)
        height, width = small.shape[:2]
        found: list[tuple[float, Box]] = []
        for square in _squares(width, height):
            found += self._looked(small, square, LIKELY)
            checkpoint()
        faces = [box for score, box in _distinct(found) if score + self._close(small, box) >= 2 * SURE]
        self._network.put_away()
        inside = (Box(box.left / width, box.top / height, box.right / width, box.bottom / height) for box in faces)
        return tuple(sorted(inside, key=lambda box: -box.area))

    def _close(self, small: Pixels, box: Box) -> float:
        """Score of the same face in a look from close by; 0 if it is not seen again."""
        x, y = box.centre
        side = CLOSE * max(box.right - box.left, box.bottom - box.top)
        again = self._looked(small, _Square(x - side / 2, y - side / 2, side), 0.5)
        checkpoint()
        return max((score for score, other in again if other.overlap(box) >= SAME_FACE), default=0.0)

    def _looked(self, small: Pixels, square: _Square, least: float) -> list[tuple[float, Box]]:
        """Scores (at least `least`) and boxes, in pixels of `small`, of the faces in a square."""
        logits, places = self._network.run(_cut(small, square), 1 / 127.5, 127.5)
        scores = 1 / (1 + np.exp(-np.clip(logits[0, :, 0], -50, 50)))
        likely = np.flatnonzero(scores >= least)
        # Per anchor: the centre's offset from the anchor, width and height, in pixels of the look.
        centres = _ANCHORS[likely] + places[0, likely, :2] / LOOK
        halves = places[0, likely, 2:4] / (2 * LOOK)
        corners = np.hstack([centres - halves, centres + halves]) * square.side + np.tile([square.x, square.y], 2)
        return [(float(scores[at]), Box(*map(float, box))) for at, box in zip(likely, corners, strict=True)]


def _anchors() -> NDArray[np.float64]:
    """Anchors of the short-range model, n × 2: two in each of 16 × 16 cells, six in each of 8 × 8."""
    grids = []
    for cells, each in ((16, 2), (8, 6)):
        middles = (np.arange(cells) + 0.5) / cells
        x, y = np.meshgrid(middles, middles)
        grids.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), each, axis=0))
    return np.concatenate(grids)


_ANCHORS = _anchors()


def _squares(width: int, height: int) -> Iterator[_Square]:
    """The looks at a picture: whole and letterboxed, squares along its longer side, and tiles."""
    shorter, longer = sorted((width, height))
    yield _Square((width - longer) / 2, (height - longer) / 2, longer)
    wide = width >= height
    if longer > OBLONG * shorter:
        count = min(3, int(np.ceil((longer - shorter) / (STEP * shorter))) + 1)
        for place in np.linspace(0, longer - shorter, count):
            yield _Square(place, 0, shorter) if wide else _Square(0, place, shorter)
    side = TILE * shorter
    many = 3 if longer >= 2 * OBLONG * TILE * shorter else 2
    for y in np.linspace(0, height - side, 2 if wide else many):
        for x in np.linspace(0, width - side, many if wide else 2):
            yield _Square(x, y, side)


def _cut(small: Pixels, square: _Square) -> Any:
    """The square at the network's size, black beyond the picture."""
    x, y, side = round(square.x), round(square.y), max(1, round(square.side))
    height, width = small.shape[:2]
    left, top, right, bottom = max(0, x), max(0, y), min(width, x + side), min(height, y + side)
    inside = small[top:bottom, left:right]
    scale = LOOK / side
    size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
    look = np.zeros((LOOK, LOOK, 3), np.uint8)
    across, down = round((left - x) * scale), round((top - y) * scale)
    part = cv2.resize(inside, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    part = part[: LOOK - down, : LOOK - across]
    look[down : down + part.shape[0], across : across + part.shape[1]] = part
    return look


def _distinct(found: list[tuple[float, Box]]) -> list[tuple[float, Box]]:
    """Detections, the surest first, without those that show a face already held (non-maximum suppression)."""
    held: list[tuple[float, Box]] = []
    for score, box in sorted(found, key=lambda each: -each[0]):
        if not any(_is_same(box, other) for _, other in held):
            held.append((score, box))
    return held


def _is_same(one: Box, other: Box) -> bool:
    return one.overlap(other) >= SAME_FACE or one.shared(other) >= WITHIN * min(one.area, other.area)
