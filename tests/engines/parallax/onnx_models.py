"""Small ONNX models made by tests. Each behaves as a kind of depth model does, without weights."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save
from onnx.onnx_ml_pb2 import NodeProto

OPSET = 17
OPEN = (1, 3, "height", "width")


def saved(
    path: Path,
    nodes: Sequence[NodeProto],
    shape: Sequence[int | str] = OPEN,
    constants: Sequence[TensorProto] = (),
    kind: int = TensorProto.FLOAT,
    inputs: Sequence[str] = ("image",),
) -> Path:
    """A model file of these nodes, from `inputs` to `depth`."""
    graph = helper.make_graph(
        nodes,
        "depth",
        [helper.make_tensor_value_info(name, kind, shape) for name in inputs],
        [helper.make_tensor_value_info("depth", kind, None)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    save(model, path)
    return path


def node(operation: str, inputs: str, output: str = "depth", **attributes) -> NodeProto:
    return helper.make_node(operation, inputs.split(), [output], **attributes)


def floats(name: str, *values: float) -> TensorProto:
    return helper.make_tensor(name, TensorProto.FLOAT, [len(values)] if len(values) > 1 else [], values)


def brightness(path: Path, shape: Sequence[int | str] = OPEN, kind: int = TensorProto.FLOAT, keep: int = 0) -> Path:
    """Nearness is brightness. The output is 1 × height × width, or 1 × 1 × height × width with `keep`."""
    return saved(path, [node("ReduceMean", "image", axes=[1], keepdims=keep)], shape, kind=kind)


def in_steps(path: Path, step: int) -> Path:
    """Nearness is brightness, for pictures whose sides are multiples of `step` only."""
    nodes = [
        node("ReduceMean", "image", "grey", axes=[1], keepdims=1),
        node("SpaceToDepth", "grey", "patches", blocksize=step),
        node("DepthToSpace", "patches", blocksize=step),
    ]
    return saved(path, nodes)


def by_its_range(path: Path) -> Path:
    """Nearness is normalized brightness, which is NaN for a picture of one grey."""
    nodes = [
        node("ReduceMean", "image", "grey", axes=[1], keepdims=0),
        node("ReduceMin", "grey", "least", keepdims=0),
        node("ReduceMax", "grey", "most", keepdims=0),
        node("Sub", "grey least", "over"),
        node("Sub", "most least", "range"),
        node("Div", "over range"),
    ]
    return saved(path, nodes)


def metres(path: Path) -> Path:
    """Output is a distance: 6 m at ImageNet's mean, less for brighter parts."""
    nodes = [
        node("ReduceMean", "image", "grey", axes=[1], keepdims=0),
        node("Mul", "grey slope", "falling"),
        node("Add", "falling offset"),
    ]
    return saved(path, nodes, constants=[floats("slope", -2.0), floats("offset", 6.0)])


def fails_on_white(path: Path) -> Path:
    """Output is a logarithm, of a negative number for a bright picture."""
    nodes = [
        node("ReduceMean", "image", "grey", axes=[1], keepdims=0),
        node("Sub", "most grey", "left"),
        node("Log", "left"),
    ]
    return saved(path, nodes, constants=[floats("most", 1.0)])


def classifier(path: Path) -> Path:
    """Output is one number for a picture, as a classifier's."""
    nodes = [node("GlobalAveragePool", "image", "pooled"), node("Flatten", "pooled")]
    return saved(path, nodes)


def endless_on_white(path: Path) -> Path:
    """Output is a loop's counter. A white picture makes the loop almost endless."""
    body = helper.make_graph(
        [node("Identity", "going", "goes_on"), node("Add", "sum one", "next")],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("sum", TensorProto.FLOAT, []),
        ],
        [
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, []),
        ],
        [floats("one", 1.0)],
    )
    nodes = [
        node("ReduceMax", "image", "brightest", keepdims=0),
        node("Sub", "brightest least", "over"),
        node("Relu", "over", "positive"),
        node("Mul", "positive many", "turns"),
        node("Cast", "turns", "count", to=TensorProto.INT64),
        node("Loop", "count yes zero", "counted", body=body),
        node("ReduceMean", "image", "grey", axes=[1], keepdims=0),
        node("Add", "grey counted"),
    ]
    yes = helper.make_tensor("yes", TensorProto.BOOL, [], [True])
    return saved(path, nodes, constants=[floats("least", 1.0), floats("many", 1e9), floats("zero", 0.0), yes])


def always(path: Path, known: np.ndarray) -> Path:
    """Output is this map (rows × columns), at the size of whatever picture comes."""
    nodes = [
        node("Shape", "image", "shape", start=2),
        node("Concat", "one shape", "sizes", axis=0),
        helper.make_node("Resize", ["known", "", "", "sizes"], ["depth"], mode="linear"),
    ]
    constants = [
        numpy_helper.from_array(np.array([1, 1], np.int64), "one"),
        numpy_helper.from_array(known.astype(np.float32)[np.newaxis, np.newaxis], "known"),
    ]
    return saved(path, nodes, constants=constants)
