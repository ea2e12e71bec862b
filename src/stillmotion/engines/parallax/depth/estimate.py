"""Depth from one picture: nearness on a small grid, smooth enough that a warp by it cannot tear."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from stillmotion.engines.parallax.analysis.scene import Scene
from stillmotion.engines.parallax.canvas import Region
from stillmotion.vision.faces import Box
from stillmotion.vision.resize import Grid

SMOOTHING = 0.04
"""The low-pass over nearness, sigma as a fraction of the grid's width."""
STEEPEST = 0.35
"""The largest change of displacement per displacement of place: under 1 a map cannot fold (ENGINES.md, 4)."""

FLAT_NEARNESS = 0.55
"""Drawings, text and whatever else has no depth are one plane, at a middle distance."""

OPEN = 0.4
"""The share of a row that is sky, from which on it lies above the horizon."""
HIGHEST_GROUND, LOWEST_GROUND = 0.3, 0.62
"""Where the ground may begin, from the top; the first where no sky says otherwise."""
RIGIDITY = 0.85
"""How far the subject is brought to one distance."""

_WEIGHTS: Mapping[str, float] = {"ground": 0.38, "subject": 0.26, "salience": 0.14, "sharp": 0.12, "clear": 0.10}


def nearness(scene: Scene) -> Grid:
    """How near each cell is, 0 (far) to 1 (near), over the whole picture."""
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
    near = guided(guide, near.astype(np.float32), max(2, width // 16), 0.004)
    near = _upright(near, scene, x, y)
    near = _smoothed(near, 1 - scene.sky)
    low, high = np.percentile(near, (1, 99))
    return np.clip((near - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)


def _smoothed(near: Any, land: Grid) -> Any:
    """Low-passed; the way down to the sky's distance lies in the sky, so that what stands there keeps its own."""
    sigma = SMOOTHING * land.shape[1] / 2
    round_cells = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(2 * sigma) + 1,) * 2)
    held = cv2.GaussianBlur(cv2.dilate(land, round_cells), (0, 0), sigma)
    of_land = cv2.GaussianBlur(near * land, (0, 0), sigma) / (cv2.GaussianBlur(land, (0, 0), sigma) + 1e-4)
    return held * of_land


def _horizon(scene: Scene) -> float:
    """Where the ground begins to come nearer: a little under an open sky, so that what stands there stays upright."""
    open_rows = np.flatnonzero(scene.sky.mean(axis=1) > OPEN)
    if not len(open_rows):
        return HIGHEST_GROUND
    foot = float(open_rows[-1] + 1) / scene.shape[0]
    return min(max(HIGHEST_GROUND, foot + 0.12), LOWEST_GROUND)


def cut(near: Grid, region: Region, picture: tuple[int, int], cells: tuple[int, int]) -> Grid:
    """The part of a grid over the whole picture (width, height) that `region` shows, `cells` wide and high."""
    height, width = near.shape
    x0, y0 = region.x * width / picture[0], region.y * height / picture[1]
    step_x = region.width * width / picture[0] / cells[0]
    step_y = region.height * height / picture[1] / cells[1]
    to_grid = np.array([[step_x, 0, x0 + step_x / 2 - 0.5], [0, step_y, y0 + step_y / 2 - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(near, to_grid, cells, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


def limited(near: Grid, reach: Grid) -> Grid:
    """Nearness with surfaces grown outward until no slope exceeds what the motion can bear.

    `reach` is, for each cell, the displacement in cells of the nearest surface against the farthest at the
    move's peak. Near surfaces keep their extent and far ones give way, so outlines of subjects stay whole.
    """
    slope = np.maximum(reach, 1e-6)
    # Two axes are limited one after the other: each may have 1/√2 of the slope for the whole to stay within it.
    slope = (STEEPEST / np.sqrt(2)) / slope
    grown = near
    for _ in range(2):
        grown = _limited_along(grown, slope, axis=1)
        grown = _limited_along(grown, slope, axis=0)
    sigma = max(0.8, SMOOTHING * near.shape[1] / 3)
    return cv2.GaussianBlur(grown, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE).astype(np.float32)


def _limited_along(near: Grid, slope: Grid, axis: int) -> Grid:
    """The smallest surface over `near` whose steps along an axis never exceed `slope`."""
    climb = np.cumsum(slope, axis=axis)
    forward = np.maximum.accumulate(near + climb, axis=axis) - climb
    back = np.flip(np.maximum.accumulate(np.flip(near - climb, axis), axis=axis), axis) + climb
    return np.maximum(forward, back)


def _upright(near: Any, scene: Scene, x: Any, y: Any) -> Any:
    """The subject drawn towards one distance, so that it moves as a whole rather than lies on the ground."""
    hill = _subject(scene, x, y)
    stands_out = hill if scene.faces else hill * (0.25 + scene.salience)
    stands_out = cv2.GaussianBlur(stands_out.astype(np.float32), (0, 0), 0.02 * near.shape[1])
    share = np.clip((stands_out / max(float(stands_out.max()), 1e-6) - 0.2) / 0.35, 0, 1)
    share = RIGIDITY * share * share * (3 - 2 * share)
    distance = float((near * share).sum() / max(float(share.sum()), 1e-6))
    return (near + (distance - near) * share).astype(np.float32)


def _subject(scene: Scene, x: Any, y: Any) -> Any:
    """A soft hill over the subject: head and body below it where there is a face, else around the focus."""
    if not scene.faces:
        centre_x, centre_y = scene.focus
        return np.exp(-(((x - centre_x) / 0.28) ** 2) - ((y - centre_y) / 0.36) ** 2)
    return np.max([person(face, x, y) for face in scene.faces[:4]], axis=0)


def person(face: Box, x: Any, y: Any) -> Any:
    """0 to 1: a head around the face and shoulders widening to the bottom edge."""
    width = face.right - face.left
    height = face.bottom - face.top
    centre_x, centre_y = face.centre
    head = np.exp(-((((x - centre_x) / (0.95 * width)) ** 2 + ((y - centre_y) / (1.0 * height)) ** 2) ** 2))
    below = (y - face.bottom) / height
    half = width * (0.7 + 0.9 * np.clip(below + 0.3, 0, 1.2))
    body = np.exp(-(((x - centre_x) / half) ** 4)) / (1 + np.exp(-8 * (below + 0.1)))
    return np.maximum(head, body)


def _sharpness(light: Grid) -> Any:
    """Fine detail, which a lens gives to what it focuses on."""
    detail = cv2.GaussianBlur(np.abs(cv2.Laplacian(light, cv2.CV_32F)), (0, 0), 4)
    return np.clip(detail / max(float(np.percentile(detail, 95)), 1e-6), 0, 1)


def _haze(colours: Grid) -> Any:
    """The dark channel: distance washes the darkest colour out."""
    rgb = cv2.cvtColor(colours.astype(np.uint8), cv2.COLOR_LAB2RGB).min(axis=2)
    dark = cv2.erode(rgb, np.ones((7, 7), np.uint8)).astype(np.float32)
    return cv2.GaussianBlur(dark, (0, 0), 3) / max(float(dark.max()), 1.0)


def guided(guide: Any, image: Any, radius: int, softness: float) -> Any:
    """The guided filter (He, Sun and Tang 2010): `image` smoothed, its edges taken from `guide`."""
    window = (2 * radius + 1, 2 * radius + 1)
    mean_guide, mean_image = cv2.blur(guide, window), cv2.blur(image, window)
    covariance = cv2.blur(guide * image, window) - mean_guide * mean_image
    variance = cv2.blur(guide * guide, window) - mean_guide * mean_guide
    gain = covariance / (variance + softness)
    offset = mean_image - gain * mean_guide
    return cv2.blur(gain, window) * guide + cv2.blur(offset, window)
