"""Saliency track of a clip: the way of a window that shows only a part of it and follows the subject."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stillmotion.domain.rendering import Frame, Picture
from stillmotion.media.frames import Plane, planes
from stillmotion.vision.faces import SEARCH_SIDE, FaceFinder
from stillmotion.vision.resize import as_array, fit_within
from stillmotion.vision.saliency import border_distance

Profile = NDArray[np.float64]

CELLS = 96
"""Cells of the saliency map's longer side."""
FACE_WEIGHT = 8.0
"""Weight of a face, relative to the most salient cell without one."""
CENTRE_WEIGHT = 0.15
"""Weight of the middle, enough to decide if nothing is salient."""
STILL = 0.04
"""Movement of the subject, as a fraction of the side, below which the window stands still."""
CALM_SECONDS = 0.8
"""Standard deviation, in seconds, of the window's smoothing."""


class Attention:
    """Samples frames, and places a window that slides along one axis."""

    def __init__(self, axis: int, window: float) -> None:
        """`axis` is 1 for a window that slides across, 0 for up and down; `window` is its fraction of that side."""
        self._axis, self._window = axis, window
        self._looks: list[Profile] = []
        self._faces = FaceFinder()

    def look(self, frame: Frame) -> None:
        """Sample a frame; frames must be evenly spaced."""
        y, u, v = planes(frame)
        salience = _salience(_cells(y, y.shape), _cells(u, y.shape), _cells(v, y.shape))
        height, width = salience.shape
        # Luma alone shows a face well enough.
        for face in self._faces.find(cv2.cvtColor(fit_within(y, SEARCH_SIDE), cv2.COLOR_GRAY2RGB)):
            # A face may reach beyond the frame.
            top, left = max(0, round(face.top * height)), max(0, round(face.left * width))
            bottom, right = max(round(face.bottom * height), top + 1), max(round(face.right * width), left + 1)
            salience[top:bottom, left:right] += FACE_WEIGHT
        self._looks.append(salience.mean(axis=1 - self._axis, dtype=np.float64))

    def way(self, count: int, seconds: float) -> Profile:
        """The window's start in each of `count` frames, as a fraction of the side: smoothed, and within the picture.

        It is constant if the subject hardly moves.
        """
        if not self._looks:
            return np.full(count, (1 - self._window) / 2)
        starts = np.array([self._best(look) for look in self._looks])
        # A median of three removes single outliers before smoothing.
        if len(starts) > 2:
            starts = np.array([np.median(starts[max(0, at - 1) : at + 2]) for at in range(len(starts))])
        if starts.max() - starts.min() < STILL:
            return np.full(count, self._best(np.mean(self._looks, axis=0)))
        seen_at = np.linspace(0, count - 1, len(starts))
        return _smooth(np.interp(np.arange(count), seen_at, starts), CALM_SECONDS * count / seconds)

    def _best(self, profile: Profile) -> float:
        """The start of the window with the highest sum of saliency, its middle weighted more."""
        cells = len(profile)
        spread = profile + CENTRE_WEIGHT * profile.mean() * np.hanning(cells + 2)[1:-1]
        span = min(cells, max(1, round(self._window * cells)))
        # Correlation with a window weighted towards its middle.
        held = np.convolve(spread, 0.5 + np.hanning(span + 2)[1:-1], "valid")
        # The mean of equal maxima, so that an even picture is cropped in its middle.
        fit = np.argwhere(held >= held.max() * (1 - 1e-9)).mean()
        return float(np.clip(fit / max(1, cells - span), 0, 1)) * (1 - self._window)


def difference(one: Picture, other: Picture) -> float:
    """Root mean square difference of two pictures at a coarse scale."""
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
    """Saliency, 0 to 1: the distance from the two sides of the border that are most alike."""
    unlike = border_distance(cv2.GaussianBlur(np.dstack(channels), (0, 0), 1.5), _standardised, 2)
    low, high = np.percentile(unlike, (20, 98))
    return np.asarray(np.clip((unlike - low) / max(high - low, 1e-6), 0, 1) ** 2, np.float32)


def _standardised(cells: NDArray[np.float32], side: NDArray[np.float32]) -> Any:
    """Distance from a side's mean in standard deviations, each channel by itself."""
    return np.sqrt((((cells - side.mean(axis=0)) / (side.std(axis=0) + 6)) ** 2).sum(axis=2))


def _smooth(way: Profile, sigma: float) -> Profile:
    """Gaussian low-pass with the ends held."""
    reach = max(1, round(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-6)) ** 2)
    held = np.pad(way, reach, mode="edge")
    return np.convolve(held, kernel / kernel.sum(), "valid")
