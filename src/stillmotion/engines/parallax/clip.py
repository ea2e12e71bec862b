"""One keyframe being filmed: the camera's way through it, what stirs in it and what falls before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from stillmotion.domain.rendering import Frame, Picture, checkpoint
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.analysis.scene import Scene
from stillmotion.engines.parallax.camera.carryover import REST, Momentum
from stillmotion.engines.parallax.camera.path import CameraPath, Samples, camera_path, times
from stillmotion.engines.parallax.camera.projection import NearnessMap, Views, lookup, step
from stillmotion.engines.parallax.camera.staging import Stage
from stillmotion.engines.parallax.camera.warp import Layer, Warp, displaced
from stillmotion.engines.parallax.canvas import Canvas
from stillmotion.engines.parallax.effects.flicker import Flicker
from stillmotion.engines.parallax.effects.overlays import Veils
from stillmotion.engines.parallax.effects.weather import Weather
from stillmotion.engines.parallax.language.moves import velocity_fields
from stillmotion.engines.parallax.language.plan import MotionPlan
from stillmotion.engines.parallax.motion.displacement import Cells, Deformation, joined
from stillmotion.engines.parallax.motion.subject import Beat, deformations
from stillmotion.engines.parallax.motion.waves import drifting, stirred
from stillmotion.vision.resize import Grid

MARGIN = 0.13
"""How far a picture is continued beyond its edges, in frame sides, for a camera that has to look there."""
LEAST_DRIFT = 0.05
"""Pixels: where less drifts, both copies show the same."""
MATCHING = (0.4, 2.5)
"""How much a speed that is carried over may be scaled to look the same on another estimate of the depth."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a clip is to be: frames of `size`, so many of them over `seconds`."""

    size: FrameSize
    count: int
    seconds: float
    seed: int

    @property
    def rate(self) -> float:
        """Steps between frames a second."""
        return max(self.count - 1, 1) / self.seconds


@dataclass(frozen=True, slots=True)
class Joint:
    """How a keyframe meets what is beside it.

    With `whole` its first frame is the whole picture, whatever the move; with `arriving` its last one is.
    `momentum` is the motion carried over the joint.
    """

    momentum: Momentum = REST
    whole: bool = False
    arriving: bool = False


