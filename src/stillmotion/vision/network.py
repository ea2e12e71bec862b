"""Small neural networks of the package, run by OpenCV on the CPU. `networks/ORIGIN.toml` says whence they came."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2

from stillmotion.vision.resize import Pixels

NETWORKS = Path(__file__).with_name("networks")


class Network:
    """A TensorFlow Lite or ONNX file of the package, read when it is run. An instance serves one thread at a time."""

    def __init__(self, file: str, outputs: Sequence[str]) -> None:
        self._file, self._outputs = file, tuple(outputs)

    def run(self, rgb: Pixels, scale: float, mean: float) -> Sequence[Any]:
        """The outputs for a picture of the network's own size (height × width × 3).

        The network sees (sample − `mean`) · `scale`.
        """
        net = self._net
        net.setInput(cv2.dnn.blobFromImage(rgb, scale, mean=(mean, mean, mean)))
        return list(net.forward(self._outputs))

    def put_away(self) -> None:
        """Give its memory back, several times the file's size: the next run reads it again, in 5 to 25 ms."""
        self.__dict__.pop("_net", None)

    @cached_property
    def _net(self) -> Any:
        return cv2.dnn.readNet(str(NETWORKS / self._file))
