"""Depth-Anything-V2-Small's graph with random weights, in the precisions that `stillmotion models pull depth` knows.

The shapes are those of its configuration: a ViT-S/14 of 12 layers, 384 wide, with 6 heads; features of four layers,
reassembled to 48, 96, 192 and 384 channels; a decoder 64 wide. In 8 bits the operators are those of ONNX Runtime's
dynamic quantization, which the published file comes from. Fewer layers make a quicker test.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper, save

PATCH, WIDTH, HEADS, LAYERS, TRAINED_SIDE = 14, 384, 6, 12, 37
NECK, DECODER, HEAD = (48, 96, 192, 384), 64, 32
INT8, FP32, FP16 = "int8", "fp32", "fp16"


@dataclass
class _Graph:
    """A graph under construction. Every method returns the name of its output."""

    precision: str
    random: np.random.Generator
    nodes: list[NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)

    def op(self, kind: str, *inputs: str, **attributes) -> str:
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name, **attributes))
        return name

    def constant(self, values: np.ndarray) -> str:
        name = f"constant_{len(self.constants)}"
        half = self.precision == FP16 and values.dtype == np.float32
        self.constants.append(numpy_helper.from_array(values.astype(np.float16) if half else values, name))
        return name

    def ints(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def weights(self, *shape: int, spread: float) -> np.ndarray:
        return self.random.standard_normal(shape, np.float32) * np.float32(spread)

    def linear(self, of: str, inside: int, outside: int) -> str:
        product = self._product("MatMul", of, self.weights(inside, outside, spread=inside**-0.5))
        return self.op("Add", product, self.constant(self.weights(outside, spread=0.02)))

    def convolved(self, of: str, inside: int, outside: int, size: int, **attributes) -> str:
        weights = self.weights(outside, inside, size, size, spread=(inside * size * size) ** -0.5)
        product = self._product("Conv", of, weights, **attributes)
        bias = self.constant(self.weights(1, outside, 1, 1, spread=0.02))
        return self.op("Add", product, bias)

    def _product(self, kind: str, of: str, weights: np.ndarray, **attributes) -> str:
        if self.precision != INT8:
            return self.op(kind, of, self.constant(weights), **attributes)
        scale = float(np.ptp(weights)) / 255
        zero = round(-float(weights.min()) / scale)
        as_bytes = self.constant(np.clip(np.round(weights / scale) + zero, 0, 255).astype(np.uint8))
        made = f"quantized_{len(self.nodes)}"
        self.nodes.append(helper.make_node("DynamicQuantizeLinear", [of], [f"{made}_{each}" for each in "xsz"], made))
        product = self.op(
            f"{kind}Integer", f"{made}_x", as_bytes, f"{made}_z", self.constant(np.uint8(zero)), **attributes
        )
        scaled = self.op("Mul", f"{made}_s", self.constant(np.float32(scale)))
        return self.op("Mul", self.op("Cast", product, to=TensorProto.FLOAT), scaled)

    def normalised(self, of: str) -> str:
        scale, shift = self.constant(np.ones(WIDTH, np.float32)), self.constant(np.zeros(WIDTH, np.float32))
        return self.op("LayerNormalization", of, scale, shift, axis=-1, epsilon=1e-6)

    def resized(self, of: str, sizes: str, mode: str, how: str) -> str:
        return self.op("Resize", of, "", "", sizes, mode=mode, coordinate_transformation_mode=how)

    def side(self, of: str, axis: int) -> str:
        return self.op("Gather", self.op("Shape", of), self.ints(axis), axis=0)

    def like(self, of: str, other: str, channels: int) -> str:
        """Picture `of` at the size of another."""
        sizes = self.op("Concat", self.ints(1, channels), self.side(other, 2), self.side(other, 3), axis=0)
        return self.resized(of, sizes, "linear", "align_corners")


def depth_anything(path: Path, precision: str = FP32, layers: int = LAYERS, seed: int = 5) -> Path:
    """The network as a file: `pixel_values`, 1 × 3 × height × width, to `predicted_depth`, 1 × height × width.

    Both sides of the input are multiples of 14; `predicted_depth` is of the same size.
    """
    graph = _Graph(precision, np.random.default_rng(seed))
    picture = "pixel_values"
    if precision == FP16:
        picture = graph.op("Cast", picture, to=TensorProto.FLOAT16)
    patches = graph.convolved(picture, 3, WIDTH, PATCH, strides=[PATCH, PATCH])
    rows, columns = graph.side(patches, 2), graph.side(patches, 3)
    features = _backbone(graph, patches, rows, columns, layers)
    fused = _decoded(graph, [_as_picture(graph, each, rows, columns) for each in features])
    _head(graph, fused, rows, columns)
    outputs = [helper.make_tensor_value_info("predicted_depth", TensorProto.FLOAT, ["batch_size", "height", "width"])]
    inputs = [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch_size", 3, "height", "width"])]
    made = helper.make_graph(graph.nodes, "depth_anything", inputs, outputs, graph.constants)
    save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def _backbone(graph: _Graph, patches: str, rows: str, columns: str, layers: int) -> list[str]:
    """Tokens after four of the layers, the last among them."""
    flat = graph.op("Transpose", graph.op("Reshape", patches, graph.ints(1, WIDTH, -1)), perm=[0, 2, 1])
    places = graph.constant(graph.weights(1, WIDTH, TRAINED_SIDE, TRAINED_SIDE, spread=0.02))
    sizes = graph.op("Concat", graph.ints(1, WIDTH), rows, columns, axis=0)
    placed = graph.op("Reshape", graph.resized(places, sizes, "cubic", "half_pixel"), graph.ints(1, WIDTH, -1))
    tokens = graph.op("Add", flat, graph.op("Transpose", placed, perm=[0, 2, 1]))
    tokens = graph.op("Concat", graph.constant(graph.weights(1, 1, WIDTH, spread=0.02)), tokens, axis=1)
    kept = []
    for layer in range(layers):
        tokens = _attended(graph, tokens)
        inner = graph.linear(graph.normalised(tokens), WIDTH, 4 * WIDTH)
        tokens = graph.op("Add", tokens, graph.linear(_gelu(graph, inner), 4 * WIDTH, WIDTH))
        if (layer + 1) * 4 % layers == 0:
            kept.append(graph.normalised(tokens))
    return kept


def _attended(graph: _Graph, tokens: str) -> str:
    normal, each = graph.normalised(tokens), WIDTH // HEADS
    query, key, value = (
        graph.op(
            "Transpose",
            graph.op("Reshape", graph.linear(normal, WIDTH, WIDTH), graph.ints(1, -1, HEADS, each)),
            perm=turned,
        )
        for turned in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])
    )
    scores = graph.op("Mul", graph.op("MatMul", query, key), graph.constant(np.float32(each**-0.5)))
    mixed = graph.op("MatMul", graph.op("Softmax", scores, axis=-1), value)
    joined = graph.op("Reshape", graph.op("Transpose", mixed, perm=[0, 2, 1, 3]), graph.ints(1, -1, WIDTH))
    return graph.op("Add", tokens, graph.linear(joined, WIDTH, WIDTH))


def _gelu(graph: _Graph, of: str) -> str:
    half, one = graph.constant(np.float32(0.5)), graph.constant(np.float32(1))
    erf = graph.op("Erf", graph.op("Mul", of, graph.constant(np.float32(2**-0.5))))
    return graph.op("Mul", graph.op("Mul", of, half), graph.op("Add", erf, one))


def _as_picture(graph: _Graph, tokens: str, rows: str, columns: str) -> str:
    """The tokens of the patches as a picture of features."""
    most = 2**31 - 1
    without = graph.op("Slice", tokens, graph.ints(1), graph.ints(most), graph.ints(1))
    sizes = graph.op("Concat", graph.ints(1, WIDTH), rows, columns, axis=0)
    return graph.op("Reshape", graph.op("Transpose", without, perm=[0, 2, 1]), sizes)


def _decoded(graph: _Graph, features: list[str]) -> str:
    levels = []
    for index, (feature, channels) in enumerate(zip(features, NECK, strict=True)):
        level = graph.convolved(feature, WIDTH, channels, 1)
        if index < 2:
            by = 4 >> index
            kernel = graph.constant(graph.weights(channels, channels, by, by, spread=channels**-0.5))
            level = graph.op("ConvTranspose", level, kernel, strides=[by, by])
        elif index == 3:
            level = graph.convolved(level, channels, channels, 3, strides=[2, 2], pads=[1, 1, 1, 1])
        levels.append(graph.convolved(level, channels, DECODER, 3, pads=[1, 1, 1, 1]))
    fused = levels[-1]
    for level in levels[-2::-1]:
        fused = graph.op("Add", _residual(graph, graph.like(fused, level, DECODER)), level)
    return graph.convolved(_residual(graph, fused), DECODER, DECODER, 1)


def _residual(graph: _Graph, of: str) -> str:
    inner = of
    for _ in range(2):
        inner = graph.convolved(graph.op("Relu", inner), DECODER, DECODER, 3, pads=[1, 1, 1, 1])
    return graph.op("Add", of, inner)


def _head(graph: _Graph, fused: str, rows: str, columns: str) -> None:
    narrow = graph.convolved(fused, DECODER, HEAD, 3, pads=[1, 1, 1, 1])
    sides = [graph.op("Mul", each, graph.ints(PATCH)) for each in (rows, columns)]
    sizes = graph.op("Concat", graph.ints(1, HEAD), *sides, axis=0)
    large = graph.resized(narrow, sizes, "linear", "align_corners")
    inner = graph.op("Relu", graph.convolved(large, HEAD, HEAD, 3, pads=[1, 1, 1, 1]))
    depth = graph.op("Squeeze", graph.op("Relu", graph.convolved(inner, HEAD, 1, 1)), graph.ints(1))
    graph.nodes.append(helper.make_node("Cast", [depth], ["predicted_depth"], "out", to=TensorProto.FLOAT))
