"""Detector of flames: small warm lights, hotter within than at their rim, before something much darker.

Warm and bright things that are no flames lack one of these: a lit wall or a cushion has no dark surroundings, a yellow
flower is as saturated in its middle as at its rim, leaves in the sun are rough, and the sun's own surroundings are
bright. The numbers were set on photographs of such things, and on fires and candles made by formula.
"""

from typing import Any

import cv2
import numpy as np

from stillmotion.vision.resize import Grid

WARM, BRIGHT, YELLOW = 12.0, 150.0, 6.0
"""Least a* + b* (8-bit Lab around 0), lightness and b* of a cell of a flame."""
WHITE = 225.0
"""Lightness of a core that has no colour left."""
FEWEST_CELLS = 3
LARGEST = 0.3
"""Fraction of the picture that one fire fills at most."""
HOT = 214.0
"""Least lightness of the hottest tenth."""
DARK, GLOWING = 95.0, 122.0
"""Largest lightness of the surroundings: their median, and their 80th percentile."""
TINT = 25.0
"""Least mean b*."""
PALE = (15.0, 65.0)
"""Range of the core's chroma: a grey glint has less, a petal more."""
REDDER = 2.0
"""Least a* by which the rim exceeds the core."""
ROUGH, ROUGH_AND_SMALL, SMALL = 0.4, 0.75, 0.002
"""Largest mean Laplacian over the contrast to the surroundings; the second for fractions of the picture below the
third, which are all edge."""
SURROUNDINGS = 0.35
"""Width of the surroundings that are looked at, over the flame's own side."""


def flames(colours: Grid) -> Grid:
    """Flames on the scene's grid, 0 or 1, from its colours (8-bit Lab)."""
    light, red, yellow = colours[..., 0], colours[..., 1] - 128, colours[..., 2] - 128
    warm = ((light > BRIGHT) & (red + yellow > WARM) & (yellow > YELLOW)).astype(np.uint8)
    count, labels, sizes, _ = cv2.connectedComponentsWithStats(warm)
    rough = np.abs(cv2.Laplacian(light, cv2.CV_32F))
    found = np.zeros_like(light)
    for number in range(1, count):
        area = int(sizes[number, cv2.CC_STAT_AREA])
        if FEWEST_CELLS <= area <= LARGEST * light.size:
            blob = labels == number
            # A core that is white has fallen out of the warm cells.
            blob |= (light > WHITE) & _widened(blob, 1)
            if _stands_out(blob, light, rough) and _is_hotter_within(blob, light, red, yellow):
                found[blob] = 1
    return found


def _stands_out(blob: Any, light: Any, rough: Any) -> bool:
    """True if a blob is hot and smooth, and what is around it dark."""
    side = float(np.sqrt(blob.sum()))
    ring = _widened(blob, max(2, int(SURROUNDINGS * side))) & ~_widened(blob, 1)
    if not ring.any():
        return False
    hottest = float(np.percentile(light[blob], 90))
    dark, glow = np.percentile(light[ring], (50, 80))
    limit = ROUGH if blob.mean() >= SMALL else ROUGH_AND_SMALL
    smooth = float(rough[blob].mean()) <= limit * (hottest - float(dark))
    return hottest >= HOT and float(dark) <= DARK and float(glow) <= GLOWING and smooth


def _is_hotter_within(blob: Any, light: Any, red: Any, yellow: Any) -> bool:
    """True if the core is paler and less red than the rim."""
    core = blob & (light >= np.percentile(light[blob], 80))
    rim = blob & (light <= np.percentile(light[blob], 30))
    chroma = float(np.hypot(red[core], yellow[core]).mean())
    redder = float(red[rim].mean() - red[core].mean())
    return float(yellow[blob].mean()) >= TINT and PALE[0] <= chroma <= PALE[1] and redder >= REDDER


def _widened(blob: Any, cells: int) -> Any:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * cells + 1, 2 * cells + 1))
    return cv2.dilate(blob.astype(np.uint8), disc) > 0
