"""Overlays: mist, rising smoke and shafts of light, as soft veils of drifting noise over the frames."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import cv2
import numpy as np

from stillmotion.domain.rendering import Frame, checkpoint
from stillmotion.engines.parallax.analysis.scene import Scene
from stillmotion.engines.parallax.camera.path import ease
from stillmotion.engines.parallax.camera.projection import lookup
from stillmotion.engines.parallax.camera.warp import Warp
from stillmotion.engines.parallax.motion.displacement import Cells
from stillmotion.engines.parallax.motion.regions import LEAST_REGION, sampled, smoke
from stillmotion.engines.parallax.motion.timing import Beat
from stillmotion.vision.resize import Grid

WHITE, NEUTRAL = 235, 128
"""Limited-range luma of white; neutral chroma."""
PALE = 205
"""Luma of mist and smoke in daylight."""
TILE = 256
"""Side of the seamless noise tile, in its own pixels."""
RISEN = 4
"""Height above a picture's own smoke at which wisps begin, in cells of the scene's grid."""
RAYS = 720
"""Number of directions in which rays are computed."""

_Density = Callable[[Any, Any, int], Any]
"""From places (canvas pixels: columns, rows) and a frame's index to opacity, 0 to 1."""


class Veils:
    """Mist, smoke and rays over frames."""

    def __init__(self, keys: Iterable[str], scene: Scene, cells: Cells, beat: Beat, strength: float) -> None:
        self._densities = [(VEILS[key](scene, cells, beat), luma) for key, luma in LUMA.items() if key in keys]
        self._share = min(strength, 1.6) * (
            np.ones_like(beat.x) if beat.loop else ease(beat.x * beat.seconds / 1.6, 0.5)
        )

    def over(self, frame: Frame, index: int, sources: Grid, warp: Warp) -> Frame:
        """The frame behind its veils, changed in place."""
        share = float(self._share[index])
        if share <= 0:
            return frame
        for density, luma in self._densities:
            hidden = np.clip(density(sources[..., 0], sources[..., 1], index) * share, 0, 0.8)
            veil = warp.enlarged((hidden * 255).astype(np.float32))
            checkpoint()
            frame = lightened(frame, cv2.convertScaleAbs(veil), luma)
        return frame


