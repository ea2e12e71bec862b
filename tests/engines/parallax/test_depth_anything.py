"""Depth-Anything-V2-Small's graph at its own shapes, with random weights, in ONNX Runtime's CPU provider."""

import json

import numpy as np
import pytest

from stillmotion.adapters.models.depth_network import FILES, DepthNetwork
from stillmotion.composition.depth import DepthSetUp
from stillmotion.domain.rendering import Picture, RenderJob
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.analysis.scene import analyse
from stillmotion.engines.parallax.engine import Parallax
from stillmotion.vision.faces import FaceFinder
from stillmotion.worker.renderer.handle import RENDERER_COMMAND, RendererProcess

pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install stillmotion[onnx]")
onnx = pytest.importorskip("onnx", reason="needs onnx, to make the network")

from stillmotion.engines.parallax.depth.onnx_model import PIXELS, DepthModel  # noqa: E402 - after what it needs is known
from tests.engines.parallax.depth_anything import FP16, FP32, INT8, depth_anything  # noqa: E402 - as above

QUICK = 4
"""Layers of a network that only has to have every operator."""


def grainy(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture(scope="module")
def quick(tmp_path_factory) -> DepthModel:
    return DepthModel(depth_anything(tmp_path_factory.mktemp("net") / "net.onnx", INT8, QUICK))


@pytest.mark.parametrize("precision", [INT8, FP32, FP16])
def test_every_precision_runs_and_tells_depth(tmp_path, precision):
    model = DepthModel(depth_anything(tmp_path / "net.onnx", precision, QUICK), is_pulled=True)
    rgb = grainy(640, 360)
    told = model.depth(rgb, analyse(rgb, FaceFinder()))
    assert told.raw is not None
    assert told.raw.shape == (238, 420)
    assert (told.raw.min(), told.raw.max()) == (0, 1)
    assert told.raw.std() > 0.02


def test_in_8_bits_the_operators_are_those_of_the_published_file(tmp_path):
    file = depth_anything(tmp_path / "net.onnx", INT8)
    kinds = {node.op_type for node in onnx.load(file).graph.node}
    assert {"DynamicQuantizeLinear", "MatMulInteger", "ConvInteger"} <= kinds
    assert file.stat().st_size == pytest.approx(FILES["int8"].listed.size, rel=0.05)


@pytest.mark.parametrize(("width", "height"), [(320, 180), (180, 320), (300, 300), (900, 90), (64, 48), (331, 197)])
def test_a_picture_of_any_shape_becomes_whole_patches_of_about_as_many_pixels(quick, width, height):
    rgb = grainy(width, height)
    raw = quick.depth(rgb, analyse(rgb, FaceFinder())).raw
    assert raw is not None
    rows, columns = raw.shape
    assert (rows % 14, columns % 14) == (0, 0)
    assert max(rows, columns) <= 640
    assert 0.35 * PIXELS < rows * columns < 1.1 * PIXELS
    assert columns / rows == pytest.approx(width / height, rel=0.15)


def test_a_clip_by_the_whole_network_is_the_same_twice_and_its_plan_names_it(tmp_path):
    engine = Parallax(DepthModel(depth_anything(tmp_path / FILES["int8"].name, INT8)))
    job = RenderJob("orbit left", Picture(320, 180, grainy(320, 180).tobytes()), None, FrameSize(320, 180), 0.5)
    one, other = (engine.render(job, lambda _: None) for _ in range(2))
    assert json.loads(one.plan)["depth"] == "model depth-anything-v2-small-int8"
    assert all(np.array_equal(a.planes, b.planes) for a, b in zip(one.frames, other.frames, strict=True))


async def test_a_renderer_loads_it_by_the_options_of_a_pulled_network(tmp_path):
    of = FILES["int8"]
    file = depth_anything(tmp_path / of.name, INT8, QUICK)
    renderer = RendererProcess(
        (*RENDERER_COMMAND, *DepthSetUp(file, "nearness", DepthNetwork(file, of)).renderer_options)
    )
    try:
        ready = await renderer.start()
        assert ready.engines == ("parallax/1",)
        assert await renderer.start() is ready
    finally:
        await renderer.stop()
