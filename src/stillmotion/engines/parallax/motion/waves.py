"""Ambient motion: water, leaves, hair and flames as travelling waves, clouds and smoke as an endless drift."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from stillmotion.domain.rendering import checkpoint
from stillmotion.engines.parallax.analysis.scene import Scene
from stillmotion.engines.parallax.camera.path import Samples, ease
from stillmotion.engines.parallax.language.plan import Ignored, spoken
from stillmotion.engines.parallax.motion.displacement import Cells, Deformation, steepness
from stillmotion.engines.parallax.motion.regions import (
    LEAST_REGION,
    cloth,
    flames,
    foliage,
    grass,
    hair,
    receding,
    sampled,
    smoke,
    water,
    wind,
)
from stillmotion.engines.parallax.motion.timing import Beat
from stillmotion.vision.resize import Grid

LEAST_FLAME = 0.001
"""`LEAST_REGION` for flames."""
WAVES_EACH = 3
"""Sines per motion; each needs two shapes."""
CLOUD_SECONDS = 5.0
"""Seconds of drift until a cloud's copy has taken over."""
CLOUD_WAY = 0.05
"""Distance of that drift, in canvas widths."""
SKYLINE = 5
"""Cells of the kernel that takes a sky's edge off, against the blur of the drift."""
SMOKE_SECONDS = 2.0
"""The same for smoke, if no clouds drift with it."""
SMOKE_RISES = 2.0
"""Factor of smoke's rise over the clouds' drift."""
STEEPEST_DRIFT = 1.2
"""Slope of a drift's whole distance. A copy is at most half of it from its place, and faint there."""


@dataclass(frozen=True, slots=True)
class Waves:
    """A kind of wave: amplitude `size` and wavelength `length` in canvas widths, frequency `beat` in hertz.

    `sideways` and `upright` are the displacement's components. `slant` is the direction of travel in radians from
    rightward, varied by up to `spread`.
    """

    size: float
    length: float
    beat: float
    sideways: float
    upright: float
    slant: float
    spread: float


STIRS: Mapping[str, Waves] = {
    "ripple": Waves(0.0045, 0.045, 0.75, 1.0, 0.35, np.pi / 2, 0.35),
    "waves": Waves(0.0085, 0.16, 0.38, 0.6, 1.0, np.pi / 2, 0.5),
    "wind": Waves(0.0065, 0.14, 0.55, 1.0, 0.25, 0.0, 0.9),
    "leaves": Waves(0.0055, 0.10, 0.75, 1.0, 0.35, 0.0, 1.2),
    "grass": Waves(0.0065, 0.12, 0.65, 1.0, 0.12, 0.0, 0.6),
    "hair": Waves(0.0085, 0.12, 0.50, 1.0, 0.40, 0.3, 0.8),
    "cloth": Waves(0.0075, 0.16, 0.45, 1.0, 0.40, 0.5, 0.8),
    "fire": Waves(0.0060, 0.09, 1.30, 1.0, 0.55, -np.pi / 2, 0.4),
    "candle": Waves(0.0085, 0.11, 0.90, 1.0, 0.60, -np.pi / 2, 0.3),
    "smoke": Waves(0.0110, 0.13, 0.80, 1.0, 0.35, -np.pi / 2, 0.25),
}

REGIONS: Mapping[str, tuple[Callable[[Scene], Grid], str]] = {
    "ripple": (water, "no water was found in the picture"),
    "waves": (water, "no water was found in the picture"),
    "wind": (wind, "nothing that wind would move was found in the picture"),
    "leaves": (foliage, "no leaves were found in the picture"),
    "grass": (grass, "no grass was found in the picture"),
    "hair": (hair, "no face was found in the picture"),
    "cloth": (cloth, "no person was found in the picture"),
    "clouds": (lambda scene: scene.sky, "no sky was found in the picture"),
    "fire": (flames, "no flame was found in the picture"),
    "candle": (flames, "no flame was found in the picture"),
}
"""Region of each thing (0 to 1 on the scene's grid), and the reason given if it is missing. Smoke may be added instead.
"""


def absent(key: str, scene: Scene) -> Ignored | None:
    """The reason why a thing cannot be moved in this picture; None if it can."""
    if key not in REGIONS:
        return None
    region, reason = REGIONS[key]
    least = LEAST_FLAME if region is flames else LEAST_REGION
    return Ignored(spoken(key), reason) if scene.is_flat_art or float(region(scene).mean()) < least else None


def region_is_water(key: str) -> bool:
    """True if a key stirs water."""
    return key in REGIONS and REGIONS[key][0] is water


