"""Camera path: the pose at each frame, from moves, easing, sequences and loops.

Lengths are in frame widths at the distance of the nearest surface, angles in radians. At focal length 1 the lens sees
half a frame width to each side. x is right, y is down, z is into the picture.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillmotion.engines.parallax.language.moves import COLUMNS, MOVES
from stillmotion.engines.parallax.language.plan import MotionPlan, Segment

FAR = 0.3
"""Inverse distance of the farthest surface; the nearest one's is 1."""

Samples = NDArray[np.float64]

RAMP = 0.3
"""Fraction of a move in which it accelerates, and again in which it slows down."""

KEPT = 0.35
"""Fraction of its cruising speed that a clip keeps at its end, for an extension; it starts at rest."""

OUTWARD = 0.6
"""Factor on a move that shows more than the picture holds, if it may not start closer instead."""

INWARD = 0.75
"""Length of a dolly zoom that goes in, relative to one that goes back."""

BLEND = 0.14
"""Overlap of the moves in a sequence, as a fraction of a segment."""

SHAKES_PER_SECOND = 0.9
"""Base frequency of a hand-held camera, in hertz; it sways at 0.5 to 2.2 times this."""


@dataclass(frozen=True, slots=True)
class CameraPath:
    """The pose at each frame (frames × fields of `Pose`).

    `engaged`, 0 and up, bounds the fraction of the motion that is done; the overscan is proportional to it. `opening`
    and `ending` are the pose's change per second at either end, without the hand-held sway.
    """

    poses: Samples
    engaged: Samples
    opening: Samples
    ending: Samples

    def column(self, name: str) -> Samples:
        """One field of the pose over all frames."""
        return np.asarray(self.poses[:, COLUMNS[name]])

    def scaled(self, share: float) -> "CameraPath":
        """The path with all distances scaled by `share`."""
        if share == 1:
            return self
        return CameraPath(self.poses * share, self.engaged, self.opening * share, self.ending * share)

    def with_dolly_zooms_turned(self) -> "CameraPath":
        """The path with its dolly zooms the other way: towards the subject while the lens opens."""
        poses = self.poses.copy()
        poses[:, COLUMNS["vertigo"]] *= -INWARD
        return CameraPath(poses, self.engaged, self.opening, self.ending)

    def with_longer_pushes(self, factor: float) -> "CameraPath":
        """The path with its moves forwards and back longer by a factor: a far subject grows little."""
        if factor == 1:
            return self
        longer = np.ones(len(COLUMNS))
        longer[COLUMNS["forward"]] = factor
        return CameraPath(self.poses * longer, self.engaged, self.opening * longer, self.ending * longer)

    @property
    def ends_on_whole(self) -> bool:
        """True if the clip starts closer and ends on the whole picture."""
        return any(self.column(name)[0] > 1e-3 and self.column(name)[-1] < 1e-3 for name in _OUTWARD)

    @property
    def goes_round(self) -> bool:
        """True if the camera moves around its pivot."""
        return any(float(np.abs(self.column(name)).max()) > 1e-3 for name in ("orbit", "rise"))

    @property
    def has_parallax(self) -> bool:
        """True if near things move against far ones."""
        return any(float(np.abs(self.column(name)).max()) > 1e-3 for name in _PLACED)

    @property
    def only_goes_round(self) -> bool:
        """True if it moves around its pivot and neither comes closer otherwise nor slides away."""
        others = (name for name in COLUMNS if name not in {"orbit", "rise", "shake"})
        return self.goes_round and all(float(np.abs(self.column(name)).max()) < 1e-3 for name in others)

    @property
    def reveals(self) -> bool:
        """True if more is shown than the picture holds."""
        return any(float(self.column(name).min()) < -1e-3 for name in _OUTWARD)


_PLACED = ("right", "up", "forward", "orbit", "rise", "vertigo")
"""Fields that move the camera's place."""
_OUTWARD = ("forward", "zoom")
"""Fields that, below 0, show more than the picture holds."""