def lightened(frame: Frame, veil: Any, luma_of_veil: int = WHITE) -> Frame:
    """Blend each pixel towards a grey, in place; `veil` is its opacity of 255 (height × width)."""
    width, height = frame.width, frame.height
    area = width * height
    luma = frame.planes[:area].reshape(height, width)
    lighter = cv2.multiply(cv2.subtract(np.full_like(luma, luma_of_veil), luma), veil, scale=1 / 255)
    cv2.add(luma, lighter, luma)
    chroma = frame.planes[area:].reshape(2, height // 2, width // 2)
    # Chroma fades to neutral by the veil's mean over 2 × 2 pixels.
    small = cv2.resize(veil, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    kept, neutral = cv2.bitwise_not(small), cv2.convertScaleAbs(small, alpha=NEUTRAL / 255)
    for plane in chroma:
        cv2.add(cv2.multiply(plane, kept, scale=1 / 255), neutral, dst=plane)
    return frame


def noise_tile(seed: int, number: int) -> Grid:
    """Seamless fractal noise from 0 to 1, synthesised in the frequency domain."""
    random = np.random.default_rng([seed, 23, number])
    across, down = np.meshgrid(np.fft.rfftfreq(TILE), np.fft.fftfreq(TILE))
    # A 1/f² amplitude spectrum with random phases looks like clouds; the FFT makes it periodic.
    falling = 1 / np.maximum(np.hypot(across, down), 1.5 / TILE) ** 2.0
    phases = np.exp(2j * np.pi * random.uniform(0, 1, falling.shape))
    noise = np.fft.irfft2(falling * phases, (TILE, TILE))
    low, high = np.percentile(noise, (3, 97))
    return np.clip((noise - low) / (high - low), 0, 1).astype(np.float32)


def sample_tile(tile: Grid, x: Any, y: Any, scale: tuple[float, float], shift: tuple[float, float]) -> Any:
    """The tile sampled at places, `scale` tiles to a pixel, shifted by so many tiles."""
    # Only the shift is brought into the first tile: the border mode wraps the rest.
    column, row = (
        place.astype(np.float32, copy=False) * np.float32(each * TILE) - np.float32(way % 1.0 * TILE)
        for place, each, way in ((x, scale[0], shift[0]), (y, scale[1], shift[1]))
    )
    return cv2.remap(tile, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)


def tiles_drifted(per_second: float, beat: Beat, index: int) -> float:
    """Tiles drifted by at a frame; a whole number over a loop."""
    laps = per_second * beat.seconds
    if beat.loop:
        laps = float(np.sign(laps)) * max(1, round(abs(laps)))
    return float(laps * beat.x[index])


def _mist(scene: Scene, cells: Cells, beat: Beat) -> _Density:
    """Mist: thick near the ground, thin above and in front of a sky."""
    width = float(cells.x.max())
    low = np.clip((cells.down - 0.15) / 0.6, 0, 1)
    region = (0.12 + 0.88 * low * low * (3 - 2 * low)).astype(np.float32) * (1 - 0.5 * sampled(scene.sky, cells))
    tiles = [noise_tile(beat.seed, number) for number in (0, 1)]
    side = 1.0 if beat.seed % 2 == 0 else -1.0

    def density(x: Any, y: Any, index: int) -> Any:
        # Two layers at different speeds suggest depth.
        near = sample_tile(tiles[0], x, y, (0.8 / width, 1.9 / width), (side * tiles_drifted(0.07, beat, index), 0.0))
        far = sample_tile(tiles[1], x, y, (1.3 / width, 3.1 / width), (side * tiles_drifted(0.12, beat, index), 0.3))
        return lookup(region, x, y) * np.clip(1.5 * near * far + 0.25 * near, 0, 1) * 0.9

    return density


def _smoke(scene: Scene, cells: Cells, beat: Beat) -> _Density:
    """Smoke: wisps that rise from the subject, or around the picture's own smoke if it has any."""
    width = float(cells.x.max())
    own = smoke(scene)
    region = sampled(_about(own), cells) if float(own.mean()) > LEAST_REGION / 2 else _plume(scene, cells)
    tiles = [noise_tile(beat.seed, number) for number in (2, 3)]

    def density(x: Any, y: Any, index: int) -> Any:
        # Wisps meander as they rise.
        bent = x + 0.03 * width * np.sin(y * (9 / width) + 2 * np.pi * tiles_drifted(0.3, beat, index))
        one = sample_tile(tiles[0], bent, y, (2.6 / width, 1.2 / width), (0.0, -tiles_drifted(0.24, beat, index)))
        other = sample_tile(tiles[1], bent, y, (4.4 / width, 1.9 / width), (0.4, -tiles_drifted(0.40, beat, index)))
        return lookup(region, x, y) * np.clip(2.0 * one * other - 0.1, 0, 1) * 0.7

    return density


def _about(smoke: Grid) -> Grid:
    """Region of smoke and its surroundings beside and above, where wisps would go."""
    wide = 1.8 * cv2.GaussianBlur(smoke, (0, 0), 0.035 * max(smoke.shape))
    risen = np.vstack([wide[RISEN:], np.zeros_like(wide[:RISEN])])
    return np.clip(np.maximum(smoke, np.minimum(wide, risen)), 0, 1)


def _plume(scene: Scene, cells: Cells) -> Grid:
    """Plume over the subject: narrow at its foot, wider and thinner as it rises."""
    x, y = scene.focus
    foot = y + 0.02
    risen = np.clip((foot - cells.down) / max(foot, 0.05), 0, 1)
    half = 0.05 + 0.13 * risen
    across = np.exp(-(((cells.across - x - 0.05 * risen) / half) ** 2))
    return (across * np.clip(risen / 0.12, 0, 1) * np.clip((1.05 - risen) / 0.6, 0, 1)).astype(np.float32)


def _rays(scene: Scene, cells: Cells, beat: Beat) -> _Density:
    """Rays: shafts from the light source that slowly turn into one another."""
    width = float(cells.x.max())
    source_x, source_y = _light_source(scene)
    column = float(np.interp(source_x, cells.across[0], cells.x[0]))
    row = float(np.interp(0.0, cells.down[:, 0], cells.y[:, 0])) - (0.34 - 0.3 * min(source_y, 0.4)) * width
    random = np.random.default_rng([beat.seed, 29])
    angle = np.arange(RAYS) / RAYS * 2 * np.pi
    waves = [(beats, random.uniform(0, 2 * np.pi), side) for beats, side in ((7, 1), (11, -1), (17, 1), (29, -1))]

    def density(x: Any, y: Any, index: int) -> Any:
        turn = 2 * np.pi * tiles_drifted(0.16, beat, index)
        # Angular waves of coprime counts that turn against one another, so that the pattern rarely repeats.
        shafts = sum(np.sin(beats * angle + phase + side * turn) / beats**0.6 for beats, phase, side in waves)
        strengths = np.clip(np.asarray(shafts) * 1.1 + 0.25, 0, 1).astype(np.float32)
        across, down = x - np.float32(column), y - np.float32(row)
        # Each pixel reads the strength of its direction from the light.
        place = (np.arctan2(down, across) / (2 * np.pi) % 1.0 * RAYS).astype(np.float32)
        lit = cv2.remap(
            strengths[np.newaxis], place, np.zeros_like(place), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
        )
        return lit * np.exp(-np.hypot(across, down) / (0.9 * width)) * 0.45

    return density


def _light_source(scene: Scene) -> tuple[float, float]:
    """The lightest place of the upper half: x and y as fractions."""
    light = cv2.GaussianBlur(scene.colours[..., 0], (0, 0), 6)
    upper = light[: max(1, light.shape[0] // 2)]
    row, column = np.unravel_index(int(np.argmax(upper)), upper.shape)
    return (float(column) + 0.5) / light.shape[1], (float(row) + 0.5) / light.shape[0]


VEILS: Mapping[str, Callable[[Scene, Cells, Beat], _Density]] = {"mist": _mist, "smoke": _smoke, "rays": _rays}
LUMA: Mapping[str, int] = {"mist": PALE, "smoke": PALE, "rays": WHITE}
"""Luma of each veil."""
