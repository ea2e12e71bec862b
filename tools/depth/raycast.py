"""A ray caster in numpy: planes, boxes, ellipsoids and cones before one camera, with their distances.

Coordinates are metres: x to the right, y up, z ahead. A ray is (x, y, 1) in the camera's frame, so that its parameter
is the distance along the optical axis, the one that disparity is the inverse of.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tools.depth.textures import Texture

FAR = 1e6
"""Distance of the sky."""
NEAREST = 0.03
"""Least distance of a surface."""


@dataclass(frozen=True, slots=True)
class Skin:
    """A surface's look: its texture, the size of a tile, a tint, and how ragged its outline is (0 to 1)."""

    texture: Texture
    tile: float = 1.0
    tint: Any = 1.0
    ragged: float = 0.0
    gloss: float = 0.0
    glow: float = 0.0


@dataclass(frozen=True, slots=True)
class Light:
    """Direction to the light (unit), its colour, the ambient light's colour, and the depth of shadows."""

    towards: Any
    colour: Any
    ambient: Any
    shadow: float

    @classmethod
    def of(cls, towards: Any, colour: Any, ambient: Any, shadow: float) -> "Light":
        """A light in single precision, as everything here is."""
        direction, bright, around = (np.asarray(one, np.float32) for one in (towards, colour, ambient))
        return cls(direction, bright, around, float(shadow))


def dot(one: Any, other: Any) -> Any:
    """Dot products along the last axis of three, which numpy's reductions are slow at."""
    return one[..., 0] * other[..., 0] + one[..., 1] * other[..., 1] + one[..., 2] * other[..., 2]


def unit(vectors: Any) -> Any:
    """Vectors of length 1."""
    return vectors / (np.sqrt(dot(vectors, vectors))[..., None] + 1e-9)


def risen(height: float) -> Any:
    """The way up by `height` metres."""
    return np.array((0, height, 0), np.float32)


def turned(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> Any:
    """Rotation about z by `roll`, then x by `pitch`, then y by `yaw` (radians)."""
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in (yaw, pitch, roll))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return (about_y @ about_x @ about_z).astype(np.float32)


@dataclass(slots=True)
class Camera:
    """Rays of a picture; `pitch` is positive downwards, `across` the tangent of half the angle of the longer side."""

    width: int
    height: int
    across: float
    pitch: float
    roll: float = 0.0
    eye: Any = field(default_factory=lambda: np.zeros(3, np.float32))
    rotation: Any = None
    rays: Any = None

    def __post_init__(self) -> None:
        self.across = float(self.across)
        self.rotation = turned(0, self.pitch, self.roll)
        longer = max(self.width, self.height)
        x = (np.arange(self.width) + 0.5 - self.width / 2) * 2 * self.across / longer
        y = -(np.arange(self.height) + 0.5 - self.height / 2) * 2 * self.across / longer
        grid = np.stack([*np.meshgrid(x, y), np.ones((self.height, self.width))], axis=2).astype(np.float32)
        self.rays = (grid.reshape(-1, 3) @ self.rotation.T).reshape(self.height, self.width, 3)

    @property
    def pixel(self) -> float:
        """Size of a pixel at a distance of 1."""
        return 2 * self.across / max(self.width, self.height)

    def at(self, column: float, row: float, distance: float) -> Any:
        """The point seen at a fraction of the picture's sides, at a distance along the axis."""
        i, j = int(np.clip(row, 0, 0.999) * self.height), int(np.clip(column, 0, 0.999) * self.width)
        return self.eye + self.rays[i, j] * distance

    def ahead(self, column: float, distance: float) -> Any:
        """The point on the level of the eye in a column of the picture (0 to 1, also beyond), `distance` ahead."""
        wide = self.width * self.pixel
        return self.eye + np.array([(column - 0.5) * wide * distance, 0, distance], np.float32)

    def window(self, centre: Any, radius: float) -> tuple[slice, slice] | None:
        """Rows and columns that a sphere may cover; None if it covers none."""
        x, y, z = self.rotation.T @ (np.asarray(centre, np.float32) - self.eye)
        if z < -radius:
            return None
        if z < 1.5 * radius:
            return slice(0, self.height), slice(0, self.width)
        half = radius / (z - radius) / self.pixel + 1
        column, row = x / z / self.pixel + self.width / 2, self.height / 2 - y / z / self.pixel
        left, right = max(0, int(column - half)), min(self.width, int(column + half) + 1)
        top, bottom = max(0, int(row - half)), min(self.height, int(row + half) + 1)
        return (slice(top, bottom), slice(left, right)) if left < right and top < bottom else None


