"""Where a picture's depth comes from: the estimate, a depth image, or an operator's own model. One seam for all."""

from typing import Any, Protocol

import cv2
import numpy as np

from stillmotion.domain.failures import FailureKind
from stillmotion.domain.rendering import DepthMap
from stillmotion.engines.parallax.analysis.scene import Scene
from stillmotion.engines.parallax.depth.estimate import FLAT_NEARNESS, guided, nearness
from stillmotion.vision.resize import Grid, Pixels

EDGE_CELLS = 4
"""How far, in cells, known depth may be moved to the edges that the picture has."""
EDGE_SOFTNESS = 0.0008
"""The least variance of lightness that counts as an edge."""
SHAPES_DIFFER = 0.03
"""How much the width for its height may differ, of a depth image from its picture."""


class DepthSource(Protocol):
    """Says how near things are."""

    name: str
    """For the plan: what the depth of a clip comes from."""

    def nearness(self, rgb: Pixels, scene: Scene) -> Grid:
        """0 (far) to 1 (near) on the scene's grid, in proportion to inverse distance.

        Raises `GenerationFailed`, and what `checkpoint` raises.
        """
        ...


class Estimate:
    """Guesses from what a picture of any kind tells: ground, subject, sharpness, haze."""

    name = "estimated"

    def nearness(self, rgb: Pixels, scene: Scene) -> Grid:  # noqa: ARG002 - the seam's signature
        """As `depth.nearness`."""
        return nearness(scene)


class DepthImage:
    """Depth that came with the picture."""

    name = "image"

    def __init__(self, depth: DepthMap) -> None:
        self._values = np.frombuffer(depth.nearness, np.float32).reshape(depth.height, depth.width)

    def nearness(self, rgb: Pixels, scene: Scene) -> Grid:
        """The image's own values. Raises `GenerationFailed` where its shape is not the picture's."""
        (height, width), (rows, columns) = self._values.shape, rgb.shape[:2]
        if abs(width / height / (columns / rows) - 1) > SHAPES_DIFFER:
            raise FailureKind.DEPTH_IMAGE_OF_ANOTHER_SHAPE.error(width=width, height=height, columns=columns, rows=rows)
        return graded(self._values, scene)


def graded(values: Any, scene: Scene) -> Grid:
    """Known nearness, on any scale and grid, as 0 to 1 on the scene's grid with its edges at the picture's."""
    near = cv2.resize(values, scene.shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
    low, high = np.percentile(near, (1, 99))
    if not high - low > 1e-6 * max(abs(low), abs(high)):
        return np.full(scene.shape, FLAT_NEARNESS, np.float32)
    near = np.clip((near - low) / (high - low), 0, 1)
    lightness = scene.colours[..., 0] / 255
    return np.clip(guided(lightness, near, EDGE_CELLS, EDGE_SOFTNESS), 0, 1).astype(np.float32)
