"""One keyframe's clip: the camera's path through it, motion inside it, and effects over it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from stillmotion.domain.rendering import Frame, Picture, checkpoint
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.analysis.persons import Person, everybody, person_meant
from stillmotion.engines.parallax.analysis.scene import Scene
from stillmotion.engines.parallax.camera.carryover import REST, Momentum
from stillmotion.engines.parallax.camera.path import FAR, CameraPath, Samples, camera_path, ease, times
from stillmotion.engines.parallax.camera.projection import CELL, NearnessMap, Views, lookup, step
from stillmotion.engines.parallax.camera.staging import Stage
from stillmotion.engines.parallax.camera.warp import Over, Warp, displaced
from stillmotion.engines.parallax.canvas import Canvas
from stillmotion.engines.parallax.effects.air import Air
from stillmotion.engines.parallax.effects.flicker import FLICKERS, Flicker
from stillmotion.engines.parallax.effects.overlays import VEILS, Veils
from stillmotion.engines.parallax.effects.shimmer import SHIMMERS, Shimmer
from stillmotion.engines.parallax.effects.weather import WEATHER, Weather
from stillmotion.engines.parallax.language.moves import velocity_fields
from stillmotion.engines.parallax.language.plan import MotionPlan
from stillmotion.engines.parallax.layers.drawing import LayeredWarp
from stillmotion.engines.parallax.layers.person import from_mask
from stillmotion.engines.parallax.layers.sheets import Layers, in_layers
from stillmotion.engines.parallax.motion.displacement import Cells, Deformation, combined
from stillmotion.engines.parallax.motion.figure import ON_PEOPLE, figure_moved
from stillmotion.engines.parallax.motion.subject import deformations
from stillmotion.engines.parallax.motion.timing import Beat
from stillmotion.engines.parallax.motion.waves import Drift, drift_of, waves_of
from stillmotion.vision.resize import Grid

MARGIN = 0.13
"""Border by which a picture is continued beyond its edges, in frame sides, for a camera that has to look there."""
LEAST_DRIFT = 0.05
"""Drift in pixels below which both copies show the same."""
OPENING = 10
"""Most frames in which a clip that starts at the picture passes from one surface to layers."""
AT_REST = 0.7
"""Motion in pixels that a first frame may have and be the picture still."""
HARDLY = 2.0
"""Motion in pixels up to which one surface shows the same as layers."""
MATCHING = (0.4, 2.5)
"""Range of the factor that matches a carried speed to another depth estimate."""


Effect = Callable[[Frame, int, Grid, Warp], Frame]
"""Changes a frame in place, from its index, its sampling map and the warp that drew it."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Size of a clip: frames of `size`, `count` of them over `seconds`."""

    size: FrameSize
    count: int
    seconds: float
    seed: int

    @property
    def rate(self) -> float:
        """Frame steps a second."""
        return max(self.count - 1, 1) / self.seconds


@dataclass(frozen=True, slots=True)
class Joint:
    """Boundary conditions of a keyframe.

    With `whole` its first frame is the whole picture, for any move; with `arriving` its last one is. `momentum` is the
    motion carried over.
    """

    momentum: Momentum = REST
    whole: bool = False
    arriving: bool = False


