"""Cut-out: a person before a wall, from a mask and a guess of depth that knows neither."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from stillmotion.domain.rendering import checkpoint
from stillmotion.engines.parallax.analysis.persons import Person
from stillmotion.engines.parallax.canvas import Canvas
from stillmotion.engines.parallax.depth.estimate import cut
from stillmotion.engines.parallax.depth.relief import grown, slopes_of
from stillmotion.vision.faces import Box
from stillmotion.vision.resize import Grid, Pixels, as_bytes

MATTE_SIDE = 1280
"""Longest side, in pixels, at which a matte is computed."""
GUIDE_SIDE = 448
"""Longest side at which the guided filter is solved."""
RADIUS = 0.011
"""Radius of the guided filter, as a fraction of its longer side: about two cells of the network's."""
SOFTNESS = 1e-3
"""Least variance of a colour that counts as an edge."""
SHARPER = 2.0
"""Factor on the matte's slope at the outline."""
APART = 0.35
"""Least nearness of a person's head before the wall behind it."""
SURROUNDINGS = 0.04
"""Width of the ring around a person, as a fraction of the grid, whose depth the person has coloured."""
FOOT = 0.02
"""Distance from the canvas's lower edge within which a person goes on beyond it."""


@dataclass(frozen=True, slots=True)
class Cutout:
    """A person on a canvas.

    `alpha` is the person's share of each canvas pixel (of 255). `wall` is the nearness without the person, on the depth
    grid, and `level` the person's. `face` is in fractions of the canvas. `certainty` is the mask's.
    """

    alpha: Pixels
    wall: Grid
    level: float
    face: Box
    certainty: float


