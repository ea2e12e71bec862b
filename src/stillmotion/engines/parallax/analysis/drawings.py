"""Detector of flat drawings: screenshots, logos, diagrams, pixel art, patterns.

A smooth background of a photograph changes a little from place to place, that of a drawing does not change at all. Area
averages show the difference at any size of the picture, since they hold no grain; neighbouring pixels do not.
"""

from typing import Any

import cv2
import numpy as np

from stillmotion.vision.resize import Grid, Pixels, fit_within

COARSE_SIDE = 64
"""Longer side of the grid of area averages. A picture with no more detail than that is judged like a sharp one."""
EVEN = 0.75
"""Largest difference, in levels of 255, of cells two apart in an even place."""
EVEN_SHARE = 0.15
"""Fraction of even places above which a picture is drawn. Of 65 photographs, of any size, the evenest had 0.13; of 27
flat drawings the least even 0.16."""
PLAIN = 3.5
"""Standard deviation, in levels, of a picture that shows nothing but one colour."""
FINE_SIDE = 256
"""Longer side at which the part beside the even places is looked at."""
STEADY = 1.0
"""Largest step between neighbours within a drawn surface."""
SHADED = 12.0
"""Largest step between neighbours within a photographed surface."""
STEADY_SHARE = 0.2
"""Fraction of steady steps among the small ones below which a thing before an even background is photographed."""
SHARP = 0.5
"""Least ratio of second to first differences in a picture that is not enlarged."""
LEAST_THING = 0.05
"""Least fraction of the picture that such a thing fills."""
TILES = 48
"""Tiles across the picture, for fine patterns."""
FEWEST_COLUMNS = 16
"""Columns that differ, of a picture that shows more than a pattern of squares."""
JUMP = 40
"""Step over two pixels, in levels, that is an outline."""
TILE_EQUAL, TILE_OUTLINE = 0.4, 0.01
"""Least fractions of exactly equal neighbours and of outlines in a drawn tile."""
DRAWN_TILES = 0.06
"""Fraction of drawn tiles above which a picture is drawn: photographs have up to 0.03."""


def is_drawn(rgb: Pixels) -> bool:
    """True if a picture (height × width × 3, sRGB) is flat: of even surfaces, or of outlines between equal pixels."""
    medium = fit_within(rgb, 2 * FINE_SIDE)
    coarse = _averaged(medium, COARSE_SIDE)
    if min(coarse.shape[:2]) < 3 or float(coarse.std(axis=(0, 1)).max()) < PLAIN:
        return True
    even = _steps(coarse) < EVEN
    if float(even.mean()) > EVEN_SHARE:
        return not _shows_a_photographed_thing(medium, even)
    return _drawn_tiles(rgb) > DRAWN_TILES


def _averaged(rgb: Any, side: int) -> Grid:
    """Area averages as floats, the longer side of that many cells; a smaller picture is enlarged."""
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(rgb.astype(np.float32), size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def _steps(cells: Grid) -> Grid:
    """Largest difference of any band between the neighbours of each inner cell, across and down."""
    across = np.abs(cells[1:-1, 2:] - cells[1:-1, :-2])
    down = np.abs(cells[2:, 1:-1] - cells[:-2, 1:-1])
    return np.asarray(np.maximum(across, down).max(axis=2), np.float32)


def _shows_a_photographed_thing(medium: Pixels, even: Any) -> bool:
    """True if a photographed thing stands before the even background: it is shaded everywhere."""
    # Two cells beside the background belong to its edge.
    thing = cv2.erode((~even).astype(np.uint8), np.ones((5, 5)), borderValue=1)
    if max(medium.shape) < FINE_SIDE or float(thing.mean()) < LEAST_THING:
        return False
    fine = _averaged(medium, FINE_SIDE)
    inside = cv2.resize(thing, (fine.shape[1] - 2, fine.shape[0] - 2), interpolation=cv2.INTER_NEAREST) > 0
    across = np.abs(np.diff(fine, axis=1)[1:-1]).max(axis=2)
    bent = np.abs(np.diff(fine, n=2, axis=1)[1:-1]).max(axis=2)
    steps = across[:, 1:][inside]
    small = steps[steps < SHADED]
    if not small.size or float(bent[inside].mean()) < SHARP * float(steps.mean()):
        return False
    return float((small < STEADY).mean()) < STEADY_SHARE


def _drawn_tiles(rgb: Pixels) -> float:
    """Fraction of tiles in which outlines meet exactly equal neighbours."""
    if rgb.shape[1] < TILES:
        return 0.0
    rows = rgb[:: max(1, rgb.shape[0] // 400)]
    # Columns that repeat are an enlarged picture's, whose own pixels decide.
    own = rows[:, np.append(True, _largest_step(rows, 1).max(axis=0) > 0)]
    if own.shape[1] < TILES:
        return float(own.shape[1] < FEWEST_COLUMNS and rows.shape[1] >= 4 * TILES)
    rows = own
    # Three in a row: in a grey photograph two are often equal.
    steps = _largest_step(rows, 1)
    equal = cv2.max(steps[:, 1:], steps[:, :-1]) == 0
    outline = _largest_step(rows, 2) > JUMP
    tiles = (TILES, max(1, TILES * rgb.shape[0] // rgb.shape[1]))
    still, cut = (cv2.resize(each.astype(np.float32), tiles, interpolation=cv2.INTER_AREA) for each in (equal, outline))
    return float(((still > TILE_EQUAL) & (cut > TILE_OUTLINE)).mean())


def _largest_step(rows: Pixels, columns: int) -> Any:
    """Largest difference of any band between pixels so many columns apart."""
    red, green, blue = cv2.split(cv2.absdiff(rows[:, columns:], rows[:, :-columns]))
    return cv2.max(cv2.max(red, green), blue)
