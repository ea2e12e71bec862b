"""Where the eye goes in a clip, as it goes by: what a window that shows only a part of it should follow."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stillmotion.domain.rendering import Frame, Picture
from stillmotion.media.frames import Plane, planes
from stillmotion.vision.faces import FaceCascade, equalised
from stillmotion.vision.resize import as_array
from stillmotion.vision.saliency import border_distance

Profile = NDArray[np.float64]

CELLS = 96
"""How many cells the longer side is looked at in."""
NEIGHBOURS, SMALLEST_FACE = 5, 0.08
"""As in `FaceCascade`."""
FACE_WEIGHT = 8.0
"""How much more a face counts than the most salient thing without one."""
CENTRE_WEIGHT = 0.15
"""How much the middle counts by itself: enough to decide where nothing stands out."""
STILL = 0.04
"""A subject that stays within this part of the side is given a still window."""
CALM_SECONDS = 0.8
"""The standard deviation of the smoothing of a window's way."""


class Attention:
    """Looks at frames now and then, and says where a window that slides along one axis should be."""

    def __init__(self, axis: int, window: float) -> None:
        """`axis` is 1 for a window that slides across, 0 for up and down; `window` is its part of that side."""
        self._axis, self._window = axis, window
        self._looks: list[Profile] = []
        self._faces = FaceCascade("alt2", NEIGHBOURS, SMALLEST_FACE)

    def look(self, frame: Frame) -> None:
        """Take this frame into account; frames are to come evenly spaced."""
        y, u, v = planes(frame)
        salience = _salience(_cells(y, y.shape), _cells(u, y.shape), _cells(v, y.shape))
        for face in self._faces.find(equalised(y)):
            height, width = salience.shape
            top, bottom = round(face.top * height), max(round(face.bottom * height), round(face.top * height) + 1)
            left, right = round(face.left * width), max(round(face.right * width), round(face.left * width) + 1)
            salience[top:bottom, left:right] += FACE_WEIGHT
        self._looks.append(salience.mean(axis=1 - self._axis, dtype=np.float64))

    def way(self, count: int, seconds: float) -> Profile:
        """For each of `count` frames, where the window starts, as a fraction of the side: smooth, within the picture.

        One place for all where the subject hardly moves.
        """
        if not self._looks:
            return np.full(count, (1 - self._window) / 2)
        starts = np.array([self._best(look) for look in self._looks])
        if len(starts) > 2:
            starts = np.array([np.median(starts[max(0, at - 1) : at + 2]) for at in range(len(starts))])
        if starts.max() - starts.min() < STILL:
            return np.full(count, self._best(np.mean(self._looks, axis=0)))
        seen_at = np.linspace(0, count - 1, len(starts))
        return _smooth(np.interp(np.arange(count), seen_at, starts), CALM_SECONDS * count / seconds)

    def _best(self, profile: Profile) -> float:
        """The start of the window that holds most, what is near its middle counting more."""
        cells = len(profile)
        spread = profile + CENTRE_WEIGHT * profile.mean() * np.hanning(cells + 2)[1:-1]
        span = min(cells, max(1, round(self._window * cells)))
        held = np.convolve(spread, 0.5 + np.hanning(span + 2)[1:-1], "valid")
        fit = np.argwhere(held >= held.max() * (1 - 1e-9)).mean()
        return float(np.clip(fit / max(1, cells - span), 0, 1)) * (1 - self._window)


def difference(one: Picture, other: Picture) -> float:
    """How unlike two pictures look at a coarse scale: the root mean square of their cells' differences."""
    cells = [
        cv2.resize(
            as_array(each),
            (CELLS, CELLS),
            interpolation=cv2.INTER_AREA,
        ).astype(np.float32)
        for each in (one, other)
    ]
    return float(np.sqrt(np.mean((cells[0] - cells[1]) ** 2)))


def _cells(plane: Plane, shape: tuple[int, ...]) -> NDArray[np.float32]:
    scale = CELLS / max(shape)
    size = (max(8, round(shape[1] * scale)), max(8, round(shape[0] * scale)))
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)


def _salience(*channels: NDArray[np.float32]) -> NDArray[np.float32]:
    """0 to 1: how unlike the border around the picture a cell is, its two nearest sides not counting."""
    unlike = border_distance(cv2.GaussianBlur(np.dstack(channels), (0, 0), 1.5), _standardised, 2)
    low, high = np.percentile(unlike, (20, 98))
    return np.asarray(np.clip((unlike - low) / max(high - low, 1e-6), 0, 1) ** 2, np.float32)


def _standardised(cells: NDArray[np.float32], side: NDArray[np.float32]) -> Any:
    """Distance from a side's mean in standard deviations, each channel by itself."""
    return np.sqrt((((cells - side.mean(axis=0)) / (side.std(axis=0) + 6)) ** 2).sum(axis=2))


def _smooth(way: Profile, sigma: float) -> Profile:
    """Low-passed, the ends held."""
    reach = max(1, round(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-6)) ** 2)
    held = np.pad(way, reach, mode="edge")
    return np.convolve(held, kernel / kernel.sum(), "valid")
