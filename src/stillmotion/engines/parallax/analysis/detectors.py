"""Detectors of long straight segments and of pages of writing."""

from typing import Any

import cv2
import numpy as np

from stillmotion.vision.resize import Grid, Pixels

SHORTEST = 70 / 1280
"""Shortest segment that counts, as a fraction of the picture's longer side (ENGINES.md)."""

PIECES = 250
"""Number of pieces that are joined, the longest first."""

SAME_SLOPE = np.cos(np.radians(2.0))

OFF_LINE = 2.0
"""Distance, in pixels, of a piece from the line that it continues."""

WIDEST_GAP = 0.5
"""Gap that is bridged, as a fraction of the longer piece."""


def straight_lines(grey: Pixels) -> Grid:
    """Long segments (x0, y0, x1, y1), n × 4, in fractions of the picture's width and height."""
    height, width = grey.shape
    # LSD (Grompone von Gioi et al., 2010) breaks long lines into pieces.
    found = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD).detect(grey)[0]
    if found is None:
        return np.zeros((0, 4), np.float32)
    pieces = np.asarray(found, np.float64).reshape(-1, 4)
    longer_side = max(height, width)
    pieces = pieces[_length(pieces) >= SHORTEST / 3 * longer_side]
    pieces = pieces[np.argsort(-_length(pieces))][:PIECES]
    whole = np.array(_joined(pieces)).reshape(-1, 4)
    whole = whole[_length(whole) >= SHORTEST * longer_side]
    return np.asarray(whole / np.array([width, height, width, height]), np.float32)


def _joined(pieces: Any) -> list[Any]:
    """Each piece, the longest first, joined with all that continue it."""
    free = np.ones(len(pieces), bool)
    joined = []
    for index, piece in enumerate(pieces):
        if not free[index]:
            continue
        free[index] = False
        start, end = piece[:2], piece[2:]
        for _ in range(2):
            taken = free & _continues(start, end, pieces)
            if not taken.any():
                break
            free &= ~taken
            points = np.vstack([start, end, pieces[taken].reshape(-1, 2)])
            # The new ends are the outermost points along the line.
            along = (points - start) @ (end - start)
            start, end = points[along.argmin()], points[along.argmax()]
        joined.append([*start, *end])
    return joined


def _continues(start: Any, end: Any, pieces: Any) -> Any:
    """Mask of the pieces that lie on the line through two points, close to its ends."""
    length = float(np.hypot(*(end - start)))
    way = (end - start) / max(length, 1e-9)
    directions = (pieces[:, 2:] - pieces[:, :2]) / np.maximum(_length(pieces), 1e-9)[:, np.newaxis]
    # Distance of both ends from the line, along its normal.
    off = [np.abs((ends - start) @ np.array([-way[1], way[0]])) for ends in (pieces[:, :2], pieces[:, 2:])]
    along = np.stack([(ends - start) @ way for ends in (pieces[:, :2], pieces[:, 2:])])
    gap = np.maximum(np.maximum(along.min(axis=0) - length, -along.max(axis=0)), 0)
    on_line = np.maximum(*off) < OFF_LINE + 0.004 * length
    return (np.abs(directions @ way) > SAME_SLOPE) & on_line & (gap < WIDEST_GAP * length)


def _length(segments: Any) -> Any:
    return np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1])


STROKE = 19
"""Kernel wider than any stroke of writing, in pixels of a picture 640 across."""

INK = 0.22
"""Least contrast of ink to paper, as a fraction of the paper's lightness."""

INK_SHARES = (0.06, 0.30)

ROUGHEST_PAPER = 3.0
"""Largest mean variation of the paper without its ink: it may be shaded, but shows no objects."""

FEWEST_STROKES = 40

PARTS_WRITTEN = 0.7
"""Fraction of blocks that hold writing. These numbers were set on photographs of pages and of other things: `page` and
`text` of scikit-image against everything else there."""


def is_written(grey: Pixels) -> bool:
    """True if a picture (about 640 pixels across) shows a page of writing: many small strokes on smooth paper."""
    # White on black is inverted.
    light = grey if float(np.median(grey)) >= 100 else 255 - grey
    # Closing removes dark strokes and leaves the paper.
    paper = cv2.morphologyEx(light, cv2.MORPH_CLOSE, np.ones((STROKE, STROKE), np.uint8)).astype(np.float32)
    ink = (paper - light > INK * paper).astype(np.uint8)
    if not INK_SHARES[0] <= float(ink.mean()) <= INK_SHARES[1]:
        return False
    if float(np.abs(paper - cv2.GaussianBlur(paper, (0, 0), 12)).mean()) > ROUGHEST_PAPER:
        return False
    blocks = cv2.resize(ink.astype(np.float32), (8, 6), interpolation=cv2.INTER_AREA)
    sizes = cv2.connectedComponentsWithStats(ink)[2][1:, cv2.CC_STAT_AREA]
    return float((blocks > 0.015).mean()) >= PARTS_WRITTEN and int((sizes >= 6).sum()) >= FEWEST_STROKES
