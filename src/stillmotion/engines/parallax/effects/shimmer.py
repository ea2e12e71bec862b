"""Shimmer of water: bands of light and dark that travel towards the viewer, larger the nearer they are.

Waves displace the picture, which does not show on smooth water.
"""

from collections.abc import Iterable, Mapping

import cv2
import numpy as np

from stillmotion.domain.rendering import Frame
from stillmotion.engines.parallax.analysis.scene import Scene
from stillmotion.engines.parallax.camera.path import ease
from stillmotion.engines.parallax.camera.projection import CELL, lookup
from stillmotion.engines.parallax.camera.warp import Warp
from stillmotion.engines.parallax.effects.overlays import noise_tile, sample_tile, tiles_drifted
from stillmotion.engines.parallax.motion.displacement import Cells
from stillmotion.engines.parallax.motion.regions import receding, sampled, water
from stillmotion.engines.parallax.motion.timing import Beat
from stillmotion.vision.resize import Grid

SWING = 0.12
"""Largest change of the light, as a fraction of it, at ordinary strength."""
ROLL = 0.10
"""Tiles of noise a second that travel towards the viewer."""
SHIMMERS: Mapping[str, tuple[float, float]] = {"ripple": (3.2, 20.0), "waves": (2.0, 12.0)}
"""Tiles of noise across the canvas's width, and down a length of it, by key: waves are flat when seen from the side."""


class Shimmer:
    """Light that plays on water."""

    def __init__(self, keys: Iterable[str], scene: Scene, cells: Cells, beat: Beat, strength: float) -> None:
        self._beat = beat
        self._swing = SWING * min(strength, 1.6)
        self._grain = min((SHIMMERS[key] for key in keys if key in SHIMMERS), default=SHIMMERS["waves"])
        self._woken = np.ones_like(beat.x) if beat.loop else ease(beat.x * beat.seconds / 1.2, 0.5)
        self._tiles = [noise_tile(beat.seed, number) for number in (6, 7)]
        self._region = sampled(receding(water(scene)), cells)
        self._width = float(cells.x.max())

    def over(self, frame: Frame, index: int, sources: Grid, warp: Warp) -> Frame:
        """The frame with its water's light changed in place."""
        lit = lookup(self._region, sources[..., 0], sources[..., 1])
        rows = np.flatnonzero(lit.max(axis=1) > 0)
        if not len(rows):
            return frame
        # Only rows with water, and one more on either side for the magnification.
        part = slice(max(0, int(rows[0]) - 1), min(len(lit), int(rows[-1]) + 2))
        first, end = CELL * part.start, min(frame.height, CELL * (part.stop - 2))
        if first >= end:
            return frame
        x, y = np.ascontiguousarray(sources[part, :, 0]), np.ascontiguousarray(sources[part, :, 1])
        across, down = (tiles / self._width for tiles in self._grain)
        way = tiles_drifted(ROLL, self._beat, index)
        # Two patterns that cross each other look less like one that slides.
        one = sample_tile(self._tiles[0], x, y, (across, down), (0.0, way))
        other = sample_tile(self._tiles[1], x, y, (across * 1.6, down * 1.4), (0.0, 2 * way))
        change = (one + other - 1) * lit[part] * np.float32(self._swing * self._woken[index])
        luma = frame.planes[: frame.width * frame.height].reshape(frame.height, frame.width)
        lit_rows = luma[first:end]
        cv2.multiply(lit_rows, warp.magnified(1 + change, CELL)[: end - first], dst=lit_rows, dtype=cv2.CV_8U)
        return frame
