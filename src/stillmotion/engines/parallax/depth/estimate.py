"""Monocular depth estimate: a network's guess made fit for a warp, and the limits that keep a warp from tearing."""

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

COMPRESSED = 0.6
"""Exponent of relative disparity in what the network was trained on (`FAR_SHARE` in tools/depth/train.py)."""
RIGIDITY = 0.85
"""Fraction by which a person's depth is flattened to one distance."""
MOST_PEOPLE = 6
"""Faces, the largest first, whose people are flattened."""
EDGES = 6
"""Radius, in cells, within which a guess is aligned to the picture's edges."""
EDGE_SOFTNESS = 0.004
"""Least variance of lightness (0 to 1) that counts as an edge."""
SKY, DOUBTED = 0.25, 0.45
"""Guessed nearness up to which the analysis is believed about the sky, and from which it is not."""
RELIEF = 1.25
"""Enlargement of departures from the plane of best fit."""
STANDS_OUT = 0.08
"""Difference in guessed nearness from which a narrow thing before the sky is believed."""
AHEAD = 0.16
"""Lead in guessed nearness with which a narrow thing is half believed: with half as much not, with 1.5 times wholly."""
NARROW = 0.2
"""Width of what stands upright as one thing, as a fraction of the picture's."""
SKY_SIGMA = 0.02
"""Sigma of the transition from the land's distance to the sky's, as a fraction of the grid's width."""


def nearness(guess: Grid, scene: Scene) -> Grid:
    """Nearness of each cell over the whole picture, 0 (far) to 1 (near).

    `guess` is a network's, on any scale and grid: relative disparity to the power of `COMPRESSED`. The sky is put
    behind everything, and people stand at one distance.
    """
    near = spread(cv2.resize(guess, scene.shape[::-1], interpolation=cv2.INTER_LINEAR))
    # The guess is soft; the guided filter moves its steps to the picture's edges.
    near = guided(scene.colours[..., 0] / 255, near, EDGES, EDGE_SOFTNESS)
    near = _standing(spread(_in_relief(near)), scene)
    # A smooth wall or table is taken for sky by its colours alone, not by the guess.
    open_sky = scene.sky * np.clip((DOUBTED - near) / (DOUBTED - SKY), 0, 1)
    near = upright(upright_before_sky(near, 1 - _far_sky(scene.sky, near)))
    return spread(_under_sky(near, open_sky)) ** np.float32(1 / COMPRESSED)


def spread(values: Any) -> Grid:
    """Values stretched so that the 1st percentile is 0 and the 99th is 1."""
    low, high = np.percentile(values, (1, 99))
    return np.clip((values - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)


def _in_relief(near: Any) -> Any:
    """Nearness with its departures from a plane enlarged: a guess keeps too close to one."""
    plane = float(near.mean()) + slant(near)
    return plane + RELIEF * (near - plane)


def slant(near: Grid, most: float = np.inf, least: float = -np.inf) -> Any:
    """The least-squares plane through a grid, 0 in the middle. Its slopes are at most `most`, down at least `least`."""
    height, width = near.shape
    x, y = np.meshgrid(np.linspace(-0.5, 0.5, width), np.linspace(-0.5, 0.5, height))
    # On a regular grid the axes are orthogonal: each slope is a projection.
    slopes = (float((near * axis).sum() / (axis * axis).sum()) for axis in (x, y))
    across, down = (max(-most, min(most, slope)) for slope in slopes)
    return across * x + max(down, least) * y


def _far_sky(sky: Grid, near: Any) -> Grid:
    """Sky without the connected parts of it that are near on the whole."""
    _, labels = cv2.connectedComponents((sky > 0.5).astype(np.uint8))
    means = np.bincount(labels.ravel(), near.ravel()) / np.maximum(np.bincount(labels.ravel()), 1)
    # Label 0 is the rest of the picture: the soft edges of the sky.
    believed = means < SKY
    believed[0] = True
    return (sky * believed[labels]).astype(np.float32)


def upright_before_sky(near: Any, land: Grid) -> Any:
    """Nearness with narrow things before the sky (towers, masts, trees) at the distance of the place they stand on.

    Their upper parts would otherwise go with the sky, and they would lean in an orbit.
    """
    # Land that stays where a bar of that width fits into it.
    share = np.clip(2 * (land - _broad(land)), 0, 1) * _stands_out(near, land)
    return _at_foot(near, share)


def upright(near: Any) -> Any:
    """Nearness with narrow things before anything farther at the distance of the place they stand on.

    A guess lets a tree recede from its foot to its top, and the tree would bend in any move.
    """
    # A thing that hangs has nothing near beneath it, and stays.
    return np.maximum(near, _at_foot(near, np.clip((near - _broad(near)) / AHEAD - 0.5, 0, 1)))


def _broad(values: Any) -> Any:
    """Values without what is narrower than `NARROW`."""
    width = max(3, round(NARROW * values.shape[1]))
    return cv2.morphologyEx(values.astype(np.float32), cv2.MORPH_OPEN, np.ones((1, width), np.uint8))


def _at_foot(near: Any, share: Any) -> Any:
    """Nearness drawn to that of the foot in each column, by a share for each cell."""
    level, foot = near.copy(), near[-1]
    for row in range(len(near) - 1, -1, -1):
        foot = np.where(share[row] > 0.5, foot, near[row])
        level[row] += (foot - near[row]) * share[row]
    return level


def _stands_out(near: Any, land: Grid) -> Any:
    """1 where a cell is nearer than the sky around it, 0 where it is not: a jag in the outline of what is no sky."""
    sigma = NARROW * land.shape[1] / 2
    sky = 1 - land
    around = cv2.GaussianBlur(near * sky, (0, 0), sigma) / (cv2.GaussianBlur(sky, (0, 0), sigma) + 1e-4)
    return np.clip((near - around) / STANDS_OUT, 0, 1)


def _under_sky(near: Any, sky: Grid) -> Any:
    """Nearness with the sky at the farthest distance.

    The transition lies in the sky, so that skylines keep their own distance and upright things before it do not lean.
    """
    if not sky.any():
        return near
    land = 1 - sky
    sigma = SKY_SIGMA * land.shape[1]
    round_cells = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(2 * sigma) + 1,) * 2)
    # Normalised convolution over the land alone, so that the sky's distance does not bleed into it.
    held = cv2.GaussianBlur(cv2.dilate(land, round_cells), (0, 0), sigma)
    carried = cv2.GaussianBlur(near * land, (0, 0), sigma) / (cv2.GaussianBlur(land, (0, 0), sigma) + 1e-4)
    above = carried + (near - carried) * land
    farthest = float(near.min())
    return farthest + held * (above - farthest)


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