class Stage:
    """A picture being drawn: nearest distance and colour of each pixel so far."""

    def __init__(self, camera: Camera, light: Light) -> None:
        self.camera, self.light = camera, light
        shape = (camera.height, camera.width)
        self.distance = np.full(shape, FAR, np.float32)
        self.colour = np.zeros((*shape, 3), np.float32)
        self.floor = np.zeros(shape, bool)
        self.feet: list[tuple[float, float, float, float]] = []

    def _put(
        self, window: Any, t: Any, normal: Any, where: tuple[Any, Any], skin: Skin, *, floor: bool = False
    ) -> None:
        """Draw hits of a window: distances `t` (inf for none), unit normals, texture coordinates in metres."""
        rows, columns = window
        hit = (t > NEAREST) & (t < self.distance[rows, columns])
        if not hit.any():
            return
        rays, far, up = self.camera.rays[rows, columns][hit], t[hit], normal[hit]
        across, down = (each[hit] / skin.tile for each in where)
        ray = unit(rays)
        facing = dot(up, ray)
        up = np.where((facing > 0)[:, None], -up, up)
        facing = np.abs(facing)
        seen = far * self.camera.pixel / skin.tile / np.maximum(facing, 0.12)
        shade = skin.texture.at(across, down, seen) * skin.tint
        lit = np.maximum(up @ self.light.towards, 0)[:, None]
        around = self.light.ambient * (0.75 + 0.25 * up[:, 1:2])
        shade = shade * np.maximum(around + self.light.colour * lit, skin.glow)
        if skin.gloss:
            mirrored = ray + 2 * facing[:, None] * up
            shade = shade + skin.gloss * np.maximum(mirrored @ self.light.towards, 0)[:, None] ** 24
        if skin.ragged:
            frayed = skin.texture.at(down * 2.7, across * 2.7, np.float32(0.01))[..., 1]
            whole = facing > skin.ragged * np.clip(1.6 * frayed, 0, 1)
            far, shade = far[whole], shade[whole]
            hit[hit] = whole
        self.distance[rows, columns][hit] = far
        self.colour[rows, columns][hit] = shade
        self.floor[rows, columns][hit] = floor

    def plane(self, point: Any, normal: Any, skin: Skin, *, floor: bool = False, span: float = np.inf) -> None:
        """An infinite plane, or a square part of it of half side `span` around the point."""
        normal = unit(np.asarray(normal, np.float32))
        along = np.cross(normal, (0, 0, 1) if abs(normal[2]) < 0.9 else (0, 1, 0)).astype(np.float32)
        along = unit(along)
        across = np.cross(normal, along)
        rays = self.camera.rays
        falls = rays @ normal
        t = ((np.asarray(point, np.float32) - self.camera.eye) @ normal) / np.where(np.abs(falls) < 1e-6, 1e-6, falls)
        there = self.camera.eye + rays * np.clip(t, 0, 1e4)[..., None] - point
        u, v = there @ along, there @ across
        t = np.where((t > 0) & (t < 5e3) & (np.abs(u) < span) & (np.abs(v) < span), t, np.inf)
        window = slice(0, self.camera.height), slice(0, self.camera.width)
        self._put(window, t, np.broadcast_to(normal, rays.shape), (u, v), skin, floor=floor)

    def _local(self, centre: Any, radius: float, rotation: Any) -> tuple[Any, Any, Any] | None:
        window = self.camera.window(centre, radius)
        if window is None:
            return None
        rays = self.camera.rays[window] @ rotation
        start = (self.camera.eye - np.asarray(centre, np.float32)) @ rotation
        return window, rays, start

    def ellipsoid(self, centre: Any, radii: Any, skin: Skin, rotation: Any = None) -> None:
        """An ellipsoid with the radii along its own axes."""
        rotation = turned() if rotation is None else rotation
        radii = np.broadcast_to(np.asarray(radii, np.float32), 3)
        found = self._local(centre, float(radii.max()), rotation)
        if found is None:
            return
        window, rays, start = found
        ray, begin = rays / radii, start / radii
        a, b = dot(ray, ray), ray @ begin
        root = b * b - a * (begin @ begin - 1)
        t = np.where(root > 0, (-b - np.sqrt(np.maximum(root, 0))) / a, np.inf)
        there = start + rays * np.where(np.isfinite(t), t, 0)[..., None]
        normal = there / (radii * radii)
        normal = unit(normal) @ rotation.T
        u = np.arctan2(there[..., 0], -there[..., 2]) * max(radii[0], radii[2])
        self._put(window, t, normal, (u, there[..., 1]), skin)

    def box(self, centre: Any, half: Any, skin: Skin, rotation: Any = None, *, inside: bool = False) -> None:
        """A box by half its sides along its own axes; `inside` draws the walls seen from within."""
        rotation = turned() if rotation is None else rotation
        half = np.asarray(half, np.float32)
        found = self._local(centre, FAR if inside else float(np.linalg.norm(half)), rotation)
        if found is None:
            return
        window, rays, start = found
        safe = np.where(np.abs(rays) < 1e-6, 1e-6, rays)
        one, other = (-half - start) / safe, (half - start) / safe
        entry, leave = np.minimum(one, other), np.maximum(one, other)
        first = np.maximum(np.maximum(entry[..., 0], entry[..., 1]), entry[..., 2])
        last = np.minimum(np.minimum(leave[..., 0], leave[..., 1]), leave[..., 2])
        t, sides = (last, leave) if inside else (first, entry)
        axis = np.where(sides[..., 0] == t, 0, np.where(sides[..., 1] == t, 1, 2))
        t = np.where(first < last, t, np.inf)
        there = start + rays * np.where(np.isfinite(t), t, 0)[..., None]
        normal = np.take(rotation.T, axis, axis=0)
        u = np.where(axis == 0, there[..., 2], there[..., 0])
        v = np.where(axis == 1, there[..., 2], there[..., 1])
        # Faces begin at a corner, so that facades and labels are whole.
        self._put(window, t, normal, (u + half[0], half[1] - v), skin)

    def cone(self, foot: Any, radii: tuple[float, float], height: float, skin: Skin, rotation: Any = None) -> None:
        """A cylinder or cut cone from its foot up its own y axis, with the radii at foot and top, and a lid."""
        rotation = turned() if rotation is None else rotation
        foot, height = np.asarray(foot, np.float32), float(height)
        radii = (float(radii[0]), float(radii[1]))
        middle = foot + rotation @ np.array([0, height / 2, 0], np.float32)
        found = self._local(middle, float(np.hypot(height / 2, max(radii))), rotation)
        if found is None:
            return
        window, rays, _ = found
        start = (self.camera.eye - foot) @ rotation
        slope = (radii[1] - radii[0]) / height
        wide = radii[0] + slope * start[1]
        a = rays[..., 0] ** 2 + rays[..., 2] ** 2 - (slope * rays[..., 1]) ** 2
        b = rays[..., 0] * start[0] + rays[..., 2] * start[2] - slope * rays[..., 1] * wide
        c = start[0] ** 2 + start[2] ** 2 - wide**2
        root = b * b - a * c
        t = (-b - np.sqrt(np.maximum(root, 0))) / np.where(np.abs(a) < 1e-9, 1e-9, a)
        high = start[1] + rays[..., 1] * t
        t = np.where((root > 0) & (high > 0) & (high < height), t, np.inf)
        down = np.where(np.abs(rays[..., 1]) < 1e-6, 1e-6, rays[..., 1])
        lid = (height - start[1]) / down
        on_lid = np.hypot(start[0] + rays[..., 0] * lid, start[2] + rays[..., 2] * lid) < radii[1]
        capped = on_lid & (lid > 0) & (lid < t)
        t = np.where(capped, lid, t)
        there = start + rays * np.where(np.isfinite(t), t, 0)[..., None]
        normal = there * np.array([1, 0, 1], np.float32)
        normal = unit(normal)
        normal[..., 1] -= slope
        normal[capped] = (0, 1, 0)
        normal = unit(normal) @ rotation.T
        u = np.arctan2(there[..., 0], -there[..., 2]) * max(radii)
        self._put(window, t, normal, (u, height - there[..., 1]), skin)

    def stands(self, at: Any, radius: float, height: float) -> None:
        """Note an object on the floor, for its shadow."""
        self.feet.append((float(at[0]), float(at[2]), float(radius), float(height)))

    def cast_shadows(self) -> None:
        """Darken the floor under and behind what stands on it."""
        if not self.floor.any():
            return
        ground = self.camera.eye + self.camera.rays[self.floor] * self.distance[self.floor][:, None]
        bright = np.ones(len(ground), np.float32)
        towards = self.light.towards
        lean = -towards[[0, 2]] / max(float(towards[1]), 0.25)
        for x, z, radius, height in self.feet:
            gone = ground[:, [0, 2]] - np.array([x, z], np.float32)
            contact = np.exp(-(gone**2).sum(1) / (1.1 * radius) ** 2)
            reach = lean * height
            along = np.clip((gone @ reach) / max(float(reach @ reach), 1e-6), 0, 1)
            aside = ((gone - along[:, None] * reach) ** 2).sum(1) / (0.8 * radius) ** 2
            bright *= (1 - 0.5 * contact) * (1 - self.light.shadow / (1 + aside**3))
        self.colour[self.floor] *= np.maximum(bright, 0.15)[:, None]
