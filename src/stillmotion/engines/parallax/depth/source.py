"""Sources of depth behind one port: the estimate, a depth image, or an operator's model."""

from typing import Any, Protocol

import cv2
import numpy as np

from stillmotion.domain.failures import FailureKind
from stillmotion.domain.rendering import DepthMap, checkpoint
from stillmotion.engines.parallax.analysis.scene import RAW_SIDE, Depth, Scene
from stillmotion.engines.parallax.depth.estimate import FLAT_NEARNESS, guided, nearness
from stillmotion.engines.parallax.depth.network import NearnessNetwork
from stillmotion.vision.resize import Pixels, fit_within

EDGE_CELLS = 4
"""Radius, in cells, within which known depth is aligned to the picture's edges."""
EDGE_SOFTNESS = 0.0008
"""Least variance of lightness that counts as an edge."""
SHAPES_DIFFER = 0.03
"""Largest relative difference in shape between a depth image and its picture."""


class DepthSource(Protocol):
    """Source of nearness."""

    name: str
    """Name of the source in a clip's plan."""

    def depth(self, rgb: Pixels, scene: Scene) -> Depth:
        """Nearness on the scene's grid, in proportion to inverse distance, and the known depth that it comes from.

        Raises `GenerationFailed`, and what `checkpoint` raises.
        """
        ...


class Estimate:
    """Estimate by the small network of the package. Its outlines are soft: there is no known depth behind it."""

    name = "estimated"

    def __init__(self) -> None:
        self._network = NearnessNetwork()

    def depth(self, rgb: Pixels, scene: Scene) -> Depth:
        """See `estimate.nearness`."""
        guess = self._network.nearness(rgb)
        checkpoint()
        return Depth(nearness(guess, scene), self.name)


class DepthImage:
    """Depth given with the picture."""

    name = "image"

    def __init__(self, depth: DepthMap) -> None:
        self._values = np.frombuffer(depth.nearness, np.float32).reshape(depth.height, depth.width)

    def depth(self, rgb: Pixels, scene: Scene) -> Depth:
        """The image's own values. Raises `GenerationFailed` if its shape is not the picture's."""
        (height, width), (rows, columns) = self._values.shape, rgb.shape[:2]
        if abs(width / height / (columns / rows) - 1) > SHAPES_DIFFER:
            raise FailureKind.DEPTH_IMAGE_OF_ANOTHER_SHAPE.error(width=width, height=height, columns=columns, rows=rows)
        return graded(self._values, scene, self.name)


def graded(values: Any, scene: Scene, source: str) -> Depth:
    """Known nearness, on any scale and grid, as 0 to 1: on the scene's grid, and on its own.

    On the scene's grid its edges are aligned to the picture's.
    """
    near = cv2.resize(values, scene.shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
    # Percentiles, since one wrong pixel would otherwise set the scale.
    low, high = np.percentile(near, (1, 99))
    if not high - low > 1e-6 * max(abs(low), abs(high)):
        return Depth(np.full(scene.shape, FLAT_NEARNESS, np.float32), source)
    near, raw = (np.clip((grid - low) / (high - low), 0, 1) for grid in (near, fit_within(values, RAW_SIDE)))
    lightness = scene.colours[..., 0] / 255
    aligned = np.clip(guided(lightness, near, EDGE_CELLS, EDGE_SOFTNESS), 0, 1).astype(np.float32)
    return Depth(aligned, source, raw.astype(np.float32))
