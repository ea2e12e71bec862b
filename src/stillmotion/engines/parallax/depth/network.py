"""Depth from a small network in the package. `tools/depth` trains it and says how to make it anew."""

import numpy as np

from stillmotion.vision.network import Network
from stillmotion.vision.resize import Grid, Pixels, resized

FILE, OUTPUT = "depth.onnx", "nearness"
AREA = 256 * 160
"""Pixels that the network looks at."""
STEP, LEAST, MOST = 32, 64, 512
"""Its sides are multiples of the first, and between the others."""
MEAN, SPREAD = 127.0, 128.0
"""Input normalisation of EfficientNet-Lite0, the network's encoder."""


class NearnessNetwork:
    """Relative nearness of a photograph. The weights are held in memory only while they are used."""

    def __init__(self) -> None:
        self._network = Network(FILE, (OUTPUT,))

    def nearness(self, rgb: Pixels) -> Grid:
        """Nearness of a picture (height × width × 3) on no scale, at about 128 × 80 cells; larger is nearer.

        It goes with (1 / distance) to the power of 0.6: differences among far things are larger than in disparity.
        """
        small = resized(rgb, *sides(rgb.shape[1], rgb.shape[0]))
        (told,) = self._network.run(small, 1 / SPREAD, MEAN)
        self._network.put_away()
        # The outermost cells are off, since there is nothing beyond them.
        return np.pad(np.asarray(told, np.float32)[0, 0, 1:-1, 1:-1], 1, mode="edge")


def sides(width: int, height: int) -> tuple[int, int]:
    """The network's width and height for a picture: about its shape, about `AREA` pixels."""
    scale = (AREA / (width * height)) ** 0.5
    wide, high = (min(max(round(side * scale / STEP) * STEP, LEAST), MOST) for side in (width, height))
    return wide, high
