"""Pictures of flat things: drawings and screens by their equal pixels, written pages by their ink."""

import cv2
import numpy as np

from stillmotion.engines.parallax.canvas import Pixels

EQUAL_SHARE = 0.5
"""Above this share of neighbours that are exactly equal, a picture is drawn rather than photographed."""
STROKE = 19
"""Wider than any stroke of writing, in pixels of a picture 640 across."""
INK = 0.22
"""How much darker than its paper ink is at least."""
INK_SHARES = (0.06, 0.30)
ROUGHEST_PAPER = 3.0
"""The mean step of the paper by itself, without the ink: it may be shaded, but has no things on it."""
FEWEST_STROKES = 40
PARTS_WRITTEN = 0.7
"""The part of the picture, in blocks, that has writing on it. These numbers were set on photographs of pages and of
other things: `page` and `text` of scikit-image against everything else there."""


def is_drawn(rgb: Pixels) -> bool:
    """Whether most neighbours are exactly equal: screenshots, logos, diagrams, pixel art."""
    rows = rgb[:: max(1, rgb.shape[0] // 400)]
    equal = (rows[:, 1:] == rows[:, :-1]).all(axis=2)
    return equal.size == 0 or float(equal.mean()) > EQUAL_SHARE


def is_written(grey: Pixels) -> bool:
    """Whether a picture (some 640 pixels across) shows a page of writing: many small strokes on smooth paper."""
    light = grey if float(np.median(grey)) >= 100 else 255 - grey
    paper = cv2.morphologyEx(light, cv2.MORPH_CLOSE, np.ones((STROKE, STROKE), np.uint8)).astype(np.float32)
    ink = (paper - light > INK * paper).astype(np.uint8)
    if not INK_SHARES[0] <= float(ink.mean()) <= INK_SHARES[1]:
        return False
    if float(np.abs(paper - cv2.GaussianBlur(paper, (0, 0), 12)).mean()) > ROUGHEST_PAPER:
        return False
    blocks = cv2.resize(ink.astype(np.float32), (8, 6), interpolation=cv2.INTER_AREA)
    sizes = cv2.connectedComponentsWithStats(ink)[2][1:, cv2.CC_STAT_AREA]
    return float((blocks > 0.015).mean()) >= PARTS_WRITTEN and int((sizes >= 6).sum()) >= FEWEST_STROKES