def ease(x: Any, ramp: float = RAMP, kept: float = 0.0) -> Samples:
    """Easing from 0 to 1 that starts at rest and ends at `kept` of its cruising speed.

    The speed rises along the quintic smoothstep, stays level and falls again (`ramp` is at most 1/2): velocity and
    acceleration are continuous.
    """
    inside = np.clip(np.asarray(x, np.float64), 0, 1)
    gathered = ramp * _ramp_distance(inside / ramp) + np.maximum(inside - ramp, 0)
    slowed = (1 - kept) * ramp * _ramp_distance((inside - (1 - ramp)) / ramp)
    done = (gathered - slowed) / (1 - ramp + kept * ramp / 2)
    return np.where(inside >= 1, 1.0, done)


def _ramp_distance(part: Any) -> Samples:
    """Integral of the quintic smoothstep from 0 to `part`; 1/2 in all."""
    part = np.clip(part, 0, 1)
    return np.asarray(part**6 - 3 * part**5 + 2.5 * part**4)


def there_and_back(x: Any) -> Samples:
    """One cosine period from 0 to 1 and back, for loops."""
    return np.asarray((1 - np.cos(2 * np.pi * np.asarray(x, np.float64))) / 2)


def times(frame_count: int, *, loop: bool) -> Samples:
    """Time of each frame, 0 to 1; in a loop up to one step before 1."""
    steps = frame_count if loop else max(frame_count - 1, 1)
    return np.arange(frame_count) / steps


def camera_path(
    plan: MotionPlan,
    frame_count: int,
    seconds: float,
    seed: int,
    *,
    arriving: bool = False,
    carried: Mapping[str, float] | None = None,
    whole: bool = False,
) -> CameraPath:
    """The path for a plan, starting at the picture itself if possible.

    A move that shows more than the picture holds (pulling or zooming out) starts closer and ends on the whole picture;
    with `whole` it starts at the picture and goes less far. With `arriving` the same motion ends at the picture, at
    rest. `carried` is the pose's change per second that the path starts with (or arrives at) instead of rest; loops
    ignore it.
    """
    x = times(frame_count, loop=plan.loop)
    kept = 0.0 if arriving or plan.loop else KEPT
    done = [_progress(x, plan.segments, index, plan, kept) for index in range(len(plan.segments))]
    poses = np.zeros((frame_count, len(COLUMNS)))
    for progress, segment in zip(done, plan.segments, strict=True):
        target = _target(segment, plan.strength * plan.camera_strength)
        if whole or arriving:
            target = _shortened_outward(target, -1.0 if arriving else 1.0)
        poses += progress[:, None] * target
    moving = [progress for progress, segment in zip(done, plan.segments, strict=True) if segment.moves]
    engaged = np.mean(moving, axis=0) if moving else np.zeros(frame_count)
    if arriving:
        shake = COLUMNS["shake"]
        reach = poses[:, shake].copy()
        poses, engaged = poses - poses[-1], np.abs(engaged - engaged[-1])
        poses[:, shake] = reach
    if carried and not plan.loop:
        poses, engaged = _with_carried(poses, engaged, x, seconds, carried, arriving=arriving)
    if not (whole or arriving):
        poses = _started_closer(poses)
    rate = max(frame_count - 1, 1) / seconds
    opening, ending = (poses[1] - poses[0]) * rate if frame_count > 1 else poses[0] * 0, _ending(poses, rate, plan)
    calm = np.ones(frame_count) if plan.loop else _sway_envelope((1 - x if arriving else x) * seconds)
    path = CameraPath(poses, engaged, opening, ending)
    return _with_sway(path, x * seconds, calm, seed, seconds if plan.loop else None)


def _started_closer(poses: Samples) -> Samples:
    """Outward moves shifted so that they end on the whole picture instead of beyond it."""
    poses = poses.copy()
    for name in _OUTWARD:
        column = poses[:, COLUMNS[name]]
        column -= min(0.0, float(column.min()))
    return poses


def _ending(poses: Samples, rate: float, plan: MotionPlan) -> Samples:
    if plan.loop or len(poses) < 2:
        return np.zeros(poses.shape[1])
    return np.asarray((poses[-1] - poses[-2]) * rate)


