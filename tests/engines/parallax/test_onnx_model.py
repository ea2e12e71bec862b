"""A depth model of the operator's: its input, its output, and refusals with their remedy."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from stillmotion.domain.errors import EngineUnfit, GenerationFailed, RenderCancelled
from stillmotion.domain.rendering import Picture, RenderJob, cancellable_by
from stillmotion.domain.request import FrameSize
from stillmotion.engines.parallax.analysis.scene import Scene, analyse
from stillmotion.engines.parallax.engine import Parallax
from stillmotion.vision.faces import FaceFinder

pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install stillmotion[onnx]")
onnx = pytest.importorskip("onnx", reason="needs onnx, to make the models")

from stillmotion.engines.parallax.depth.onnx_model import DepthModel, Gives, normalised  # noqa: E402 - after what it needs is known
from tests.engines.parallax import onnx_models as models  # noqa: E402 - as above

SIZE = FrameSize(320, 180)


def stripes(*greys: int, width: int = 320, height: int = 180) -> np.ndarray:
    """A grainy picture of vertical stripes."""
    row = np.repeat(greys, -(-width // len(greys)))[:width]
    noise = np.random.default_rng(1).integers(-9, 10, (height, width, 3))
    return np.clip(row[np.newaxis, :, np.newaxis] + noise, 0, 255).astype(np.uint8)


def looked_at(rgb: np.ndarray) -> Scene:
    return analyse(rgb, FaceFinder())


def nearness_of(model: DepthModel, rgb: np.ndarray, count: int = 2) -> list[float]:
    """Nearness of the middle of each stripe."""
    near = model.depth(rgb, looked_at(rgb)).near
    wide = near.shape[1] / count
    return [float(near[:, round(wide * (each + 0.3)) : round(wide * (each + 0.7))].mean()) for each in range(count)]


@pytest.mark.parametrize("shape", [models.OPEN, (1, 3, 40, 56), ("batch", 3, 64, 64), ("n", "channels", "h", 70)])
@pytest.mark.parametrize("keep", [0, 1])
def test_any_size_of_input_will_do(tmp_path, shape, keep):
    model = DepthModel(models.brightness(tmp_path / "bright.onnx", shape, keep=keep))
    dark, bright = nearness_of(model, stripes(40, 200))
    assert dark < 0.2
    assert bright > 0.8


def test_half_precision_will_do(tmp_path):
    model = DepthModel(models.brightness(tmp_path / "half.onnx", kind=onnx.TensorProto.FLOAT16))
    dark, bright = nearness_of(model, stripes(40, 200))
    assert dark < 0.2
    assert bright > 0.8


@pytest.mark.parametrize("step", [14, 32])
def test_an_open_size_is_made_a_multiple_of_the_models_patches(tmp_path, step):
    model = DepthModel(models.in_steps(tmp_path / "steps.onnx", step))
    dark, bright = nearness_of(model, stripes(40, 200, width=301, height=177))
    assert dark < 0.2
    assert bright > 0.8


def test_a_model_that_divides_by_its_range_will_do(tmp_path):
    dark, bright = nearness_of(DepthModel(models.by_its_range(tmp_path / "ranged.onnx")), stripes(40, 200))
    assert dark < 0.2
    assert bright > 0.8


def test_a_model_is_given_the_picture_as_imagenet_has_it():
    given = normalised(np.full((40, 30, 3), (255, 0, 0), np.uint8), 16, 16)
    assert given.shape == (1, 3, 16, 16)
    assert given[0, :, 0, 0] == pytest.approx([(1 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225], abs=1e-5)


def test_distances_are_turned_round_in_proportion(tmp_path):
    """Of 8.6, 5.8 and 3.0 m the middle one lies at a quarter of the range in inverse distance, not at half."""
    model = DepthModel(models.metres(tmp_path / "metres.onnx"), Gives.DISTANCE)
    dark, grey, bright = nearness_of(model, stripes(40, 120, 200), 3)
    assert dark < 0.1
    assert grey == pytest.approx(0.26, abs=0.06)
    assert bright > 0.85


def test_the_plan_names_the_model_and_the_clip_moves_by_it(tmp_path):
    engine = Parallax(DepthModel(models.brightness(tmp_path / "my_midas.onnx")))
    rgb = stripes(40, 200)
    picture = Picture(320, 180, rgb.tobytes())
    rendering = engine.render(RenderJob("truck right", picture, None, SIZE, 1.0), lambda _: None)
    first, *_, last = rendering.frames
    assert json.loads(rendering.plan)["depth"] == "model my_midas"
    estimated = list(Parallax().render(RenderJob("truck right", picture, None, SIZE, 1.0), lambda _: None).frames)
    assert np.abs(first.planes.astype(int) - estimated[0].planes).mean() < 0.5
    assert np.abs(last.planes.astype(int) - estimated[-1].planes).mean() > 0.5


@pytest.mark.parametrize(("aside", "layers"), [(0, 2), (24, 1)], ids=["of this picture", "of another"])
def test_depth_that_lies_on_the_pictures_edges_is_drawn_in_layers(tmp_path, aside, layers):
    x, y = np.meshgrid(np.arange(480), np.arange(270))
    is_near = np.hypot(x - 240, y - 135) < 70
    grain = np.random.default_rng(2).integers(-9, 10, (270, 480, 3))
    # A wall, dark to the left and bright to the right, so that depth is not brightness.
    wall = np.where(x < 240, 40, 220)
    rgb = np.clip(np.where(is_near, 130, wall)[..., np.newaxis] + grain, 0, 255).astype(np.uint8)
    engine = Parallax(DepthModel(models.always(tmp_path / "known.onnx", np.roll(is_near, aside, axis=1))))
    job = RenderJob("orbit left", Picture(480, 270, rgb.tobytes()), None, SIZE, 1.0)
    plan = json.loads(engine.render(job, lambda _: None).plan)
    assert (plan["depth"], plan["layers"]) == ("model known", layers)


def test_the_same_job_gives_the_same_frames(tmp_path):
    engine = Parallax(DepthModel(models.brightness(tmp_path / "bright.onnx")))
    job = RenderJob("push in", Picture(320, 180, stripes(40, 200).tobytes()), None, SIZE, 1.0)
    one, other = (list(engine.render(job, lambda _: None).frames) for _ in range(2))
    assert all(np.array_equal(a.planes, b.planes) for a, b in zip(one, other, strict=True))


def test_a_model_that_fails_on_a_picture_fails_the_generation(tmp_path):
    """A fallback to the estimate would make two different clips of the same request."""
    engine = Parallax(DepthModel(models.fails_on_white(tmp_path / "log.onnx")))
    job = RenderJob("push in", Picture(320, 180, stripes(180, 240).tobytes()), None, SIZE, 1.0)
    with pytest.raises(GenerationFailed, match="depth of the picture could not be told") as failed:
        engine.render(job, lambda _: None)
    assert (failed.value.code, failed.value.permanent) == ("depth_model_failed", False)


def test_a_cancel_stops_a_model_at_work(tmp_path):
    engine = Parallax(DepthModel(models.endless_on_white(tmp_path / "endless.onnx")))
    began = time.monotonic()

    def check() -> None:
        if time.monotonic() - began > 0.6:
            raise RenderCancelled

    job = RenderJob("push in", Picture(320, 180, stripes(180, 255).tobytes()), None, SIZE, 1.0)
    with pytest.raises(RenderCancelled), cancellable_by(check):
        engine.render(job, lambda _: None)  # Without the cancel it would go on for ever.


def two_inputs(path: Path) -> Path:
    return models.saved(path, [models.node("Add", "image other")], inputs=("image", "other"))


def bytes_in(path: Path) -> Path:
    nodes = [models.node("Cast", "image", to=onnx.TensorProto.UINT8)]
    return models.saved(path, nodes, kind=onnx.TensorProto.UINT8)


def last_channel(path: Path) -> Path:
    return models.brightness(path, (1, 64, 64, 3))


def no_model(path: Path) -> Path:
    path.write_bytes(b"not a model at all")
    return path


def missing(path: Path) -> Path:
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (missing, "is not a file"),
        (no_model, "cannot load"),
        (two_inputs, "it must be one picture"),
        (bytes_in, "it must be one picture"),
        (last_channel, "it must be one picture"),
        (models.classifier, "gives no depth of a picture"),
        (lambda path: models.in_steps(path, 45), "gives no depth of a picture"),
    ],
)
def test_a_file_that_will_not_do_is_refused_with_its_name(tmp_path, make, words):
    with pytest.raises(EngineUnfit, match=words) as refused:
        DepthModel(make(tmp_path / "wrong.onnx"))
    assert "depth_model" in str(refused.value)
    assert "wrong.onnx" in str(refused.value)


def test_a_missing_extra_is_refused_with_the_fix(tmp_path, monkeypatch):
    model = models.brightness(tmp_path / "bright.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EngineUnfit, match=r"install stillmotion\[onnx\]"):
        DepthModel(model)


def test_a_pulled_network_that_will_not_do_is_refused_with_the_command_that_mends_it(tmp_path, monkeypatch):
    broken = no_model(tmp_path / "net.onnx")
    with pytest.raises(
        EngineUnfit, match=r"The depth network is .*net\.onnx, which ONNX Runtime cannot load"
    ) as refused:
        DepthModel(broken, is_pulled=True)
    assert str(refused.value).endswith(" Pull it again (`stillmotion models pull depth`), or set depth_model to none.")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EngineUnfit, match=r"install stillmotion\[onnx\], or set depth_model to none"):
        DepthModel(broken, is_pulled=True)
