"""The trained network as an ONNX file of half floats that OpenCV loads: batch normalisation is folded in.

    python -m tools.depth.export TRAINED.pth OUT.onnx

Input `picture`: 1 × 3 × h × w, (RGB − 127) / 128. Output `nearness`: 1 × 1 × h/2 × w/2.
"""

import argparse
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from tools.depth.network import TAPS, Bottleneck, DepthNetwork, Step

OPSET = 13
HEIGHT, WIDTH = 160, 256


class Graph:
    """ONNX nodes and weights under construction. Methods return the name of their output."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self._constant("six", np.float16(6))
        self._constant("zero", np.float16(0))
        self._constant("twice", np.array([1, 1, 2, 2], np.float32))

    def _constant(self, name: str, values: Any) -> str:
        self.weights.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """One node with one output."""
        out = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [out], out, **attributes))
        return out

    def convolution(self, values: str, layer: nn.Conv2d, normal: nn.BatchNorm2d | None = None) -> str:
        """A convolution with the batch normalisation after it."""
        weight = layer.weight.detach().double()
        bias = torch.zeros(len(weight)).double() if layer.bias is None else layer.bias.detach().double()
        if normal is not None:
            mean, spread = normal.running_mean, normal.running_var
            assert mean is not None
            assert spread is not None
            gain = normal.weight.detach().double() / torch.sqrt(spread.double() + normal.eps)
            weight = weight * gain[:, None, None, None]
            bias = normal.bias.detach().double() + (bias - mean.double()) * gain
        at = len(self.nodes)
        names = [self._constant(f"w{at}", weight.numpy().astype(np.float16)), f"b{at}"]
        self._constant(names[1], bias.numpy().astype(np.float16))
        pad = int(layer.padding[0])
        return self.node(
            "Conv",
            [values, *names],
            kernel_shape=list(layer.kernel_size),
            strides=list(layer.stride),
            pads=[pad] * 4,
            group=layer.groups,
        )

    def capped(self, values: str) -> str:
        """ReLU6."""
        return self.node("Clip", [values, "zero", "six"])

    def bottleneck(self, values: str, block: Bottleneck) -> str:
        """An encoder's block."""
        wide = self.capped(self.convolution(values, block._expand_conv, block._bn0)) if block.expands else values
        wide = self.capped(self.convolution(wide, block._depthwise_conv, block._bn1))
        narrow = self.convolution(wide, block._project_conv, block._bn2)
        return self.node("Add", [narrow, values]) if block.carries else narrow

    def step(self, coarse: str, skip: str, step: Step) -> str:
        """A decoder's step."""
        near = self.node(
            "Resize",
            [self.convolution(coarse, step.narrow), "", "twice"],
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )
        joined = self.node("Relu", [self.node("Add", [near, self.convolution(skip, step.skip)])])
        deep = self.node("Relu", [self.convolution(joined, step.depthwise)])
        return self.node("Relu", [self.node("Add", [joined, self.convolution(deep, step.pointwise)])])


def graph_of(network: DepthNetwork) -> Any:
    """The network as an ONNX model."""
    graph = Graph()
    values = graph.capped(graph.convolution("picture", network._conv_stem, network._bn0))
    taps = []
    for index, block in enumerate(network._blocks):
        assert isinstance(block, Bottleneck)
        values = graph.bottleneck(values, block)
        if index in TAPS:
            taps.append(values)
    near = graph.node("Relu", [graph.convolution(taps[-1], network.top)])
    deep = graph.node("Relu", [graph.convolution(near, network.wide)])
    near = graph.node("Relu", [graph.node("Add", [near, graph.convolution(deep, network.mix)])])
    for step, skip in zip(network.steps, reversed(taps[:-1]), strict=True):
        assert isinstance(step, Step)
        near = graph.step(near, skip, step)
    last = graph.convolution(near, network.last)
    graph.nodes[-1].output[0] = "nearness"
    assert last
    inputs = [helper.make_tensor_value_info("picture", TensorProto.FLOAT16, [1, 3, HEIGHT, WIDTH])]
    outputs = [helper.make_tensor_value_info("nearness", TensorProto.FLOAT16, [1, 1, HEIGHT // 2, WIDTH // 2])]
    whole = helper.make_graph(graph.nodes, "depth", inputs, outputs, graph.weights)
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="stillmotion")
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model


def main() -> None:
    """Write the file and tell its size and digest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trained", type=Path)
    parser.add_argument("out", type=Path)
    asked = parser.parse_args()
    network = DepthNetwork()
    network.load_state_dict(torch.load(asked.trained, map_location="cpu", weights_only=True))
    content = graph_of(network.eval()).SerializeToString(deterministic=True)
    asked.out.write_bytes(content)
    print(f"{asked.out}: {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