def waves_of(keys: Iterable[str], scene: Scene, cells: Cells, beat: Beat, strength: float) -> list[Deformation]:
    """Waves for the ambient keys, fading to zero at the canvas's edge."""
    wanted = [key for key in keys if key in STIRS]
    waves = []
    for number, key in enumerate(wanted):
        region = smoke(scene) if key == "smoke" else REGIONS[key][0](scene)
        region = receding(region) if region_is_water(key) else region
        if region.any():
            seed = [beat.seed, number]
            waves.append(travelling(STIRS[key], sampled(region, cells), cells, beat, strength, seed))
    return waves


def travelling(waves: Waves, region: Grid, cells: Cells, beat: Beat, strength: float, seed: list[int]) -> Deformation:
    """Waves of a kind in a region (0 to 1 on the cells), starting at rest."""
    random = np.random.default_rng(seed)
    width = float(cells.x.max())
    shapes, weights = [], []
    for _ in range(WAVES_EACH):
        angle = waves.slant + random.uniform(-waves.spread, waves.spread)
        turns = 2 * np.pi / (waves.length * width * random.uniform(0.7, 1.5))
        # A plane wave: phase grows along the direction of travel.
        phase = (np.cos(angle) * cells.x + np.sin(angle) * cells.y) * turns + random.uniform(0, 2 * np.pi)
        size = waves.size * width * strength / np.sqrt(WAVES_EACH)
        reach = np.dstack([region * (size * waves.sideways), region * (size * waves.upright)]) * cells.inner
        turn = 2 * np.pi * _rate(waves.beat * random.uniform(0.75, 1.3), beat) * beat.x * beat.seconds
        # sin(phase − turn) less its value at the first frame, so that the clip starts at the picture: sin φ (cos t − 1)
        # − cos φ sin t, a sum of two fixed shapes.
        shapes += [np.sin(phase)[..., np.newaxis] * reach, np.cos(phase)[..., np.newaxis] * reach]
        checkpoint()
        weights += [(np.cos(turn) - 1) * _waking(beat), -np.sin(turn) * _waking(beat)]
    return Deformation(np.stack(shapes).astype(np.float32), np.stack(weights, axis=1).astype(np.float32))


def _rate(beat_per_second: float, beat: Beat) -> float:
    """Frequency in hertz; in a loop a whole number of cycles."""
    return max(1, round(beat_per_second * beat.seconds)) / beat.seconds if beat.loop else beat_per_second


def _waking(beat: Beat) -> Samples:
    return np.ones_like(beat.x) if beat.loop else ease(beat.x * beat.seconds / 1.2, 0.5)


@dataclass(frozen=True, slots=True)
class Drift:
    """Endless drift of two copies: each fades in while the other, at the end of its path, fades out."""

    shape: Grid
    place: Samples

    def copies(self, frame: int) -> list[tuple[float, float]]:
        """Displacement of each copy as a multiple of `shape` (canvas pixels), and its weight; weights add up to 1."""
        turns = float(self.place[frame])
        found = []
        for start in (0.0, 0.5):
            # Sawtooth from −0.5 to 0.5; the weight below is 0 at both ends, where the copy jumps.
            place = (turns + start + 0.5) % 1.0 - 0.5
            share = float(np.cos(np.pi * place) ** 2)
            if share > 1e-3:
                found.append((place, share))
        return found


def drift_of(keys: Iterable[str], scene: Scene, cells: Cells, beat: Beat, strength: float) -> Drift | None:
    """The drift of clouds and the rise of smoke; None if neither was asked for or present."""
    if not {"clouds", "smoke"} & {*keys}:
        return None
    shape = np.zeros((*cells.x.shape, 2), np.float32)
    way = CLOUD_WAY * float(cells.x.max()) * min(strength, 1.5)
    if "clouds" in keys:
        # Away from the skyline, which must not drift along.
        open_sky = cv2.erode(scene.sky, np.ones((SKYLINE, SKYLINE), np.uint8), borderValue=1)
        shape[..., 0] += sampled(open_sky, cells) * (way if beat.seed % 2 == 0 else -way)
    if "smoke" in keys:
        rising = sampled(smoke(scene), cells) * (way * SMOKE_RISES)
        shape += np.dstack([0.25 * rising, -rising])
    if not shape.any():
        return None
    shape = cv2.GaussianBlur(shape * cells.inner, (0, 0), 5)
    shape *= min(1.0, STEEPEST_DRIFT / max(steepness(shape), 1e-6))
    rounds = beat.seconds / (CLOUD_SECONDS if "clouds" in keys else SMOKE_SECONDS)
    place = beat.x * (max(1, round(rounds)) if beat.loop else rounds)
    return Drift(shape.astype(np.float32), place)
