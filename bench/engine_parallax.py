"""Parallax of a clip: the motion between two frames that no homography explains.

A zoom, a pan, a roll and a slanted plane are homographies and score 0; the eye calls a clip 3D from about 2 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

SIDE = 640
"""Longer side in pixels at which flow is measured."""
RETURNS_WITHIN = 1.0
"""Distance in pixels within which a place comes back by the flow there and the flow back, to be counted."""
LEAST_CONTRAST = 2.0
"""Standard deviation of luma around a place, in steps of 255, from which its motion can be seen."""
WINDOW = 15
"""Side in pixels of those surroundings."""
ON_PLANE = 1.0
"""Distance in pixels up to which RANSAC takes a place for one of the homography's."""
PLACES = 6000
"""Places that the homography is fitted to."""
FEWEST = 200
ROUNDS = 3
ENDS = (5, 95)
"""Percentiles between which the residual motion is measured."""
PARTS = (0.25, 0.5, 0.75, 1.0)
"""Moments of a clip, one of which is taken for its farthest."""


@dataclass(frozen=True)
class Flow:
    """Motion from one plane to another in pixels, height × width × 2, and the places where it can be trusted."""

    motion: Floats
    trusted: Flags


def shrunk(plane: np.ndarray) -> np.ndarray:
    """A luma plane with its longer side at `SIDE`."""
    scale = SIDE / max(plane.shape)
    size = (round(plane.shape[1] * scale), round(plane.shape[0] * scale))
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC))


def flow(first: np.ndarray, last: np.ndarray) -> Flow:
    """Dense inverse search flow (Kroeger et al. 2016), trusted where it is seen and where the way back agrees."""
    seeker = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    there, back = seeker.calc(first, last, None), seeker.calc(last, first, None)
    rows, columns = np.mgrid[0 : first.shape[0], 0 : first.shape[1]].astype(np.float32)
    x, y = columns + there[..., 0], rows + there[..., 1]
    home = cv2.remap(back, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(1e4, 1e4))
    returned = np.hypot(*np.moveaxis(there + home, 2, 0)) < RETURNS_WITHIN
    return Flow(there, returned & (contrast(first) > LEAST_CONTRAST))


def contrast(plane: np.ndarray) -> Floats:
    """Standard deviation of luma around each pixel."""
    values = plane.astype(np.float32)
    mean = cv2.blur(values, (WINDOW, WINDOW))
    return np.asarray(np.sqrt(np.maximum(cv2.blur(values * values, (WINDOW, WINDOW)) - mean * mean, 0)))


def farthest(planes: Sequence[np.ndarray]) -> np.ndarray:
    """The plane, of four along a clip, that differs most from the first."""
    moments = [planes[round(part * (len(planes) - 1))] for part in PARTS]
    return max(moments, key=lambda plane: float(cv2.absdiff(planes[0], plane).mean()))


def parallax(first: np.ndarray, last: np.ndarray) -> float:
    """Parallax between two luma planes, % of the longer side.

    The last plane is laid over the first by the homography found so far before flow is measured again: then flow has
    only the parallax left to find, however far the camera went.
    """
    one, other = shrunk(first), shrunk(last)
    fit, aligned, inside = np.eye(3), other, np.full(one.shape, 255, np.uint8)
    motion, trusted = np.zeros((*one.shape, 2), np.float32), inside > 0
    for _ in range(ROUNDS):
        seen = flow(one, aligned)
        motion, trusted = seen.motion, seen.trusted & (inside == 255)
        if trusted.sum() < FEWEST:
            return 0.0
        fit = fit @ _homography(motion, trusted)
        size = one.shape[::-1]
        aligned = cv2.warpPerspective(
            other, fit, size, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
        )
        inside = cv2.warpPerspective(np.full_like(other, 255), fit, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return spread_beyond_plane(motion, trusted)


def _homography(motion: Floats, trusted: Flags) -> NDArray[np.float64]:
    rows, columns = np.nonzero(trusted)
    chosen = np.random.default_rng(0).permutation(len(rows))[:PLACES]
    here = np.stack([columns[chosen], rows[chosen]], axis=1).astype(np.float32)
    there = here + motion[rows[chosen], columns[chosen]]
    fit = cv2.findHomography(here, there, cv2.RANSAC, ON_PLANE, maxIters=4000, confidence=0.999)[0]
    return np.eye(3) if fit is None else np.asarray(fit, np.float64)


def spread_beyond_plane(motion: Floats, trusted: Flags) -> float:
    """The residual of a motion after the best homography, along its main direction, % of the longer side."""
    if trusted.sum() < FEWEST:
        return 0.0
    rows, columns = np.nonzero(trusted)
    here = np.stack([columns, rows], axis=1).astype(np.float32)
    plane = cv2.perspectiveTransform(here[np.newaxis], _homography(motion, trusted))[0]
    left_over = (here + motion[rows, columns] - plane).astype(np.float64)
    left_over -= np.median(left_over, axis=0)
    # The main direction, without the outermost few that a wrong flow may hold.
    size = np.hypot(*left_over.T)
    inner = left_over[size <= np.percentile(size, 98)]
    along = left_over @ np.linalg.svd(inner.T @ inner)[0][:, 0]
    low, high = np.percentile(along, ENDS)
    return float(100 * (high - low) / max(motion.shape[:2]))
