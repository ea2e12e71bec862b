"""Weather: snow, rain and dust as particles at three depths, with the subject between them.

A particle's size, speed, streak and parallax follow its nearness. The nearest are few, large and out of focus; the
others vanish where the picture's surface is nearer than they are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stillmotion.domain.rendering import Frame, checkpoint
from stillmotion.engines.parallax.camera.path import Samples, ease
from stillmotion.engines.parallax.camera.projection import CELL
from stillmotion.engines.parallax.camera.warp import Warp
from stillmotion.engines.parallax.effects.air import Air, Plane
from stillmotion.engines.parallax.effects.overlays import lightened
from stillmotion.engines.parallax.motion.timing import Beat
from stillmotion.vision.resize import Grid, Pixels

COARSE = 4
"""Pixels of the frame to one of the nearest particles' veil."""
SUBPIXEL = 3
"""Fractional bits of OpenCV's drawing coordinates."""
EXPOSURE = 1 / 40
"""Seconds over which a moving particle is smeared."""
SIZES = (0.65, 1.4)
"""Range of a particle's size, speed and strength among those of its depth."""
COMPACT = 0.01
"""Longest smear, in frame heights, of a particle that is hidden as a whole."""
FEWEST = 4
"""Least number of particles at a depth."""


@dataclass(frozen=True, slots=True)
class Particles:
    """A kind of particles.

    Lengths are in frame heights, speeds in frame heights a second, at the middle depth; elsewhere they grow with
    closeness. `counts` are those of the depths, from far to near, in a frame of 16:9. `smear` is a factor on streaks,
    `blur` the softness of the nearest in their radii, `opacities` the strengths from far to near.
    """

    counts: tuple[int, int, int]
    radius: float
    fall: float
    wind: float
    wander: float
    smear: float
    blur: float
    opacities: tuple[float, float, float]

    @property
    def is_compact(self) -> bool:
        """True if a particle is small enough to be seen or hidden as a whole."""
        return abs(self.fall) * EXPOSURE * self.smear < COMPACT


WEATHER: Mapping[str, Particles] = {
    "snow": Particles((340, 190, 26), 0.0032, 0.19, 0.045, 0.014, 1.0, 0.5, (0.62, 0.90, 0.74)),
    "rain": Particles((320, 150, 18), 0.0008, 1.70, 0.150, 0.000, 1.2, 0.5, (0.24, 0.38, 0.26)),
    "dust": Particles((90, 80, 18), 0.0023, -0.014, 0.020, 0.028, 0.0, 0.8, (0.44, 0.70, 0.44)),
}


@dataclass(frozen=True, slots=True)
class _ParticleField:
    """Particles of one kind on one plane: places, sizes, velocities and wander in frame widths and seconds."""

    kind: Particles
    plane: Plane
    place: NDArray[np.float64]
    size: Samples
    shade: Samples
    velocity: NDArray[np.float64]
    wander: NDArray[np.float64]

    def at(self, index: int, seconds: float) -> tuple[Any, Any, Any]:
        """Places, smears (both n × 2) and sizes in a frame, in frame widths."""
        moved = self.place + self.velocity * seconds
        swing = np.sin(2 * np.pi * self.wander[:, 1] * seconds + self.wander[:, 0])
        moved[:, 0] += self.wander[:, 2] * swing
        smears = self.velocity * (EXPOSURE * self.kind.smear)
        places = self.plane.in_frame(moved, index)
        return places, smears @ self.plane.inverse[index].T, self.size * self.plane.magnified(index)