def cut_out(canvas: Canvas, person: Person, near: Grid, picture: tuple[int, int]) -> Cutout:
    """The person cut out of a canvas; `near` is nearness on a grid over it, `picture` its picture's sides."""
    alpha = _matte(canvas, person.mask, picture)
    checkpoint()
    face = _on_canvas(person.face, canvas, picture)
    body = cv2.resize(alpha, near.shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    wall, level = _apart(near, body, face)
    return Cutout(alpha, wall, level, face, person.certainty)


def _matte(canvas: Canvas, mask: Grid, picture: tuple[int, int]) -> Pixels:
    """The mask's outline moved to the picture's edges, at the canvas's pixels (of 255).

    A fast guided filter in colour (He and Sun, "Fast Guided Filter", 2015).
    """
    scale = min(1.0, GUIDE_SIDE / max(canvas.width, canvas.height))
    size = (max(2, round(canvas.width * scale)), max(2, round(canvas.height * scale)))
    small = cut(mask, canvas.region, picture, size)
    gains, offset = _guided(_guide(canvas, size), small, max(2, round(RADIUS * max(size))))
    checkpoint()
    scale = min(1.0, MATTE_SIDE / max(canvas.width, canvas.height))
    size = (max(2, round(canvas.width * scale)), max(2, round(canvas.height * scale)))
    share = cv2.resize(offset, size, interpolation=cv2.INTER_LINEAR)
    for plane, gain in zip(cv2.split(_guide(canvas, size)), cv2.split(gains), strict=True):
        share += plane * cv2.resize(gain, size, interpolation=cv2.INTER_LINEAR)
        checkpoint()
    alpha = as_bytes(np.clip((share - 0.5) * (255 * SHARPER) + 127.5, 0, 255))
    return cv2.resize(alpha, (canvas.width, canvas.height), interpolation=cv2.INTER_LINEAR)


def _guide(canvas: Canvas, size: tuple[int, int]) -> Any:
    """The canvas's colours, 0 to 1, at a size (width, height)."""
    planes = [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (canvas.fine, canvas.u, canvas.v)]
    return cv2.merge(planes).astype(np.float32) * np.float32(1 / 255)


def _guided(guide: Any, image: Grid, radius: int) -> tuple[Any, Grid]:
    """Gains (height × width × 3) and offset by which `image` is linear in the guide's colours around each pixel."""
    window = (2 * radius + 1, 2 * radius + 1)
    mean_guide, mean_image = cv2.blur(guide, window), cv2.blur(image, window)
    covariance = cv2.blur(guide * image[..., np.newaxis], window) - mean_guide * mean_image[..., np.newaxis]
    spread = np.empty((*image.shape, 3, 3), np.float32)
    for one in range(3):
        for other in range(one, 3):
            both = cv2.blur(guide[..., one] * guide[..., other], window)
            spread[..., one, other] = spread[..., other, one] = both - mean_guide[..., one] * mean_guide[..., other]
        spread[..., one, one] += SOFTNESS
    checkpoint()
    gains = _solved(spread, covariance)
    offset = mean_image - (gains * mean_guide).sum(axis=2)
    return cv2.blur(gains, window), cv2.blur(offset, window)


def _solved(spread: Any, covariance: Any) -> Any:
    """The solution of each pixel's three equations by the adjugate: NumPy's own would wake threads."""
    a, b, c = spread[..., 0, 0], spread[..., 0, 1], spread[..., 0, 2]
    d, e, f = spread[..., 1, 1], spread[..., 1, 2], spread[..., 2, 2]
    first = np.stack([d * f - e * e, c * e - b * f, b * e - c * d], axis=-1)
    second = np.stack([first[..., 1], a * f - c * c, b * c - a * e], axis=-1)
    third = np.stack([first[..., 2], second[..., 2], a * d - b * b], axis=-1)
    determinant = a * first[..., 0] + b * first[..., 1] + c * first[..., 2]
    products = [(row * covariance).sum(axis=-1) for row in (first, second, third)]
    return np.stack(products, axis=-1) / determinant[..., np.newaxis]


def _on_canvas(face: Box, canvas: Canvas, picture: tuple[int, int]) -> Box:
    """A box in fractions of the picture, in fractions of the canvas."""
    region = canvas.region
    left, right = ((side * picture[0] - region.x) / region.width for side in (face.left, face.right))
    top, bottom = ((side * picture[1] - region.y) / region.height for side in (face.top, face.bottom))
    return Box(left, top, right, bottom)


def _apart(near: Grid, body: Grid, face: Box) -> tuple[Grid, float]:
    """Nearness of the wall, carried on behind the person, and the person's own level before it."""
    height, width = near.shape
    reach = 2 * round(SURROUNDINGS * max(height, width)) + 1
    around = cv2.dilate(body, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    wall = _carried(near, (around < 0.1).astype(np.float32))
    level = float(np.percentile(near[body > 0.5], 80)) if (body > 0.5).any() else 1.0
    head = _behind_head(wall, face)
    level = min(1.0, max(level, head + APART))
    # A wall that is not far enough is moved back; where a person stands in the picture the ground stays at the feet.
    nearer = min(1.0, max(level - APART, 0.0) / max(head, 1e-6))
    rows = np.flatnonzero((body > 0.5).any(axis=1))
    foot = (int(rows[-1]) + 1) / height if len(rows) else 1.0
    down = (np.arange(height, dtype=np.float32) + 0.5) / height
    below = np.clip((down - face.bottom) / max(foot - face.bottom, 1e-3), 0, 1) if foot < 1 - FOOT else np.zeros(height)
    share = (nearer + (1 - nearer) * below**2)[:, np.newaxis]
    return np.minimum(wall * share, level).astype(np.float32), level


def _behind_head(wall: Grid, face: Box) -> float:
    """Mean nearness of the wall around a face."""
    height, width = wall.shape
    wide, high = face.right - face.left, face.bottom - face.top
    across, down = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
    near_x, near_y = np.abs(across - face.centre[0]) <= 1.5 * wide, np.abs(down - face.centre[1]) <= 1.5 * high
    part = wall[np.ix_(near_y, near_x)]
    return float(part.mean()) if part.size else float(wall.mean())


def _carried(near: Grid, known: Grid) -> Grid:
    """Nearness carried on from where it is known, ever smoother further in (normalised convolution, coarse to fine)."""
    if not known.any():
        return np.full_like(near, float(near.min()))
    height, width = near.shape
    found = np.full_like(near, float((near * known).sum() / known.sum()))
    for part in (4, 8, 16, 32):
        sigma = max(height, width) / part
        weight = cv2.GaussianBlur(known, (0, 0), sigma)
        mean = cv2.GaussianBlur(near * known, (0, 0), sigma) / np.maximum(weight, 1e-6)
        share = np.clip(weight * 4, 0, 1)
        found += (mean - found) * share
    return np.asarray(found + (near - found) * cv2.GaussianBlur(known, (0, 0), 1.5) * known, np.float32)


def fronted(wall: Grid, body: Any, level: float, reach: tuple[Grid, Grid]) -> Grid:
    """Nearness of the front's surface: the person's level, falling off to the wall's beside the person.

    `body` is a mask of the person. All grids are on a surface's cells; `reach` is as in `Envelopes.of`.
    """
    person = np.where(body, np.maximum(wall, level), wall).astype(np.float32)
    return np.maximum(grown(person, slopes_of(*reach)), wall)
