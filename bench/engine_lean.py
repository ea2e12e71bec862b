"""A leaning person, read from the clip: the head's way, the wall's way beside it, and the face's turn."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

EVERY = 3
"""Step between the frames that corners are followed through."""
CORNERS = 120
RETURNS_WITHIN = 0.5
"""Distance in pixels within which a followed corner comes back."""
FEWEST = 5
FACE = (0.1, 0.1, 0.9, 0.95)
"""Part of a face's box whose corners are its own: left, top, right, bottom."""
BESIDE = (0.12, 0.5)
"""Distances from a person within which the wall beside the head lies, in widths of the face."""
UPWARD = 0.3
"""Height of the wall's part above the face, in heights of the face."""
BUST = 2.5
"""Height of the picture below a face, in heights of the face, up to which the picture is a bust."""


@dataclass(frozen=True)
class FaceBox:
    """A face in pixels of the frame."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Pixels."""
        return self.bottom - self.top

    def is_bust(self, frame_height: int) -> bool:
        """True if little of the body is in the frame."""
        return (frame_height - self.bottom) < BUST * self.height


@dataclass(frozen=True)
class Lean:
    """The head's way and the wall's in pixels, the wall's None where it has nothing to follow; the turn in degrees."""

    head: float
    wall: float | None
    turn: float

    @property
    def dragged(self) -> float | None:
        """The wall's way over the head's."""
        return None if self.wall is None else self.wall / max(self.head, 1e-6)


def lean(planes: Sequence[np.ndarray], face: FaceBox, people: Flags) -> Lean:
    """The lean of one face from a clip's first frame to its last; `people` are the first frame's pixels of any."""
    frames = [*planes[:-1:EVERY], planes[-1]]
    head = followed(frames, _inside(planes[0].shape, _part(face)))
    if head.shape[1] < FEWEST:
        return Lean(0.0, None, 0.0)
    fit = cv2.estimateAffinePartial2D(head[0], head[-1], method=cv2.RANSAC, ransacReprojThreshold=2.0)[0]
    if fit is None:
        return Lean(0.0, None, 0.0)
    middle = np.array([(face.left + face.right) / 2, (face.top + face.bottom) / 2])
    way = fit @ np.array([*middle, 1.0]) - middle
    wall = followed(frames, wall_beside(face, people, way))
    dragged = float(np.median(np.hypot(*(wall[-1] - wall[0]).T))) if wall.shape[1] >= FEWEST else None
    return Lean(float(np.hypot(*way)), dragged, float(abs(np.degrees(np.arctan2(fit[1, 0], fit[0, 0])))))


def wall_beside(face: FaceBox, people: Flags, way: np.ndarray) -> Flags:
    """The wall left and right of a head, clear of people and of where the head goes: a mask of the frame."""
    steps = [np.array([[1, 0, share * way[0]], [0, 1, share * way[1]]], np.float32) for share in np.linspace(0, 1, 5)]
    size = people.shape[::-1]
    covered = np.max([cv2.warpAffine(people.astype(np.uint8), step, size) for step in steps], axis=0)
    away = cv2.distanceTransform((covered == 0).astype(np.uint8), cv2.DIST_L2, 5)
    near, far = (share * face.width for share in BESIDE)
    rows = FaceBox(0, face.top - UPWARD * face.height, float(size[0]), face.bottom)
    return np.asarray((away >= near) & (away <= far) & _inside(people.shape, rows))


def _inside(shape: tuple[int, ...], box: FaceBox) -> Flags:
    mask = np.zeros(shape, bool)
    mask[max(int(box.top), 0) : max(int(box.bottom), 0), max(int(box.left), 0) : max(int(box.right), 0)] = True
    return mask


def _part(face: FaceBox) -> FaceBox:
    left, top, right, bottom = FACE
    return FaceBox(
        face.left + left * face.width,
        face.top + top * face.height,
        face.left + right * face.width,
        face.top + bottom * face.height,
    )


def followed(frames: Sequence[np.ndarray], mask: Flags) -> Floats:
    """Corners in a mask of the first frame, followed to the last: frames × points × 2 in pixels, lost ones left out."""
    corners = cv2.goodFeaturesToTrack(frames[0], CORNERS, 0.02, 4, mask=mask.astype(np.uint8)) if mask.any() else None
    if corners is None:
        return np.zeros((len(frames), 0, 2), np.float32)
    paths, alive = [corners.reshape(-1, 2)], np.ones(len(corners), bool)
    for before, after in pairwise(frames):
        there, _, _ = cv2.calcOpticalFlowPyrLK(before, after, paths[-1].reshape(-1, 1, 2), None, winSize=(21, 21))
        back, _, _ = cv2.calcOpticalFlowPyrLK(after, before, there, None, winSize=(21, 21))
        alive &= np.hypot(*(back.reshape(-1, 2) - paths[-1]).T) < RETURNS_WITHIN
        paths.append(there.reshape(-1, 2))
    return np.ascontiguousarray(np.stack(paths)[:, alive], np.float32)