class Clip:
    """Draws one keyframe under one plan. Only the motions and effects that the plan asks for are built."""

    def __init__(self, picture: Picture, scene: Scene, plan: MotionPlan, terms: Terms, joint: Joint) -> None:
        self._terms = terms
        stage, self._surface, self._views, self.path = _staged(picture, scene, plan, terms, joint)
        self._flow: Deformation | None = None
        self._moving: Deformation | None = None
        self._figure: Deformation | None = None
        self._drift: Drift | None = None
        self._effects: tuple[Effect, ...] = ()
        if plan.subject or plan.ambient:
            self._animate(plan, scene, stage)
        layers = _layers(stage, self._surface, self._views, self._figure)
        checkpoint()
        self._warp = Warp(self._surface) if layers is None else LayeredWarp(layers)
        grown = layers is not None and layers.grown
        self._opened = _opened(self._views, self._figure, terms.size.width) if grown else np.ones(terms.count)
        self._mask = None if stage.cutout is None else stage.cutout.certainty
        checkpoint()

    def _animate(self, plan: MotionPlan, scene: Scene, stage: Stage) -> None:
        """Build the motions and effects that the plan asks for; a plain camera move has none."""
        terms, strength = self._terms, plan.strength
        beat = Beat(times(terms.count, loop=plan.loop), terms.seconds, plan.loop, terms.seed)
        cells = Cells.of(self._surface, stage.picture)
        checkpoint()
        keys = (*plan.subject, *plan.ambient)
        if stage.cutout is None:
            subject = deformations(plan.subject, scene, cells, beat, strength)
        else:
            # The person's own motion is the front layer's: the wall stays.
            own = [key for key in keys if key in ON_PEOPLE]
            self._figure = figure_moved(own, scene, stage.cutout, cells, beat, strength)
            subject, keys = [], tuple(key for key in keys if key not in ON_PEOPLE)
        checkpoint()
        self._moving = combined([*subject, *waves_of(keys, scene, cells, beat, strength)])
        checkpoint()
        self._drift = drift_of(plan.ambient, scene, cells, beat, strength)
        checkpoint()
        self._effects = tuple(self._asked_effects(plan.ambient, scene, cells, beat, strength))

    def _asked_effects(
        self, ambient: tuple[str, ...], scene: Scene, cells: Cells, beat: Beat, strength: float
    ) -> Iterator[Effect]:
        """Effects from back to front: light on the picture, mist in its air, snow before it."""
        if FLICKERS.keys() & ambient:
            yield Flicker(ambient, scene, cells, beat, strength).over
            checkpoint()
        if SHIMMERS.keys() & ambient:
            yield Shimmer(ambient, scene, cells, beat, strength).over
            checkpoint()
        if VEILS.keys() & ambient:
            yield Veils(ambient, scene, cells, beat, strength).over
            checkpoint()
        if WEATHER.keys() & ambient:
            size = self._terms.size.width, self._terms.size.height
            air = Air.around(scene, cells, self._views, size[1] / size[0])
            checkpoint()
            yield Weather(ambient, size, air, beat, strength).over

    @property
    def canvas(self) -> Canvas:
        """The canvas that frames are sampled from."""
        return self._surface.canvas

    @property
    def layers(self) -> int:
        """Layers that frames are drawn in."""
        return 2 if isinstance(self._warp, LayeredWarp) else 1

    @property
    def mask(self) -> float | None:
        """Certainty of the mask by which a person is a layer; None if no person is."""
        return self._mask

    def carry(self, flow: Deformation) -> None:
        """Add a displacement of the whole picture, on the canvas's cells."""
        self._flow = flow

    def draw(self, index: int) -> Frame:
        """The frame of an index."""
        return self.drawn(index, self.sources(index))

    def sources(self, index: int) -> Grid:
        """The sampling map of a frame, as `Warp.sources`."""
        moved = self._displacement(index)
        if self._figure is not None:
            moved = _summed(moved, self._figure.at(index))
        return self._warp.sources(self._views.at(index), moved)

    def drawn(self, index: int, sources: Grid) -> Frame:
        """The frame sampled through a map, with drift, and with the effects from back to front."""
        frame = self._plain(index, sources)
        for effect in self._effects:
            frame = effect(frame, index, sources, self._warp)
            checkpoint()
        return frame

    def _plain(self, index: int, sources: Grid) -> Frame:
        """The frame without effects: in layers, or as one surface that has nothing painted, or between both."""
        share = float(self._opened[index])
        frames = []
        if share > 0:
            frames.append((self._warp.draw(*self._copies(index, sources, self.behind(index))), share))
        if share < 1:
            frames.append((self._warp.draw(*self._copies(index, sources, None)), 1 - share))
        return mixed(frames)

    def enlarged(self, grid: Grid, cell: int) -> Any:
        """See `Warp.enlarged`."""
        return self._warp.enlarged(grid, cell)

    def behind(self, index: int) -> Grid | None:
        """The sampling map of the layer behind, if there is one."""
        if not isinstance(self._warp, LayeredWarp):
            return None
        return self._warp.behind(self._views.at(index), self._displacement(index))

    def _copies(self, index: int, sources: Grid, behind: Grid | None) -> tuple[Grid, Over | None, Grid | None]:
        """Sampling maps of the first copy of drifting clouds or smoke, with the second copy's over them."""
        if self._drift is None:
            return sources, None, behind
        # Only rows that visibly drift are sampled twice.
        reach = np.abs(lookup(self._drift.shape, sources[..., 0], sources[..., 1]))
        rows = np.flatnonzero(cv2.reduce(cv2.max(*cv2.split(reach)), 1, cv2.REDUCE_MAX) > LEAST_DRIFT)
        if not len(rows):
            return sources, None, behind
        first, end = max(1, int(rows[0])), min(len(sources) - 1, int(rows[-1]) + 1)
        part = slice(first - 1, end + 1)
        (place, _), *more = self._drift.copies(index)
        over = None
        for way, share in more[:1]:
            beneath = None if behind is None else displaced(behind[part], self._drift.shape, way)
            over = Over(displaced(sources[part], self._drift.shape, way), share, first - 1, end - 1, beneath)
        sources = _drifted(sources, self._drift, part, place)
        behind = None if behind is None else _drifted(behind, self._drift, part, place)
        return sources, over, behind

    def _displacement(self, index: int) -> Grid | None:
        moving = None if self._moving is None else self._moving.at(index)
        return moving if self._flow is None else _summed(moving, self._flow.at(index))

    def opening(self) -> Momentum:
        """Motion at the clip's start."""
        return self._momentum(self.path.opening, 0, 1)

    def ending(self) -> Momentum:
        """Motion at the clip's end."""
        return self._momentum(self.path.ending, self._terms.count - 1, self._terms.count - 2)

    def _momentum(self, velocity: Samples, first: int, second: int) -> Momentum:
        if self._terms.count < 2 or not np.abs(velocity).max() > 0:
            return REST
        speed = step(self._surface, self._views, first, second) * self._terms.rate
        return Momentum(_by_name(velocity), speed)


