"""Motion in a finished clip, measured from the MP4 alone: nothing here shares code with the renderer."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np


def tracks(planes: list[np.ndarray], points: int = 200) -> np.ndarray:
    """Corners of the first frame followed to the last: frames × points × 2, in pixels; lost ones are left out."""
    found = cv2.goodFeaturesToTrack(planes[0], points, 0.01, max(8, planes[0].shape[1] // 60))
    paths, alive = [found.reshape(-1, 2)], np.ones(len(found), bool)
    for before, after in pairwise(planes):
        there, _, _ = cv2.calcOpticalFlowPyrLK(before, after, paths[-1].reshape(-1, 1, 2), None, winSize=(25, 25))
        back, _, _ = cv2.calcOpticalFlowPyrLK(after, before, there, None, winSize=(25, 25))
        alive &= np.hypot(*(back.reshape(-1, 2) - paths[-1]).T) < 0.5
        paths.append(there.reshape(-1, 2))
    return np.ascontiguousarray(np.stack(paths)[:, alive], np.float32)


def jerk(paths: np.ndarray) -> float:
    """The RMS of a track's acceleration, pixels per frame², the median over tracks."""
    acceleration = np.diff(paths, 2, axis=0)
    return float(np.median(np.sqrt((acceleration**2).sum(axis=2).mean(axis=0))))


def backward_steps(paths: np.ndarray) -> float:
    """The share of steps that go against their track's whole way, of tracks that go anywhere."""
    way = paths[-1] - paths[0]
    moving = np.hypot(*way.T) > 4
    if not moving.any():
        return 0.0
    steps = np.diff(paths[:, moving], axis=0)
    return float(((steps * way[moving]).sum(axis=2) < -0.02 * np.hypot(*way[moving].T)).mean())


@dataclass(frozen=True)
class Motion:
    """The global motion of a clip in frame widths, summed from the first frame to the last.

    `x` and `y` are the median displacement, `growth` the logarithm of magnification, `turn` radians clockwise, `ahead`
    how much further right near things go than far ones. `reach` is the median, over tracks, of the farthest that they
    get from where they began; `quarter` is what a quarter of the tracks exceed.
    """

    x: float
    y: float
    growth: float
    turn: float
    ahead: float
    reach: float
    quarter: float


@dataclass(frozen=True)
class Places:
    """The middles of something near and of something far in a picture, x and y in fractions of its sides."""

    near: tuple[float, float]
    far: tuple[float, float]


AROUND = 0.15
"""Reach around a place, in fractions of the picture's sides."""
FEWEST = 3


def motion(planes: list[np.ndarray], places: Places | None = None) -> Motion:
    """The motion of a clip, from tracks that live through all of it.

    Without places, or where too little can be followed there, the lower part is taken for near and the upper for far.
    """
    paths = tracks(planes, 300)
    width, height = planes[0].shape[1], planes[0].shape[0]
    if paths.shape[1] < 6:
        return Motion(0, 0, 0, 0, 0, 0, 0)
    start, way = paths[0], paths[-1] - paths[0]
    fit, _ = cv2.estimateAffinePartial2D(start, paths[-1], method=cv2.RANSAC, ransacReprojThreshold=8.0)
    growth, turn = float(np.log(np.hypot(fit[0, 0], fit[1, 0]))), float(np.arctan2(fit[1, 0], fit[0, 0]))
    middle = np.array([width / 2, height / 2])
    carried = fit @ np.array([*middle, 1.0]) - middle
    rest = way[:, 0] - (np.exp(growth) - 1) * (start[:, 0] - middle[0])
    near, far = _near_and_far(start / np.array([width, height]), places)
    ahead = float(np.median(rest[near]) - np.median(rest[far]))
    farthest = np.hypot(*(paths - paths[0]).transpose(2, 0, 1)).max(axis=0) / width
    reach, quarter = (float(np.quantile(farthest, share)) for share in (0.5, 0.75))
    return Motion(carried[0] / width, carried[1] / width, growth, turn, ahead / width, reach, quarter)


def _near_and_far(start: np.ndarray, places: Places | None) -> tuple[np.ndarray, np.ndarray]:
    """Masks of the tracks that begin near and far; `start` is in fractions of the sides."""
    if places is not None:
        near, far = (np.abs(start - np.array(at)).max(axis=1) < AROUND for at in (places.near, places.far))
        if min(near.sum(), far.sum()) >= FEWEST:
            return near, far
    return start[:, 1] > np.percentile(start[:, 1], 60), start[:, 1] < np.percentile(start[:, 1], 40)


EXPECTED: Mapping[str, tuple[str, int]] = {
    "push_in": ("growth", 1),
    "pull_out": ("growth", -1),
    "zoom_in": ("growth", 1),
    "zoom_out": ("growth", -1),
    "pan_left": ("x", 1),
    "pan_right": ("x", -1),
    "tilt_up": ("y", 1),
    "tilt_down": ("y", -1),
    "truck_left": ("x", 1),
    "truck_right": ("x", -1),
    "pedestal_up": ("y", 1),
    "pedestal_down": ("y", -1),
    "orbit_left": ("ahead", 1),
    "orbit_right": ("ahead", -1),
    "crane_up": ("y", 1),
    "crane_down": ("y", -1),
    "roll_left": ("turn", 1),
    "roll_right": ("turn", -1),
}
"""The picture's motion for each move of the camera: it goes left when the camera looks or moves right."""


def agrees(move: str, measured: Motion) -> bool:
    """True where the measured motion is the requested one, beyond noise."""
    if move == "static":
        return measured.reach < 0.001
    if move not in EXPECTED:
        return measured.reach > 0.002
    quantity, sign = EXPECTED[move]
    return sign * float(getattr(measured, quantity)) > 0.001
