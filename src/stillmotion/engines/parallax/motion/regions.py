"""Regions of water, leaves, hair, cloth, flames and smoke: soft masks on the scene's grid, 0 to 1."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from stillmotion.engines.parallax.analysis.flames import flames as find_flames
from stillmotion.engines.parallax.analysis.scene import Scene
from stillmotion.engines.parallax.analysis.water import water as find_water
from stillmotion.engines.parallax.motion.displacement import Cells
from stillmotion.vision.resize import Grid

LEAST_REGION = 0.015
"""Fraction of the picture that a region must cover to be moved."""
SHORE = 2.0
"""Cells at a water's far end that stand still."""
NEAR_WATER = 0.3
"""Fraction of the picture's height below a water's far end at which waves are as large as they get."""
LARGEST_SMOKE = 0.3
"""Fraction of the picture above which a smoke-like region is a white wall."""


def water(scene: Scene) -> Grid:
    """Water (`analysis.water`), without people who are in it."""
    return _smooth(find_water(scene.colours, scene.sky) * (1 - _people(scene)))


def receding(region: Grid) -> Grid:
    """The part of a level surface in which waves show: nothing at its far end, where they are too small to be seen."""
    covered = region > 0.5
    if not covered.any():
        return region
    rows = np.arange(len(region), dtype=np.float32)[:, np.newaxis]
    columns = covered.any(axis=0)
    tops = np.where(columns, covered.argmax(axis=0), float(np.median(covered.argmax(axis=0)[columns])))
    tops = cv2.blur(tops.astype(np.float32)[np.newaxis], (15, 1), borderType=cv2.BORDER_REPLICATE)
    depth = np.clip((rows - tops - SHORE) / (NEAR_WATER * len(region)), 0, 1)
    return (region * depth).astype(np.float32)


def _people(scene: Scene) -> Any:
    """A person's probability on the scene's grid; 0 without a person."""
    if scene.people is None:
        return np.float32(0)
    return cv2.resize(scene.people, scene.shape[::-1], interpolation=cv2.INTER_AREA)


def foliage(scene: Scene) -> Grid:
    """Foliage: green and textured, unlike a painted wall."""
    light = scene.colours[..., 0]
    rough = _roughness(light)
    green = np.clip((126 - scene.colours[..., 1]) / 5, 0, 1) * np.clip((scene.colours[..., 2] - 122) / 8, 0, 1)
    return _smooth(green * np.clip((rough - 2) / 4, 0, 1))


def grass(scene: Scene) -> Grid:
    """Grass: foliage, and what is yellow and textured below the middle, such as dry grass and corn."""
    light, red, yellow = (scene.colours[..., band] for band in range(3))
    down = (np.arange(scene.shape[0], dtype=np.float32)[:, np.newaxis] + 0.5) / scene.shape[0]
    dry = np.clip((yellow - 140) / 10, 0, 1) * np.clip((152 - red) / 8, 0, 1) * np.clip((down - 0.35) / 0.1, 0, 1)
    return np.maximum(foliage(scene), _smooth(dry * np.clip((_roughness(light) - 8) / 8, 0, 1)))


def _roughness(light: Any) -> Any:
    return cv2.GaussianBlur(np.abs(cv2.Laplacian(light, cv2.CV_32F)), (0, 0), 3)


def hair(scene: Scene) -> Grid:
    """Hair: a ring over the brow and beside the cheeks of each face, down to the shoulders."""
    return _around_faces(scene, lambda x, y: np.exp(-((np.hypot(x, y * 0.8) - 1.15) ** 2) / 0.12) * (y < 1.6))


def cloth(scene: Scene) -> Grid:
    """Clothing: the body under each face."""
    return _around_faces(scene, lambda x, y: np.exp(-((x / 2.2) ** 4)) / (1 + np.exp(-5 * (y - 2.2))))


def _around_faces(scene: Scene, shape: Callable[[Any, Any], Any]) -> Grid:
    height, width = scene.shape
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    region = np.zeros((height, width))
    for face in scene.faces[:4]:
        middle = face.centre
        half = (face.right - face.left) / 2, (face.bottom - face.top) / 2
        region = np.maximum(region, shape((x - middle[0]) / half[0], (y - middle[1]) / half[1]))
    return _smooth(region)


def wind(scene: Scene) -> Grid:
    """All that wind moves: foliage, hair and, less, clothing."""
    return np.maximum(foliage(scene), np.maximum(hair(scene), 0.7 * cloth(scene)))


def flames(scene: Scene) -> Grid:
    """Flames (`analysis.flames`), none of them on a person."""
    found = find_flames(scene.colours) * (1 - _people(scene))
    return np.clip(cv2.GaussianBlur(found.astype(np.float32), (0, 0), 1), 0, 1)


def glow(scene: Scene) -> Grid:
    """Light thrown by flames: strong beside them, weak far off."""
    core = flames(scene)
    thrown = 1.6 * cv2.GaussianBlur(core, (0, 0), 6) + 4.0 * cv2.GaussianBlur(core, (0, 0), 18)
    return np.clip(thrown, 0, 1) * (1 - core)


def smoke(scene: Scene) -> Grid:
    """Smoke: soft, colourless, and lighter than its surroundings. A sky that fills the top is none."""
    light, red, yellow = (scene.colours[..., band] for band in range(3))
    height, width = light.shape
    around = cv2.GaussianBlur(light, (0, 0), 0.16 * max(height, width))
    # The row's median is the background that smoke stands before.
    beside = np.median(light, axis=1, keepdims=True)
    lighter = np.clip((light - np.maximum(around, beside) - 8) / 14, 0, 1)
    pale = np.clip((14 - np.hypot(red - 128, yellow - 128)) / 6, 0, 1)
    edges = cv2.GaussianBlur(np.abs(cv2.Laplacian(light, cv2.CV_32F)), (0, 0), 2)
    found = _smooth(lighter * pale * np.clip((16 - edges) / 8, 0, 1))
    return found if float(found.mean()) < LARGEST_SMOKE else np.zeros_like(found)


def sampled(region: Grid, cells: Cells) -> Grid:
    """A region on the scene's grid, resampled at a canvas's cells."""
    height, width = region.shape
    column, row = cells.across * width - 0.5, cells.down * height - 0.5
    return cv2.remap(region.astype(np.float32), column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _smooth(region: Any) -> Grid:
    return np.clip(cv2.GaussianBlur(region.astype(np.float32), (0, 0), 2), 0, 1)