def mixed(frames: Sequence[tuple[Frame, float]]) -> Frame:
    """One frame, or two blended by their weights, which add up to 1."""
    (first, share), *rest = frames
    if not rest:
        return first
    ((other, remainder),) = rest
    planes = cv2.addWeighted(first.planes, share, other.planes, remainder, 0).reshape(-1)
    return Frame(first.width, first.height, planes)


def _drifted(sources: Grid, drift: Drift, part: slice, place: float) -> Grid:
    """The map with a part of its rows drifted."""
    moved = sources.copy()
    moved[part] = displaced(sources[part], drift.shape, place)
    return moved


def _layers(stage: Stage, surface: NearnessMap, views: Views, figure: Deformation | None) -> Layers | None:
    """The layers of a person cut out, or of a picture whose depth is known; None if neither is."""
    wall = surface.behind
    if stage.cutout is None or wall is None:
        return in_layers(stage, views)
    reach = np.hypot(*stage.slides(views)) * np.float32(CELL / (1 - FAR))
    moved = (surface.inverse - wall.inverse) * reach + (0.0 if figure is None else figure.largest())
    return from_mask(surface, wall, stage.cutout.alpha, moved)


def _opened(views: Views, figure: Deformation | None, width: int) -> Samples:
    """Share of the layers in each frame: none in a first or last frame that is the picture, and soon all.

    An eased motion has hardly begun in that time, and one surface bears it without a painted background.
    """
    count = len(views.x)
    away = np.arange(count)
    shares = np.ones(count)
    for end, steps in ((0, away), (count - 1, count - 1 - away)):
        moved = [_moved(views, figure, width, abs(end - frame)) for frame in range(min(OPENING, count))]
        if moved[0] < AT_REST:
            hardly = sum(1 for way in moved if way < HARDLY)
            shares = np.minimum(shares, ease(steps / hardly, 0.5))
    return shares


def _moved(views: Views, figure: Deformation | None, width: int, frame: int) -> float:
    """Farthest that near things have moved against far ones in a frame, in pixels."""
    way = max(abs(float(offset[frame])) for offset in (views.x, views.y, views.z)) * (1 - FAR) * width
    return way if figure is None else way + float(np.abs(figure.at(frame)).max())


def _summed(one: Grid | None, other: Grid) -> Grid:
    return other if one is None else one + other


def _staged(
    picture: Picture, scene: Scene, plan: MotionPlan, terms: Terms, joint: Joint
) -> tuple[Stage, NearnessMap, Views, CameraPath]:
    """Stage the picture and its path, at the carried speed as it looks on this picture."""
    # A loop ends as it begins, so it cannot take up a speed.
    velocity = {} if joint.momentum.is_rest or plan.loop else dict(joint.momentum.velocity)
    path = _path(plan, terms, joint, velocity)
    person = _person(scene, plan, path)
    checkpoint()
    stage = Stage.over(picture, terms.size, scene, MARGIN if path.reveals else 0.0, person)
    checkpoint()
    surface, views = stage.fit_move(path)
    checkpoint()
    if not velocity or terms.count < 2:
        return stage, surface, views, path
    edge = (terms.count - 1, terms.count - 2) if joint.arriving else (0, 1)
    # The path is staged twice: first to see how fast the carried velocity looks here, then at the matching speed.
    found = step(surface, views, *edge) * terms.rate
    factor = float(np.clip(joint.momentum.speed / max(found, 1e-6), *MATCHING))
    path = _path(plan, terms, joint, {name: value * factor for name, value in velocity.items()})
    return stage, *stage.fit_move(path), path


def _person(scene: Scene, plan: MotionPlan, path: CameraPath) -> Person | None:
    """The person whose own motion is asked for, or all people where the camera moves around them; None if neither."""
    if any(key in ON_PEOPLE for key in (*plan.subject, *plan.ambient)):
        return person_meant(scene, plan.who.place if plan.who else None)
    if scene.depth is None or scene.depth.is_layered or not path.has_parallax:
        return None
    return everybody(scene)


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
    """A pose's change by field; the hand-held sway is not carried."""
    return {name: float(value) for name, value in zip(velocity_fields(), velocity, strict=False)}
