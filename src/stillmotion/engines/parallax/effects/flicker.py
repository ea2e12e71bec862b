"""Flicker of fire and candles: flames, and the light that they throw, vary from place to place."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from stillmotion.domain.rendering import Frame
from stillmotion.engines.parallax.analysis.scene import Scene
from stillmotion.engines.parallax.camera.path import Samples, ease
from stillmotion.engines.parallax.camera.projection import CELL, lookup
from stillmotion.engines.parallax.camera.warp import Warp
from stillmotion.engines.parallax.effects.overlays import NEUTRAL, noise_tile, sample_tile, tiles_drifted
from stillmotion.engines.parallax.motion.displacement import Cells
from stillmotion.engines.parallax.motion.regions import flames, glow, sampled
from stillmotion.engines.parallax.motion.timing import Beat
from stillmotion.vision.resize import Grid

CLIMB = 0.55
"""Speed at which brightness climbs through a flame, in tiles of noise a second."""
EMBER = 60
"""Shift of V, of 255, by which a fully dimmed flame reddens."""


@dataclass(frozen=True, slots=True)
class Flames:
    """Amplitudes of a flicker: thrown light, flames as a whole, flames from place to place.

    `beat` is in hertz; `grain` is the number of noise tiles per canvas width.
    """

    thrown: float
    whole: float
    local: float
    beat: float
    grain: float


FLICKERS: Mapping[str, Flames] = {
    "fire": Flames(0.26, 0.10, 0.42, 2.6, 2.2),
    "candle": Flames(0.65, 0.14, 0.10, 1.7, 1.2),
}


class Flicker:
    """Flickering light over bright, warm regions."""

    def __init__(self, keys: Iterable[str], scene: Scene, cells: Cells, beat: Beat, strength: float) -> None:
        kinds = [FLICKERS[key] for key in keys if key in FLICKERS]
        random = np.random.default_rng([beat.seed, 11])
        self._beat = beat
        self._swings = [(kind, strength * _swing(kind, beat, random)) for kind in kinds]
        self._woken = ease(beat.x * beat.seconds / 0.8, 0.5) if not beat.loop else np.ones_like(beat.x)
        self._tile = noise_tile(beat.seed, 5)
        self._glow, self._core = sampled(glow(scene), cells), sampled(flames(scene), cells)
        self._width = float(cells.x.max())

    def over(self, frame: Frame, index: int, sources: Grid, warp: Warp) -> Frame:
        """The frame with its light changed in place."""
        x, y = sources[..., 0], sources[..., 1]
        light, core = lookup(self._glow, x, y), lookup(self._core, x, y)
        factor = np.ones_like(light)
        for kind, swing in self._swings:
            scale, climbed = kind.grain / self._width, tiles_drifted(CLIMB, self._beat, index)
            tongues = sample_tile(self._tile, x, y, (scale * 1.6, scale), (0.0, -climbed)) - np.float32(0.6)
            factor += (light * np.float32(kind.thrown) + core * np.float32(kind.whole)) * np.float32(swing[index])
            # Climbing noise, offset so that it dims more often than it brightens.
            factor += core * tongues * np.float32(kind.local * self._woken[index])
        width, height = frame.width, frame.height
        luma = frame.planes[: width * height].reshape(height, width)
        cv2.multiply(luma, warp.enlarged(factor), dst=luma, dtype=cv2.CV_8U)
        # Chroma fades with luma, or dimmed areas would turn olive; a flame reddens instead of going grey.
        dimmed = np.minimum(warp.enlarged(factor, CELL // 2), 1)
        chroma = frame.planes[width * height :].reshape(2, height // 2, width // 2)
        for plane in chroma:
            plane[:] = cv2.blendLinear(plane, np.full_like(plane, NEUTRAL), dimmed, 1 - dimmed)
        ember = warp.enlarged((1 - np.minimum(factor, 1)) * core * np.float32(EMBER), CELL // 2)
        cv2.add(chroma[1], ember, dst=chroma[1], dtype=cv2.CV_8U)
        return frame


def _swing(kind: Flames, beat: Beat, random: np.random.Generator) -> Samples:
    """Swing of the light at each frame, about −1 to 1. Flames are nearly white, so that dimming shows more."""
    total = np.zeros_like(beat.x)
    for factor, share in ((1.0, 0.5), (1.73, 0.3), (2.9, 0.2)):
        # Sines of unrelated frequencies do not repeat visibly.
        total += share * beat.swing(kind.beat * factor * random.uniform(0.9, 1.1))
    return total - 0.4 * np.abs(total)
