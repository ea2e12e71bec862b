"""Scene analysis: faces, focus, sky, straight lines, and whether the picture is a photograph."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from stillmotion.domain.rendering import checkpoint
from stillmotion.engines.parallax.analysis.detectors import is_written, straight_lines
from stillmotion.engines.parallax.analysis.drawings import is_drawn
from stillmotion.vision.faces import SEARCH_SIDE, Box, FaceFinder
from stillmotion.vision.resize import Grid, Pixels, fit_within
from stillmotion.vision.saliency import border_distance

GRID_SIDE = 160
"""Longest side of the analysis grid, in cells."""
GATE = 0.35
"""Least gate of depth that is drawn in layers."""
RAW_SIDE = 640
"""Longest side of known depth, in cells."""
LINES_SIDE = 640
"""Longest side for line detection, in pixels: shorter lines escape the eye, long ones are not broken up."""
FOCUS_REACHES = (0.5, 0.3, 0.22, 0.18)
"""Reach of each step of the focus estimate, as a fraction of the picture."""
MOST_SALIENT = 3.0
"""Largest saliency for the focus: a small thing that is unlike all else outweighs wide ones that are a little so."""
SMOOTH = 34
"""Largest gradient of lightness (Sobel, on the grid) within sky."""
SPANNING = 0.55
"""Fraction of the top edge that sky of an unusual colour must span."""


@dataclass(frozen=True, slots=True)
class Depth:
    """Nearness of each cell, 0 (far) to 1 (near), and the name of its source.

    `raw` is known depth over the whole picture on the same scale, before it was aligned to the picture: its longer side
    has at most `RAW_SIDE` cells. It is None for a guess. `gate` says how well its steps lie on the picture's edges (see
    `layers.gate`).
    """

    near: Grid
    source: str
    raw: Grid | None = None
    gate: float | None = None

    @property
    def is_layered(self) -> bool:
        """True if it is known well enough to be drawn in layers."""
        return self.raw is not None and self.gate is not None and self.gate >= GATE


@dataclass(frozen=True, slots=True)
class Scene:
    """Analysis on a grid over the whole picture.

    `colours` is 8-bit Lab as floats, height × width × 3. `salience` and `sky` are 0 to 1. `lines` are long straight
    segments (x0, y0, x1, y1) and `focus` is the point of interest, both in fractions of the picture's sides. `depth` is
    None before a `DepthSource` was asked, and for flat art. `people` is a person's probability on a grid of its own,
    as `PersonFinder.mask`; None without a face, and for flat art.
    """

    colours: Grid
    salience: Grid
    sky: Grid
    faces: tuple[Box, ...]
    focus: tuple[float, float]
    lines: Grid
    is_flat_art: bool
    depth: Depth | None = None
    people: Grid | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Grid size: height, width."""
        return int(self.colours.shape[0]), int(self.colours.shape[1])


def analyse(rgb: Pixels, faces: FaceFinder) -> Scene:
    """Analyse a picture (height × width × 3, sRGB)."""
    medium = fit_within(rgb, SEARCH_SIDE)
    checkpoint()
    colours = cv2.cvtColor(fit_within(medium, GRID_SIDE), cv2.COLOR_RGB2LAB).astype(np.float32)
    unlike = _unlike_border(colours)
    checkpoint()
    grey = cv2.cvtColor(fit_within(rgb, LINES_SIDE), cv2.COLOR_RGB2GRAY)
    checkpoint()
    found = faces.find(medium)
    checkpoint()
    lines = straight_lines(grey)
    checkpoint()
    return Scene(
        colours=colours,
        salience=np.minimum(unlike, 1),
        sky=_sky(colours),
        faces=found,
        focus=found[0].centre if found else _centre_of(unlike),
        lines=lines,
        is_flat_art=is_drawn(rgb) or is_written(grey),
    )


def _unlike_border(colours: Grid) -> Grid:
    """Distance in colour from the three sides of the border that are most alike, as `_spread`."""
    smooth = cv2.GaussianBlur(colours, (0, 0), 2)
    unlike = border_distance(smooth, _mahalanobis, 3).astype(np.float32)
    return _spread(cv2.GaussianBlur(unlike, (0, 0), 2))


def _mahalanobis(cells: Grid, side: Grid) -> Any:
    """Mahalanobis distance from a side's samples; the added variance keeps an even side's from being without bound."""
    covariance = np.cov(side.T.astype(np.float64), ddof=0) + 60 * np.eye(3)
    away = cells - side.mean(axis=0)
    return np.sqrt(np.einsum("hwi,ij,hwj->hw", away, np.linalg.inv(covariance), away))


def _spread(values: Grid) -> Grid:
    """Values from 0, stretched so that the 5th percentile is 0 and the 98th is 1."""
    low, high = np.percentile(values, (5, 98))
    return np.clip((values - low) / max(high - low, 1e-6), 0, MOST_SALIENT).astype(np.float32)


def _centre_of(unlike: Grid) -> tuple[float, float]:
    """The point of interest: a weighted mean of saliency, narrowed around itself step by step (mean shift)."""
    height, width = unlike.shape
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    prior = np.exp(-(((x - 0.5) / 0.4) ** 2) - ((y - 0.5) / 0.4) ** 2)
    at_x, at_y = 0.5, 0.5
    for reach in FOCUS_REACHES:
        # A prior for the middle, and a window around the last estimate that shrinks with each step.
        weight = unlike**2 * prior * np.exp(-(((x - at_x) / reach) ** 2) - ((y - at_y) / (1.5 * reach)) ** 2) + 1e-4
        total = float(weight.sum())
        at_x, at_y = float((x * weight).sum()) / total, float((y * weight).sum()) / total
    return at_x, at_y


def _sky(colours: Grid) -> Grid:
    """Sky: smooth, connected to the top edge, and bright and not warm; any colour if it spans the top."""
    light, _, yellow = cv2.split(colours)
    slope = cv2.magnitude(cv2.Sobel(light, -1, 1, 0), cv2.Sobel(light, -1, 0, 1))
    texture = cv2.GaussianBlur(slope, (0, 0), 1)
    # Sky may darken towards the horizon, but not far below its lightness at the top.
    top = light[: max(1, light.shape[0] // 10)]
    even = (texture < SMOOTH) & (light > np.median(top) - 55)
    wide = _joined_to_top(even & (light > 20))
    sky = wide if wide[0].mean() > SPANNING else _joined_to_top(even & (light > 90) & (yellow < 140))
    # Too little to be sky with any certainty.
    if sky.mean() < 0.03:
        return np.zeros_like(light)
    return cv2.GaussianBlur(sky.astype(np.float32), (0, 0), 1.5)


def _joined_to_top(like: Any) -> Any:
    labels = cv2.connectedComponents(like.astype(np.uint8))[1]
    return np.isin(labels, np.unique(labels[0][like[0]])) & like
