"""Frontal faces, found by OpenCV's Haar cascades (Viola and Jones)."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from stillmotion.domain.rendering import checkpoint
from stillmotion.vision.resize import Pixels, as_bytes, fit_within

SEARCH_SIDE = 320
"""The longer side, in pixels, of the copy in which faces are searched."""
SMALLEST_SIDE = 20
"""The cascades' own window, in pixels."""
SCALE_STEP = 1.15
"""The ratio between two sizes of the search window."""
SMALLEST_FACE = 0.07
"""Of the shorter side: smaller ones need no care and are mostly mistakes."""
SAME_FACE = 0.3
"""Intersection over union from which two detections are one face."""


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
        """Fraction of the picture's area."""
        return (self.right - self.left) * (self.bottom - self.top)


class FaceCascade:
    """One cascade of OpenCV's, read from disk when first used.

    `neighbours` is how many detections must agree; `smallest` is a fraction of the picture's shorter side.
    """

    def __init__(self, name: str, neighbours: int, smallest: float) -> None:
        self._name, self._neighbours, self._smallest = name, neighbours, smallest

    def find(self, grey: Pixels) -> list[Box]:
        """Faces in 8-bit grey (height × width); it is searched at its own size, so reduce it first."""
        height, width = grey.shape
        side = max(SMALLEST_SIDE, round(min(width, height) * self._smallest))
        found = self._cascade.detectMultiScale(grey, SCALE_STEP, self._neighbours, minSize=(side, side))
        # Without a face OpenCV returns an empty tuple, otherwise an array of n × 4 integers.
        boxes = np.asarray(found, float).reshape(-1, 4).tolist()
        return [Box(x / width, y / height, (x + w) / width, (y + h) / height) for x, y, w, h in boxes]

    @cached_property
    def _cascade(self) -> Any:
        return cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / f"haarcascade_frontalface_{self._name}.xml"))


class FaceFinder:
    """Two cascades in agreement: each alone sees faces in foliage and gravel, rarely the same ones."""

    def __init__(self) -> None:
        self._quick = FaceCascade("alt2", 4, SMALLEST_FACE)
        self._thorough = FaceCascade("default", 4, SMALLEST_FACE)

    def find(self, rgb: Pixels) -> tuple[Box, ...]:
        """Faces in a picture (height × width × 3), the largest first."""
        grey = equalised(cv2.cvtColor(fit_within(rgb, SEARCH_SIDE), cv2.COLOR_RGB2GRAY))
        first = self._quick.find(grey)
        if not first:
            return ()
        checkpoint()
        second = self._thorough.find(grey)
        agreed = [box for box in first if any(box.overlap(other) >= SAME_FACE for other in second)]
        return tuple(sorted(agreed, key=lambda box: -box.area))


def equalised(grey: Pixels) -> Pixels:
    """Grey with its histogram equalised, at the size in which faces are searched."""
    return as_bytes(cv2.equalizeHist(fit_within(grey, SEARCH_SIDE)))
