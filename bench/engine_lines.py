"""The bend of a picture's straight lines in its clip, measured from the MP4 alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SHORTEST = 70 / 1280
"""The shortest segment that counts, as a fraction of the frame's width."""
MOST_SEGMENTS = 120
ALONG = 13
"""Points followed on each segment."""
REACH = 3.0
"""The distance within which a followed point's edge is sought, in pixels."""
FOLLOWING: Mapping[str, Any] = {"winSize": (21, 21), "minEigThreshold": 1e-7}
"""A clean edge looks the same all along: points may slide along it, which bends nothing, and are still followed."""
OFFSETS: Floats = np.arange(-REACH, REACH + 0.25, 0.5, dtype=np.float32)


@dataclass(frozen=True)
class Edges:
    """Points on their edges, segments × points × 2, and a mask of those that were found."""

    places: Floats
    found: NDArray[np.bool_]


def bends(planes: list[np.ndarray]) -> list[float]:
    """Each segment's greatest bend at the clip's quarters, as a fraction of its length, beyond that of frame 0."""
    start = _segments(planes[0])
    if not len(start):
        return []
    signs = np.sign(_slope(planes[0], start, _normals(start)).mean(axis=1))
    first = _on_edges(planes[0], Edges(start, np.ones(start.shape[:2], bool)), signs)
    own = _bend(first)
    worst = np.zeros(len(start))
    known = np.isfinite(own)
    quarters = {len(planes) * part // 4 - 1 for part in (2, 3, 4)}
    followed = Edges(start, first.found)
    for index, (before, after) in enumerate(pairwise(planes), 1):
        followed = _followed(before, after, followed)
        if index in quarters:
            bent = _bend(_on_edges(after, followed, signs))
            known &= np.isfinite(bent)
            worst = np.maximum(worst, np.nan_to_num(np.abs(bent - own)))
    return [float(value) for value in worst[known]]


def _segments(plane: np.ndarray) -> Floats:
    """Points on the longest segments of a frame: segments × points × 2."""
    found = cv2.createLineSegmentDetector(cv2.LSD_REFINE_ADV).detect(cv2.GaussianBlur(plane, (0, 0), 1.0))[0]
    if found is None:
        return np.zeros((0, ALONG, 2), np.float32)
    ends = np.asarray(found, np.float32).reshape(-1, 2, 2)
    length = np.hypot(*(ends[:, 1] - ends[:, 0]).T)
    order = np.argsort(-length)[:MOST_SEGMENTS]
    ends = ends[order[length[order] >= SHORTEST * plane.shape[1]]]
    share = np.linspace(0.04, 0.96, ALONG, dtype=np.float32)[:, np.newaxis]
    return np.asarray(ends[:, :1] + (ends[:, 1:] - ends[:, :1]) * share, np.float32)


def _followed(before: np.ndarray, after: np.ndarray, edges: Edges) -> Edges:
    """The points a frame later. A point is lost where following it back misses its start across the edge."""
    points = edges.places.reshape(-1, 1, 2)
    there, _, _ = cv2.calcOpticalFlowPyrLK(before, after, points, None, **FOLLOWING)
    back, _, _ = cv2.calcOpticalFlowPyrLK(after, before, there, None, **FOLLOWING)
    missed = ((back - points).reshape(edges.places.shape) * _normals(edges.places)[:, np.newaxis]).sum(axis=2)
    return Edges(there.reshape(edges.places.shape), edges.found & (np.abs(missed) < 0.4))


def _normals(places: Floats) -> Floats:
    """A unit vector across each segment."""
    along = places[:, -1] - places[:, 0]
    along = along / np.maximum(np.hypot(*along.T), 1e-6)[:, np.newaxis]
    return np.asarray(np.stack([-along[:, 1], along[:, 0]], axis=1), np.float32)


def _slope(plane: np.ndarray, places: Floats, normals: Floats) -> Floats:
    """The profile of luma across the edge: segments × offsets, averaged over points last."""
    return np.asarray(_profiles(plane, places, normals)[..., OFFSETS.size // 2], np.float32)


def _profiles(plane: np.ndarray, places: Floats, normals: Floats) -> Floats:
    """The derivative of luma across the edge: segments × points × offsets."""
    at = places[:, :, np.newaxis] + normals[:, np.newaxis, np.newaxis] * OFFSETS[:, np.newaxis]
    flat = at.reshape(-1, OFFSETS.size, 2)
    smooth = cv2.GaussianBlur(plane, (0, 0), 0.8).astype(np.float32)
    values = cv2.remap(
        smooth, flat[..., 0].copy(), flat[..., 1].copy(), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(np.gradient(values, axis=1).reshape(*places.shape[:2], OFFSETS.size), np.float32)


def _on_edges(plane: np.ndarray, edges: Edges, signs: np.ndarray) -> Edges:
    """Each point moved across its segment onto the edge near it."""
    normals = _normals(edges.places)
    rises = _profiles(plane, edges.places, normals) * signs[:, np.newaxis, np.newaxis]
    weight = np.clip(rises, 0, None) ** 2 * np.exp(-((OFFSETS / 1.8) ** 2))
    strength = weight.sum(axis=2)
    aside = (weight * OFFSETS).sum(axis=2) / np.maximum(strength, 1e-6)
    places = edges.places + normals[:, np.newaxis] * aside[..., np.newaxis].astype(np.float32)
    return Edges(np.asarray(places, np.float32), edges.found & (strength > 4.0))


def _bend(edges: Edges) -> np.ndarray:
    """The sag of a smooth curve through each segment's points from its chord, per length; NaN where too few."""
    bent = np.full(len(edges.places), np.nan)
    for index, (places, found) in enumerate(zip(edges.places.astype(np.float64), edges.found, strict=True)):
        if found.sum() < ALONG - 3 or not (found[:2].any() and found[-2:].any()):
            continue
        chord = places[-1] - places[0]
        length = float(np.hypot(*chord))
        if length < 1:
            continue
        relative = (places[found] - places[0]) / length
        along = relative @ chord / length
        across = (relative[:, 1] * chord[0] - relative[:, 0] * chord[1]) / length
        curve = np.polynomial.Polynomial.fit(along, across, 3)
        ends = curve(along[[0, -1]])
        share = np.linspace(0, 1, 21)
        stray = curve(along[0] + (along[-1] - along[0]) * share) - (ends[0] + (ends[1] - ends[0]) * share)
        bent[index] = stray[np.argmax(np.abs(stray))]
    return bent