class Weather:
    """Particles in a scene's air, over frames of one size (width, height)."""

    def __init__(self, keys: Iterable[str], size: tuple[int, int], air: Air, beat: Beat, strength: float) -> None:
        self._beat = beat
        kinds = [WEATHER[key] for key in keys if key in WEATHER]
        self._depths = [
            [_scattered(kind, depth, air.planes[depth], size, beat, strength) for kind in kinds] for depth in range(3)
        ]
        self._planes = air.planes
        self._shown = np.ones_like(beat.x) if beat.loop else ease(beat.x * beat.seconds / 1.6, 0.5)

    def over(self, frame: Frame, index: int, sources: Grid, warp: Warp) -> Frame:
        """The frame with its particles, drawn in place."""
        shown = float(self._shown[index])
        if shown <= 0:
            return frame
        veil = self._nearest(frame, index, shown)
        for fields, plane in zip(self._depths[:2], self._planes, strict=False):
            opening = plane.opening(sources)
            for field in fields:
                if opening is None or field.kind.is_compact:
                    _draw(field, veil, index, self._beat, shown, opening)
                    continue
                # A streak may be hidden in part. Those in cells that are hidden all round are not drawn.
                layer = np.zeros_like(veil)
                around = cv2.dilate(opening, np.ones((5, 5), np.uint8))
                _draw(field, layer, index, self._beat, shown, around)
                cv2.multiply(layer, warp.enlarged(opening), dst=layer, scale=1 / 255)
                veil = cv2.max(veil, layer, veil)
            checkpoint()
        # Small circles of OpenCV's have corners.
        return lightened(frame, cv2.GaussianBlur(veil, (3, 3), 0, dst=veil))

    def _nearest(self, frame: Frame, index: int, shown: float) -> Pixels:
        """A veil of the nearest particles. They are out of focus, so that a part of the pixels determines them."""
        veil = np.zeros((-(-frame.height // COARSE), -(-frame.width // COARSE)), np.uint8)
        for field in self._depths[2]:
            _draw(field, veil, index, self._beat, shown, None)
        blur = max((field.kind.blur * float(field.size.mean()) for field in self._depths[2]), default=0.0)
        cv2.GaussianBlur(veil, (0, 0), max(0.7, blur * veil.shape[1]), veil)
        return np.asarray(cv2.resize(veil, (frame.width, frame.height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _scattered(
    kind: Particles, depth: int, plane: Plane, size: tuple[int, int], beat: Beat, strength: float
) -> _ParticleField:
    random = np.random.default_rng([beat.seed, sum(kind.counts), depth])
    tall = size[1] / size[0]
    # As many to an area as in a frame of 16:9 whose room is a little larger than it.
    crowd = kind.counts[depth] * min(max(strength, 0.4), 2.0) * float(plane.room.prod()) / (tall * tall * 16 / 9)
    count = max(FEWEST, round(crowd))
    vary = random.uniform(*SIZES, count)
    close = plane.closeness * vary
    velocity = np.stack([kind.wind * close, kind.fall * close], axis=1) * tall
    if beat.loop:
        laps = (velocity * beat.seconds / plane.room).round()
        # In a loop every particle goes round its room a whole number of times.
        laps[:, 1] = np.sign(kind.fall) * np.maximum(1, np.abs(laps[:, 1]))
        velocity = laps * plane.room / beat.seconds
    rates = np.array([1, 2]) / beat.seconds if beat.loop else np.array([0.22, 0.37])
    wander = [random.uniform(0, 2 * np.pi, count), random.choice(rates, count), kind.wander * tall * close]
    return _ParticleField(
        kind,
        plane,
        random.uniform(0, 1, (count, 2)) * plane.room,
        kind.radius * tall * close,
        255 * kind.opacities[depth] * vary / SIZES[1],
        velocity,
        np.stack(wander, axis=1),
    )


def _draw(field: _ParticleField, veil: Pixels, index: int, beat: Beat, shown: float, around: Pixels | None) -> None:
    """Dots, and streaks where a smear is longer than its particle.

    None is drawn where `around`, on a map's cells, is 0; compact ones are fainter where it is less than 255.
    """
    height, width = veil.shape
    places, smears, sizes = field.at(index, float(beat.x[index]) * beat.seconds)
    places, smears, sizes = (
        places * width + np.array([width / 2 - 0.5, height / 2 - 0.5]),
        smears * width,
        sizes * width,
    )
    reach = (sizes * 2 + np.abs(smears).max(axis=1))[:, np.newaxis]
    seen = ((places > -reach) & (places < np.array([width, height]) + reach)).all(axis=1)
    visible: Any = None
    if around is not None:
        row, column = (
            np.clip(places[:, axis] / CELL + 1, 0, around.shape[1 - axis] - 1).astype(int) for axis in (1, 0)
        )
        visible = around[row, column]
        seen &= visible > 0
    places, smears, sizes = places[seen], smears[seen], sizes[seen]
    # What is finer than a pixel is drawn as wide as one, and fainter.
    shades = field.shade[seen] * np.minimum(1, 2 * sizes) * shown
    if visible is not None and field.kind.is_compact:
        shades = shades * (visible[seen] / 255)
    unit = 1 << SUBPIXEL
    starts, ends = (((places + smears * half) * unit).round().astype(int) for half in (-0.5, 0.5))
    radii = np.maximum(unit // 2, sizes * unit).astype(int)
    wide = np.where(np.hypot(*smears.T) > sizes, np.maximum(1, (2 * sizes).round()), 0).astype(int)
    for start, end, radius, line, shade in zip(
        starts.tolist(), ends.tolist(), radii.tolist(), wide.tolist(), shades.tolist(), strict=True
    ):
        if line:
            cv2.line(veil, start, end, shade, line, cv2.LINE_AA, SUBPIXEL)
        else:
            cv2.circle(veil, start, radius, shade, -1, cv2.LINE_AA, SUBPIXEL)
