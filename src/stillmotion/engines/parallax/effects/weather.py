"""Weather: snow, rain and dust as particles in front of the picture, sized by distance."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stillmotion.domain.rendering import Frame
from stillmotion.engines.parallax.camera.path import Samples, ease
from stillmotion.engines.parallax.camera.warp import Warp
from stillmotion.engines.parallax.effects.overlays import lightened
from stillmotion.engines.parallax.motion.timing import Beat
from stillmotion.vision.resize import Grid

SOFTNESS = 0.0011
"""Blur of a particle's outline, in frame heights."""
SUBPIXEL = 3
"""Fractional bits of OpenCV's drawing coordinates."""


@dataclass(frozen=True, slots=True)
class Particles:
    """A kind of particles. Lengths are in frame heights, speeds in frame heights a second for the nearest.

    `streak` is the length of a drawn streak, 0 for a dot; `opacity` is the nearest particle's.
    """

    count: int
    radius: float
    fall: float
    wind: float
    wander: float
    streak: float
    opacity: float


WEATHER: Mapping[str, Particles] = {
    "snow": Particles(340, 0.0058, 0.22, 0.05, 0.016, 0.0, 0.92),
    "rain": Particles(260, 0.0013, 1.9, 0.16, 0.0, 0.055, 0.42),
    "dust": Particles(90, 0.0032, -0.014, 0.02, 0.030, 0.0, 0.60),
}


@dataclass(frozen=True, slots=True)
class _ParticleField:
    """Particles of one kind: start, nearness, velocity and wander, in pixels and seconds."""

    kind: Particles
    place: NDArray[np.float64]
    near: Samples
    velocity: NDArray[np.float64]
    wander: NDArray[np.float64]
    size: tuple[int, int]


class Weather:
    """Particles over frames of one size."""

    def __init__(self, keys: Iterable[str], size: tuple[int, int], beat: Beat, strength: float) -> None:
        self._beat = beat
        self._fields = [_scattered(WEATHER[key], size, beat, strength) for key in keys if key in WEATHER]
        self._shown = np.ones_like(beat.x) if beat.loop else ease(beat.x * beat.seconds / 1.6, 0.5)

    def over(self, frame: Frame, index: int, _: Grid, __: Warp) -> Frame:
        """The frame with its particles, drawn in place."""
        shown = float(self._shown[index])
        if shown <= 0:
            return frame
        width, height = frame.width, frame.height
        veil = np.zeros((height, width), np.uint8)
        for field in self._fields:
            _draw(field, veil, float(self._beat.x[index]) * self._beat.seconds, shown)
        cv2.GaussianBlur(veil, (0, 0), SOFTNESS * height, veil)
        return lightened(frame, veil)


def _scattered(kind: Particles, size: tuple[int, int], beat: Beat, strength: float) -> _ParticleField:
    width, height = size
    random = np.random.default_rng([beat.seed, kind.count])
    count = max(8, round(kind.count * min(max(strength, 0.4), 2.0) * max(1.0, width / height) / 1.6))
    # The exponent makes far particles more frequent than near ones.
    near = random.uniform(0, 1, count) ** 1.7
    place = random.uniform(0, 1, (count, 2)) * _room(size)
    pace = (0.35 + 0.65 * near) * random.uniform(0.85, 1.15, count)
    velocity = np.stack([kind.wind * pace, kind.fall * pace], axis=1) * height
    if beat.loop:
        laps = velocity * beat.seconds / _room(size)
        # In a loop every particle wraps around a whole number of times.
        whole = np.sign(kind.fall) * np.maximum(1, np.abs(laps[:, 1]).round())
        velocity = np.stack([laps[:, 0].round(), whole], axis=1) * _room(size) / beat.seconds
    rates = np.array([1, 2]) / beat.seconds if beat.loop else np.array([0.22, 0.37])
    wander = np.stack([random.uniform(0, 2 * np.pi, count), random.choice(rates, count)], axis=1)
    return _ParticleField(kind, place, near, velocity, wander, size)


def _room(size: tuple[int, int]) -> Any:
    """Size of the torus in which particles move, a little larger than the frame: width, height."""
    return np.array([size[0] * 1.1, size[1] * 1.1])


def _draw(field: _ParticleField, veil: Any, seconds: float, shown: float) -> None:
    kind, (_, height) = field.kind, field.size
    places = field.place + field.velocity * seconds
    swing = np.sin(2 * np.pi * field.wander[:, 1] * seconds + field.wander[:, 0])
    places[:, 0] += kind.wander * height * swing
    # Particles that leave on one side come back on the other.
    places = places % _room(field.size) - 0.05 * np.array(field.size)
    sizes = kind.radius * height * (0.25 + 0.75 * field.near)
    shades = 255 * kind.opacity * shown * (0.35 + 0.65 * field.near)
    unit = 1 << SUBPIXEL
    starts = (places * unit).round().astype(int)
    # Round particles are drawn as dots.
    if not kind.streak:
        for (x, y), size, shade in zip(starts.tolist(), sizes.tolist(), shades.tolist(), strict=True):
            cv2.circle(veil, (x, y), max(unit // 2, int(size * unit)), shade, -1, cv2.LINE_AA, SUBPIXEL)
        return
    lengths = kind.streak * height * (0.4 + 0.6 * field.near) / np.hypot(*field.velocity.T)
    ends = ((places + field.velocity * lengths[:, np.newaxis]) * unit).round().astype(int)
    for start, end, shade, size in zip(starts.tolist(), ends.tolist(), shades.tolist(), sizes.tolist(), strict=True):
        cv2.line(veil, start, end, shade, max(1, round(2 * size)), cv2.LINE_AA, SUBPIXEL)
