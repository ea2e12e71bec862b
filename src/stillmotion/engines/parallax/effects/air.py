"""Air: planes at fixed distances before and behind the subject, as the moving camera sees them."""

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stillmotion.engines.parallax.analysis.scene import Scene
from stillmotion.engines.parallax.camera.path import FAR
from stillmotion.engines.parallax.camera.projection import Views, directions, lookup
from stillmotion.engines.parallax.motion.displacement import Cells
from stillmotion.engines.parallax.motion.regions import sampled
from stillmotion.vision.resize import Grid

BEFORE_ALL = 1.35
"""Inverse distance of the nearest plane; that of the picture's nearest surface is 1."""
BEHIND = 0.12
"""Nearness by which the middle plane lies behind the subject."""
MIDDLE_RANGE = (0.3, 0.8)
FAR_SHARE = 0.4
"""Nearness of the far plane, as a fraction of the middle one's."""
SOFT = 0.08
"""Half of the range of nearness over which a surface comes to hide a plane: a guessed depth has no outlines."""
ROOM = 1.15
"""Side of the torus in which things drift, over the largest part of its plane that is seen."""
SPAN = 0.25
"""Distance from the frame's middle, in frame widths, of the points that determine a plane's map."""


@dataclass(frozen=True, slots=True)
class Plane:
    """A plane across the view.

    `middle` is its point in the frame's middle, frames × 2, and `inverse` the map from the plane to the frame around
    it, frames × 2 × 2, both in frame widths. `room` is the side of the torus that covers all that is ever seen of it.
    `closeness` is its inverse distance over that of the middle plane. `open` is the part of it that no surface hides,
    0 to 1 on the canvas's cells; None if all of it is seen.
    """

    middle: NDArray[np.float64]
    inverse: NDArray[np.float64]
    room: NDArray[np.float64]
    closeness: float
    open: Grid | None

    def in_frame(self, places: NDArray[np.float64], frame: int) -> NDArray[np.float64]:
        """Places of the torus (n × 2) as points of a frame, in frame widths from its middle."""
        off = (places - self.middle[frame] + self.room / 2) % self.room - self.room / 2
        return off @ self.inverse[frame].T

    def magnified(self, frame: int) -> float:
        """Magnification of the plane's surroundings in a frame."""
        return float(np.sqrt(abs(np.linalg.det(self.inverse[frame]))))

    def opening(self, sources: Grid) -> Any:
        """The open part as a frame sees it through its sampling map: 0 to 255 on the map's cells, or None."""
        if self.open is None:
            return None
        return cv2.convertScaleAbs(lookup(self.open, sources[..., 0], sources[..., 1]), alpha=255)


@dataclass(frozen=True, slots=True)
class Air:
    """Three planes, from far to near: beyond the subject, close behind it, and before everything."""

    planes: tuple[Plane, Plane, Plane]

    @classmethod
    def around(cls, scene: Scene, cells: Cells, views: Views, tall: float) -> "Air":
        """The air of a scene; `tall` is the frame's height over its width. A drawing hides nothing."""
        depth = None if scene.is_flat_art else scene.depth
        near = None if depth is None else depth.near
        middle = _behind_subject(near, scene)
        levels = FAR_SHARE * middle, middle
        distances = [FAR + (1 - FAR) * level for level in levels]
        planes = [_plane(views, distance, tall, distance / distances[1]) for distance in (*distances, BEFORE_ALL)]
        if depth is not None:
            free = 1 - _person(scene, cells)
            surface = sampled(depth.near, cells)
            opened = [free * np.clip((level + SOFT - surface) / (2 * SOFT), 0, 1) for level in levels]
            if not depth.is_layered:
                # A guess knows no thing from the ground that it stands on, so that all but people lies behind.
                opened[1] = free * np.ones_like(surface)
            planes[:2] = [
                replace(plane, open=grid.astype(np.float32) if float(grid.min()) < 1 else None)
                for plane, grid in zip(planes, opened, strict=False)
            ]
        far, behind, before = planes
        return cls((far, behind, before))


def _behind_subject(near: Grid | None, scene: Scene) -> float:
    """Nearness of the middle plane: a little behind the focus."""
    if near is None:
        return sum(MIDDLE_RANGE) / 2
    height, width = near.shape
    x, y = scene.focus
    there = float(near[min(int(y * height), height - 1), min(int(x * width), width - 1)])
    return min(max(there - BEHIND, MIDDLE_RANGE[0]), MIDDLE_RANGE[1])


def _person(scene: Scene, cells: Cells) -> Any:
    return np.float32(0) if scene.people is None else np.clip(sampled(scene.people, cells), 0, 1)


def _plane(views: Views, distance: float, tall: float, closeness: float) -> Plane:
    """The plane of an inverse distance. A turn's perspective is left out: the map is the best affine one."""
    points = [(0.0, 0.0), (SPAN, 0.0), (0.0, SPAN)]
    seen = []
    for x, y in points:
        ray_x, ray_y = directions(x, y, views)
        seen.append(
            np.stack(
                [ray_x + distance * (views.x - ray_x * views.z), ray_y + distance * (views.y - ray_y * views.z)], axis=1
            )
        )
    middle, right, down = seen
    whole = np.stack([right - middle, down - middle], axis=2) / SPAN
    reach = np.abs(whole).max(axis=0) @ np.array([1.0, tall])
    inverse = np.asarray(np.linalg.inv(whole), np.float64)
    return Plane(middle, inverse, ROOM * reach, closeness, None)
