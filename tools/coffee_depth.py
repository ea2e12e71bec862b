"""Depth of the coffee, drawn by hand: outlines laid over the photograph, each with a level.

It stands for what a depth network would give, in the pictures of the documentation: nothing of it was measured. Levels
are nearness, 0 (far) to 1, and go with one over distance as far as an eye can tell. Places are pixels of scikit-image's
`coffee.png`, which has 600 × 400.
"""

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np

WIDTH, HEIGHT = 600, 400
FINE = 4
"""Density at which outlines are filled, so that their edges are smooth."""
Points = Sequence[tuple[int, int]]

DARK: Points = ((0, 0), (165, 0), (0, 108))
CUP: Points = (
    *((174, 111), (176, 151), (186, 192), (205, 219), (214, 240), (248, 272), (289, 280), (331, 270), (364, 242)),
    *((376, 219), (391, 188), (403, 148), (408, 114)),
)
HANDLE: Points = (
    *((205, 248), (218, 233), (236, 232), (260, 240), (252, 262)),
    *((236, 298), (216, 304), (199, 298), (198, 276)),
)
SPOON: Points = (
    *((402, 68), (416, 67), (425, 77), (418, 100), (398, 180), (388, 230), (384, 242)),
    *((350, 252), (352, 246), (376, 228), (402, 110)),
)


def coffee_nearness() -> Any:
    """Nearness of the coffee's picture, rows × columns, as floats."""
    y = np.repeat(np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None], WIDTH, axis=1)
    row = y * HEIGHT
    near = _over(0.18 + 0.30 * y, 0.02, _polygon(DARK))
    near = _over(near, near + 0.10, _ellipse((278, 218), (202, 167), 5))
    cup = np.maximum.reduce([_ellipse((290, 113), (117, 95), 7), _polygon(CUP)])
    spoon = np.maximum(_ellipse((365, 284), (40, 41)), _polygon(SPOON)) * (1 - cup)
    near = _over(near, near + 0.14, spoon)
    near = _over(near, 0.66, _polygon(HANDLE))
    outside = 0.97 - 0.30 * np.clip((row - 120) / 160, 0, 1)
    near = _over(near, outside, cup)
    # The far wall of the inside goes down from the rim; the near rim stands before it.
    near = _over(near, outside - 0.07 * np.clip((row - 110) / 85, 0, 1), _ellipse((291, 113), (99, 81), 8))
    return np.clip(near, 0, 1).astype(np.float32)


def _over(near: Any, level: Any, share: Any) -> Any:
    return near * (1 - share) + level * share


def _ellipse(middle: tuple[int, int], radii: tuple[int, int], angle: int = 0) -> Any:
    (x, y), (across, down) = middle, radii
    places = (x * FINE, y * FINE), (across * FINE, down * FINE)
    return _filled(lambda mask: cv2.ellipse(mask, *places, angle, 0, 360, 255, -1, cv2.LINE_AA))


def _polygon(points: Points) -> Any:
    outline = np.array(points, np.int32) * FINE
    return _filled(lambda mask: cv2.fillPoly(mask, [outline], 255, cv2.LINE_AA))


def _filled(draw: Callable[[Any], object]) -> Any:
    """Share of each pixel that a shape covers."""
    mask = np.zeros((HEIGHT * FINE, WIDTH * FINE), np.uint8)
    draw(mask)
    return cv2.resize(mask, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
