"""Monocular depth estimate from heuristic cues: nearness on a small grid, too smooth for a warp to tear."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from stillmotion.engines.parallax.analysis.scene import Scene
from stillmotion.engines.parallax.canvas import Region
from stillmotion.vision.faces import Box
from stillmotion.vision.resize import Grid

SMOOTHING = 0.04
"""Sigma of the low-pass over nearness, as a fraction of the grid's width."""
STEEPEST = 0.35
"""Largest slope of a displacement: below 1 a map cannot fold (ENGINES.md, 4)."""

FLAT_NEARNESS = 0.55
"""Nearness of drawings, text and all else without depth: one plane at a middle distance."""

OPEN = 0.4
"""Fraction of sky from which a row lies above the horizon."""
HIGHEST_GROUND, LOWEST_GROUND = 0.3, 0.62
"""Range of the horizon, as fractions from the top; the first if there is no sky."""
RIGIDITY = 0.85
"""Fraction by which the subject's depth is flattened to one distance."""

_WEIGHTS: Mapping[str, float] = {"ground": 0.38, "subject": 0.26, "salience": 0.14, "sharp": 0.12, "clear": 0.10}


def nearness(scene: Scene) -> Grid:
    """Nearness of each cell over the whole picture, 0 (far) to 1 (near)."""
    height, width = scene.shape
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    horizon = _horizon(scene)
    cues = {
        "ground": np.clip((y - horizon) / (1 - horizon), 0, 1),
        "subject": _subject(scene, x, y),
        "salience": scene.salience,
        "sharp": _sharpness(scene.colours[..., 0]),
        "clear": 1 - _haze(scene.colours),
    }
    near: Any = sum(_WEIGHTS[name] * cue for name, cue in cues.items())
    guide = scene.colours[..., 0] / 255
    # The cues are coarse; the guided filter moves their steps to the picture's edges.
    near = guided(guide, near.astype(np.float32), max(2, width // 16), 0.004)
    near = _upright(near, scene, x, y)
    near = _smoothed(near, 1 - scene.sky)
    low, high = np.percentile(near, (1, 99))
    return np.clip((near - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)


def _smoothed(near: Any, land: Grid) -> Any:
    """Low-passed nearness. The transition to the sky's distance lies in the sky, so that skylines keep their own."""
    sigma = SMOOTHING * land.shape[1] / 2
    round_cells = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(2 * sigma) + 1,) * 2)
    # Normalised convolution over the land alone, so that the sky's distance does not bleed into it.
    held = cv2.GaussianBlur(cv2.dilate(land, round_cells), (0, 0), sigma)
    of_land = cv2.GaussianBlur(near * land, (0, 0), sigma) / (cv2.GaussianBlur(land, (0, 0), sigma) + 1e-4)
    return held * of_land


def _horizon(scene: Scene) -> float:
    """The horizon, below which the ground comes nearer; a little under an open sky, so that skylines stay upright."""
    open_rows = np.flatnonzero(scene.sky.mean(axis=1) > OPEN)
    if not len(open_rows):
        return HIGHEST_GROUND
    foot = float(open_rows[-1] + 1) / scene.shape[0]
    return min(max(HIGHEST_GROUND, foot + 0.12), LOWEST_GROUND)


def cut(near: Grid, region: Region, picture: tuple[int, int], cells: tuple[int, int]) -> Grid:
    """Crop of a grid over the whole picture (width, height) to `region`, resampled to `cells` (wide, high)."""
    height, width = near.shape
    x0, y0 = region.x * width / picture[0], region.y * height / picture[1]
    step_x = region.width * width / picture[0] / cells[0]
    step_y = region.height * height / picture[1] / cells[1]
    to_grid = np.array([[step_x, 0, x0 + step_x / 2 - 0.5], [0, step_y, y0 + step_y / 2 - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(near, to_grid, cells, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


def limited(near: Grid, reach: Grid, steepest: float = STEEPEST) -> Grid:
    """Nearness with near surfaces dilated until no slope exceeds the limit that the motion bears, and smoothed.

    `reach` and `steepest` as in `dilated`.
    """
    sigma = max(0.8, SMOOTHING * near.shape[1] / 3)
    grown = dilated(near, reach, steepest)
    return cv2.GaussianBlur(grown, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE).astype(np.float32)


def dilated(near: Grid, reach: Grid, steepest: float = STEEPEST) -> Grid:
    """Nearness with near surfaces dilated until no displacement is steeper than `steepest` along its own direction.

    `reach` is, per cell, the displacement in cells of the nearest surface relative to the farthest at the move's peak,
    across and down added. Near surfaces keep their extent and far ones give way, so that outlines of subjects stay
    whole.
    """
    slope = (steepest / np.maximum(reach, 1e-6)).astype(np.float32)
    grown = near
    for _ in range(2):
        grown = limited_along(grown, slope, axis=1)
        grown = limited_along(grown, slope, axis=0)
    return grown


def limited_along(near: Grid, slope: Grid, axis: int) -> Grid:
    """The smallest surface above `near` whose steps along an axis never exceed `slope` (a cone dilation)."""
    # Running maxima of near ± climb give the cone dilation in linear time.
    climb = np.cumsum(slope, axis=axis)
    forward = np.maximum.accumulate(near + climb, axis=axis) - climb
    back = np.flip(np.maximum.accumulate(np.flip(near - climb, axis), axis=axis), axis) + climb
    return np.maximum(forward, back)


def _upright(near: Any, scene: Scene, x: Any, y: Any) -> Any:
    """Nearness with the subject drawn towards one distance: it moves as a whole and does not lie on the ground."""
    hill = _subject(scene, x, y)
    stands_out = hill if scene.faces else hill * (0.25 + scene.salience)
    stands_out = cv2.GaussianBlur(stands_out.astype(np.float32), (0, 0), 0.02 * near.shape[1])
    share = np.clip((stands_out / max(float(stands_out.max()), 1e-6) - 0.2) / 0.35, 0, 1)
    # Smoothstep, so that the flattened part has no visible outline.
    share = RIGIDITY * share * share * (3 - 2 * share)
    distance = float((near * share).sum() / max(float(share.sum()), 1e-6))
    return (near + (distance - near) * share).astype(np.float32)


def _subject(scene: Scene, x: Any, y: Any) -> Any:
    """Soft mask of the subject: head and body for a face, otherwise a hill around the focus."""
    if not scene.faces:
        centre_x, centre_y = scene.focus
        return np.exp(-(((x - centre_x) / 0.28) ** 2) - ((y - centre_y) / 0.36) ** 2)
    return np.max([person(face, x, y) for face in scene.faces[:4]], axis=0)


def person(face: Box, x: Any, y: Any) -> Any:
    """Soft mask of a person, 0 to 1: a head around the face, and shoulders that widen to the bottom edge."""
    width = face.right - face.left
    height = face.bottom - face.top
    centre_x, centre_y = face.centre
    head = np.exp(-((((x - centre_x) / (0.95 * width)) ** 2 + ((y - centre_y) / (1.0 * height)) ** 2) ** 2))
    below = (y - face.bottom) / height
    half = width * (0.7 + 0.9 * np.clip(below + 0.3, 0, 1.2))
    body = np.exp(-(((x - centre_x) / half) ** 4)) / (1 + np.exp(-8 * (below + 0.1)))
    return np.maximum(head, body)


def _sharpness(light: Grid) -> Any:
    """Local sharpness, 0 to 1: lenses focus on what matters."""
    detail = cv2.GaussianBlur(np.abs(cv2.Laplacian(light, cv2.CV_32F)), (0, 0), 4)
    return np.clip(detail / max(float(np.percentile(detail, 95)), 1e-6), 0, 1)


def _haze(colours: Grid) -> Any:
    """Haze, 0 to 1: the dark channel prior (He, Sun and Tang 2009)."""
    rgb = cv2.cvtColor(colours.astype(np.uint8), cv2.COLOR_LAB2RGB).min(axis=2)
    dark = cv2.erode(rgb, np.ones((7, 7), np.uint8)).astype(np.float32)
    return cv2.GaussianBlur(dark, (0, 0), 3) / max(float(dark.max()), 1.0)


def guided(guide: Any, image: Any, radius: int, softness: float) -> Any:
    """Guided filter (He, Sun and Tang 2010) from box filters: `image` smoothed, with the edges of `guide`."""
    window = (2 * radius + 1, 2 * radius + 1)
    mean_guide, mean_image = cv2.blur(guide, window), cv2.blur(image, window)
    covariance = cv2.blur(guide * image, window) - mean_guide * mean_image
    variance = cv2.blur(guide * guide, window) - mean_guide * mean_guide
    gain = covariance / (variance + softness)
    offset = mean_image - gain * mean_guide
    return cv2.blur(gain, window) * guide + cv2.blur(offset, window)