class Film:
    """Draws the frames of one keyframe under one plan."""

    def __init__(self, picture: Picture, scene: Scene, plan: MotionPlan, terms: Terms, joint: Joint) -> None:
        self._terms = terms
        shot, self._surface, self._views, self.path = _staged(picture, scene, plan, terms, joint)
        self._warp = Warp(self._surface)
        checkpoint()
        beat = Beat(times(terms.count, loop=plan.loop), terms.seconds, plan.loop, terms.seed)
        cells, strength = Cells.of(self._surface, shot.picture), plan.strength
        checkpoint()
        subject = deformations(plan.subject, scene, cells, beat, strength)
        checkpoint()
        stirs = stirred((*plan.subject, *plan.ambient), scene, cells, beat, strength)
        self._moving = joined([*subject, *stirs])
        self._flow: Deformation | None = None
        checkpoint()
        self._drift = drifting(plan.ambient, scene, cells, beat, strength)
        checkpoint()
        self._flicker = Flicker(plan.ambient, scene, cells, beat, strength)
        checkpoint()
        self._veils = Veils(plan.ambient, scene, cells, beat, strength)
        self._weather = Weather(plan.ambient, (terms.size.width, terms.size.height), beat, strength)

    @property
    def canvas(self) -> Canvas:
        """What is read from."""
        return self._surface.canvas

    def carry(self, flow: Deformation) -> None:
        """Let the whole picture be displaced besides, on the canvas's cells."""
        self._flow = flow

    def draw(self, index: int) -> Frame:
        """The frame of this index."""
        return self.drawn(index, self.sources(index))

    def sources(self, index: int) -> Grid:
        """The canvas pixel that each cell of the frame shows, as `Warp.sources`."""
        return self._warp.sources(self._views.at(index), self._displacement(index))

    def drawn(self, index: int, sources: Grid) -> Frame:
        """The frame that the map gives, with all that drifts through it and falls before it."""
        frame = self._warp.draw(*self._layers(index, sources))
        lit = self._flicker.over(frame, index, sources, self._warp)
        checkpoint()
        veiled = self._veils.over(lit, index, sources, self._warp)
        checkpoint()
        shown = self._weather.over(veiled, index)
        checkpoint()
        return shown

    def enlarged(self, grid: Grid, cell: int) -> Any:
        """As `Warp.enlarged`."""
        return self._warp.enlarged(grid, cell)

    def _layers(self, index: int, sources: Grid) -> tuple[Grid, Layer | None]:
        """The map with all that drifts in its first place, and what is laid over it: the same in its second."""
        if self._drift is None:
            return sources, None
        reach = np.abs(lookup(self._drift.shape, sources[..., 0], sources[..., 1]))
        rows = np.flatnonzero(cv2.reduce(cv2.max(*cv2.split(reach)), 1, cv2.REDUCE_MAX) > LEAST_DRIFT)
        if not len(rows):
            return sources, None
        first, end = max(1, int(rows[0])), min(len(sources) - 1, int(rows[-1]) + 1)
        part = sources[first - 1 : end + 1]
        (place, _), *more = self._drift.copies(index)
        moved = sources.copy()
        moved[first - 1 : end + 1] = displaced(part, self._drift.shape, place)
        layers = [Layer(displaced(part, self._drift.shape, way), share, first - 1, end - 1) for way, share in more]
        return moved, layers[0] if layers else None

    def _displacement(self, index: int) -> Grid | None:
        moving = None if self._moving is None else self._moving.at(index)
        return moving if self._flow is None else _sum(moving, self._flow.at(index))

    def opening(self) -> Momentum:
        """How the clip starts."""
        return self._momentum(self.path.opening, 0, 1)

    def ending(self) -> Momentum:
        """How the clip ends."""
        return self._momentum(self.path.ending, self._terms.count - 1, self._terms.count - 2)

    def _momentum(self, velocity: Samples, first: int, second: int) -> Momentum:
        if self._terms.count < 2 or not np.abs(velocity).max() > 0:
            return REST
        speed = step(self._surface, self._views, first, second) * self._terms.rate
        return Momentum(_by_name(velocity), speed)


def mixed(frames: Sequence[tuple[Frame, float]]) -> Frame:
    """One frame, or two laid over each other by their shares, which add up to 1."""
    (first, share), *rest = frames
    if not rest:
        return first
    ((other, remainder),) = rest
    planes = cv2.addWeighted(first.planes, share, other.planes, remainder, 0).reshape(-1)
    return Frame(first.width, first.height, planes)


def _sum(one: Grid | None, other: Grid) -> Grid:
    return other if one is None else one + other


def _staged(
    picture: Picture, scene: Scene, plan: MotionPlan, terms: Terms, joint: Joint
) -> tuple[Stage, NearnessMap, Views, CameraPath]:
    """The picture laid out and the camera's way through it, at the carried speed as it looks on this picture."""
    velocity = {} if joint.momentum.is_rest or plan.loop else dict(joint.momentum.velocity)
    path = _path(plan, terms, joint, velocity)
    shot = Stage.over(picture, terms.size, scene, MARGIN if path.reveals else 0.0)
    checkpoint()
    surface, views = shot.staged(path)
    checkpoint()
    if not velocity or terms.count < 2:
        return shot, surface, views, path
    edge = (terms.count - 1, terms.count - 2) if joint.arriving else (0, 1)
    found = step(surface, views, *edge) * terms.rate
    factor = float(np.clip(joint.momentum.speed / max(found, 1e-6), *MATCHING))
    path = _path(plan, terms, joint, {name: value * factor for name, value in velocity.items()})
    return shot, *shot.staged(path), path


def _path(plan: MotionPlan, terms: Terms, joint: Joint, velocity: dict[str, float]) -> CameraPath:
    return camera_path(
        plan,
        terms.count,
        terms.seconds,
        terms.seed,
        arriving=joint.arriving,
        carried=velocity,
        whole=joint.whole,
    )


def _by_name(velocity: Samples) -> dict[str, float]:
    """A pose's change by its fields' names; the hand's sway is not carried."""
    return {name: float(value) for name, value in zip(velocity_fields(), velocity, strict=False)}