def _with_carried(
    poses: Samples, engaged: Samples, x: Samples, seconds: float, carried: Mapping[str, float], *, arriving: bool
) -> tuple[Samples, Samples]:
    """Add the carried velocity, eased out over the ramp in which the path's own speed eases in."""
    velocity = np.array([carried.get(name, 0.0) for name in COLUMNS])
    time = 1 - x if arriving else x
    way = np.minimum(time, RAMP) - RAMP * _ramp_distance(time / RAMP)
    coast = (-1 if arriving else 1) * way[:, np.newaxis] * velocity * seconds
    own = float(np.abs(poses).max())
    # Overscan follows both motions, each by its part of the whole.
    share = float(np.abs(coast).max()) / max(float(np.abs(coast).max()) + own, 1e-9)
    return poses + coast, (1 - share) * engaged + share * way / (RAMP / 2)


def _progress(x: Samples, segments: Sequence[Segment], index: int, plan: MotionPlan, kept: float) -> Samples:
    count = len(segments)
    if plan.loop:
        within = np.clip(x * count - index, 0, 1)
        return there_and_back(within) if count > 1 else there_and_back(x)
    blend = BLEND if count > 1 else 0.0
    # Neighbours overlap, so that one move fades into the next.
    start, end = (index - blend) / count, (index + 1 + blend) / count
    start, end = max(0.0, start), min(1.0, end)
    # A fast plan ends early and stands still, so nothing is left to carry.
    last = index == count - 1 and plan.speed <= 1
    return ease((x - start) / ((end - start) / max(plan.speed, 1.0)), kept=kept if last else 0.0)


def _target(segment: Segment, strength: float) -> Samples:
    # Two moves at once are each a little smaller.
    together = 1.0 if len(segment.moves) < 2 else 0.8
    summed = sum((np.array(astuple(MOVES[move])) for move in segment.moves), np.zeros(len(COLUMNS)))
    return np.asarray(summed * strength * together)


def _shortened_outward(target: Samples, side: float) -> Samples:
    """The target with outward moves shortened, if the picture itself must be at one end of the path (`side`)."""
    target = target.copy()
    for name in _OUTWARD:
        if side * target[COLUMNS[name]] < 0:
            target[COLUMNS[name]] *= OUTWARD
    return target


def _sway_envelope(seconds: Samples) -> Samples:
    """Envelope of the hand-held sway, from 0 at the picture itself: smoothstep over 0.8 seconds."""
    part = np.clip(seconds / 0.8, 0, 1)
    return part * part * (3 - 2 * part)


def _with_sway(path: CameraPath, seconds: Samples, share: Samples, seed: int, loop_seconds: float | None) -> CameraPath:
    """The path with hand-held sway, scaled by the envelope `share`, on pan, tilt, roll and height."""
    amount = float(np.abs(path.column("shake")).max())
    if amount == 0:
        return path
    poses = path.poses.copy()
    random = np.random.default_rng([seed, 7])
    for name, part in (("pan", 1.0), ("tilt", 0.8), ("roll", 0.45), ("up", 0.5)):
        poses[:, COLUMNS[name]] += amount * part * share * _sway(seconds, random, loop_seconds)
    return CameraPath(poses, np.maximum(path.engaged, share), path.opening, path.ending)


def _sway(seconds: Samples, random: np.random.Generator, loop_seconds: float | None) -> Samples:
    """Wandering signal that starts at 0 and mostly stays within ±1: incommensurate sines (whole cycles in a loop)."""
    total = np.zeros_like(seconds)
    for factor, weight in ((0.5, 0.5), (0.93, 0.3), (1.57, 0.14), (2.2, 0.06)):
        beat = SHAKES_PER_SECOND * factor * random.uniform(0.9, 1.1)
        if loop_seconds is not None:
            beat = max(1, round(beat * loop_seconds)) / loop_seconds
        phase = random.uniform(0, 2 * np.pi)
        total += weight * (np.sin(2 * np.pi * beat * seconds + phase) - np.sin(phase))
    return total