def _standing(near: Any, scene: Scene) -> Any:
    """Nearness with each person drawn towards one distance: people move as a whole."""
    if not scene.faces:
        return near
    height, width = near.shape
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    hulls = np.stack([person(face, x, y) for face in scene.faces[:MOST_PEOPLE]])
    share = np.max(hulls, axis=0)
    if scene.people is not None:
        share = cv2.resize(scene.people, (width, height), interpolation=cv2.INTER_AREA)
    share = np.clip((share - 0.2) / 0.35, 0, 1)
    # Smoothstep, so that the flattened part has no visible outline.
    share = RIGIDITY * share * share * (3 - 2 * share)
    # Each cell goes with the person in whose outline it lies deepest; a little with the next one, so that none is cut.
    owned = (hulls + 1e-3) ** 4
    owned /= owned.sum(axis=0)
    weights = owned * share
    distances = (near * weights).sum(axis=(1, 2)) / np.maximum(weights.sum(axis=(1, 2)), 1e-6)
    level = np.tensordot(distances, owned, axes=1)
    return (near + (level - near) * share).astype(np.float32)


def person(face: Box, x: Any, y: Any) -> Any:
    """Soft mask of a person, 0 to 1: a head around the face, and shoulders that widen to the bottom edge."""
    width = face.right - face.left
    height = face.bottom - face.top
    centre_x, centre_y = face.centre
    head = np.exp(-((((x - centre_x) / (0.95 * width)) ** 2 + ((y - centre_y) / (1.0 * height)) ** 2) ** 2))
    below = (y - face.bottom) / height
    half = width * (0.7 + 0.9 * np.clip(below + 0.3, 0, 1.2))
    body = np.exp(-(((x - centre_x) / half) ** 4)) / (1 + np.exp(np.minimum(-8 * (below + 0.1), 50)))
    return np.maximum(head, body)


def guided(guide: Any, image: Any, radius: int, softness: float) -> Any:
    """Guided filter (He, Sun and Tang 2010) from box filters: `image` smoothed, with the edges of `guide`."""
    window = (2 * radius + 1, 2 * radius + 1)
    mean_guide, mean_image = cv2.blur(guide, window), cv2.blur(image, window)
    # In place: each array of the largest grids takes 4 MB.
    gain = cv2.blur(guide * image, window)
    gain -= mean_guide * mean_image
    variance = cv2.blur(guide * guide, window)
    variance -= mean_guide * mean_guide
    variance += softness
    gain /= variance
    offset = mean_image
    offset -= gain * mean_guide
    smooth = cv2.blur(gain, window)
    smooth *= guide
    smooth += cv2.blur(offset, window)
    return smooth
