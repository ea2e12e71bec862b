"""The service with an operator's model: real pipelines with random weights on the CPU, from submit to MP4."""

import io
import json
from pathlib import Path

import av
import pytest

from tests.cli.test_models import run
from tests.end_to_end.conftest import Running, small_picture
from tests.waiting import eventually

pytest.importorskip("torch", reason="needs torch and diffusers: python3 dev.py test --all")
tiny = pytest.importorskip(
    "tests.engines.diffusers.tiny", reason="needs torch and diffusers: python3 dev.py test --all"
)

pytestmark = pytest.mark.slow
START = 90
"""Seconds until the renderer of a device has imported torch, loaded its model and made a clip with it."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("weights")
    return {name: tiny.SAVED[name](root / name) for name in ("wan21", "a14b")}


def written(path: Path, weights: dict[str, Path], aliases: str, steps: int = 3) -> str:
    entry = """
[models.{name}]
engine = "diffusers"
family = "wan"
weights = "{folder}"
abilities = [{abilities}]
licence = "Apache-2.0"
sizes = {{ step = 16, least = 1024, most = 6144 }}
frames = {{ step = 4, offset = 1, least = 5, most = 17 }}
fps = 8
steps = {steps}
guidance = 2.0
dtype = "float32"
"""
    entries = (
        entry.format(name="small", folder=weights["wan21"], abilities='"first"', steps=steps),
        entry.format(name="between", folder=weights["a14b"], abilities='"first", "last"', steps=steps),
    )
    path.write_text(f"[aliases]\n{aliases}\n" + "".join(entries))
    return str(path)


def clip(running: Running, done: dict) -> av.container.InputContainer:
    content = running.call("GET", done["assets"]["video"].removeprefix(running.base)).content
    return av.open(io.BytesIO(content))


def plan_of(running: Running, generation_id: str) -> dict:
    given = {"Ocp-Apim-Subscription-Key": running.key}
    return running.call("GET", f"/generations/{generation_id}/plan", **given).body["plan"]


def missing_of(running: Running, sentence: str) -> dict | None:
    """The `missing` of `/readyz`, once its sentence about servers contains this one."""
    missing = running.call("GET", "/readyz").body.get("missing", {})
    return missing if sentence in missing.get("servers", "") else None


def ready(running: Running) -> None:
    running.ready(START)


@pytest.mark.makes("diffusers, family `wan`", "Gateway", "Start picture")
def test_a_clip_is_made_by_a_model(make_running, weights, tmp_path):
    running = make_running(STILLMOTION_CATALOGUE=written(tmp_path / "m.toml", weights, 'ray-2 = "small"'))
    ready(running)
    body = {"model": "ray-2", "prompt": "a boat drifts", "url": small_picture(), "duration": 1, "seed": 5}
    accepted = running.submit(body)
    assert accepted.status in (200, 201), accepted.content
    assert accepted.headers["x-stillmotion-engine"] == "diffusers/small"
    done = running.wait_for(accepted.body["id"], "completed", "failed")
    assert done["state"] == "completed", done
    with clip(running, done) as container:
        stream = container.streams.video[0]
        assert sum(1 for _ in container.decode(stream)) == 9
        assert (stream.width % 16, stream.height % 16, stream.average_rate) == (0, 0, 8)
    told = plan_of(running, accepted.body["id"])
    assert (told["seed"], told["steps"], told["device"]) == (5, 3, "cpu")
    assert (told["emulated"], told["adjusted"]) == ([], [])


@pytest.mark.makes("diffusers, family `wan`", "Gateway", "Start picture", "Loop")
def test_two_models_take_turns_on_one_device_and_a_clip_is_carried_on(make_running, weights, tmp_path):
    aliases = 'ray-2 = "small"\nray-flash-2 = "between"'
    running = make_running(STILLMOTION_CATALOGUE=written(tmp_path / "m.toml", weights, aliases))
    body = {"prompt": "a boat drifts", "url": small_picture(), "duration": 1}
    ids = [running.submit(body | {"model": model}).body["id"] for model in ("ray-2", "ray-flash-2", "ray-2")]
    states = [running.wait_for(each, "completed", "failed", seconds=START)["state"] for each in ids]
    assert states == ["completed"] * 3
    looped = running.submit(body | {"model": "ray-flash-2", "loop": True}).body["id"]
    done = running.wait_for(looped, "completed", "failed", seconds=START)
    with clip(running, done) as container:
        assert sum(1 for _ in container.decode(video=0)) == 8
    assert any(each.startswith("loop:") for each in plan_of(running, looped)["emulated"])


def test_a_model_that_cannot_be_loaded_is_said_by_readyz_and_its_work_goes_to_the_next(make_running, weights, tmp_path):
    (tmp_path / "broken" / "scheduler").mkdir(parents=True)  # From outside the folder looks complete.
    index = {"_class_name": "WanImageToVideoPipeline", "scheduler": ["diffusers", "UniPCMultistepScheduler"]}
    (broken := tmp_path / "broken").joinpath("model_index.json").write_text(json.dumps(index))
    catalogue = written(
        tmp_path / "m.toml", {**weights, "wan21": broken}, 'ray-2 = "small"\nray-1-6 = "small > parallax"'
    )
    running = make_running(STILLMOTION_CATALOGUE=catalogue)
    body = {"prompt": "push in", "url": small_picture(), "duration": 1, "resolution": "540p"}
    accepted = running.submit(body)
    assert accepted.headers["x-stillmotion-engine"] == "diffusers/small"
    done = running.wait_for(accepted.body["id"], "completed", "failed", seconds=START)
    assert done["state"] == "completed", done
    assert running.status(accepted.body["id"]).headers["x-stillmotion-engine"] == "parallax/1"
    missing = running.call("GET", "/readyz").body["missing"]
    assert "nobody makes ray-2 just now" in missing["servers"]
    assert "The weights of small" in missing["servers"]


def test_check_says_what_is_wrong_with_a_model_s_options(weights, tmp_path):
    catalogue = Path(written(tmp_path / "m.toml", weights, 'ray-2 = "small"\nray-flash-2 = "between"'))
    catalogue.write_text(catalogue.read_text() + "options = { attention = 3 }\n")
    checked = run("models", "check", catalogue=str(catalogue))
    assert checked.returncode != 0
    assert "small: can be made" in checked.stdout
    assert "between: models.between.options.attention must be a text" in checked.stdout


def test_a_second_model_that_is_unfit_is_found_out_at_the_start_and_its_work_goes_to_the_next(
    make_running, weights, tmp_path
):
    aliases = 'ray-2 = "small"\nray-flash-2 = "between > parallax"\nray-1-6 = "between"'
    catalogue = Path(written(tmp_path / "m.toml", weights, aliases))
    catalogue.write_text(catalogue.read_text() + 'options = { cache = "unheard-of" }\n')
    running = make_running(STILLMOTION_CATALOGUE=str(catalogue))
    missing = eventually(lambda: missing_of(running, "cache must be"), START, about=running.log.read_text)
    assert "nobody makes ray-1-6 just now" in missing["servers"]
    body = {"prompt": "push in", "url": small_picture(), "duration": 1, "resolution": "540p"}
    accepted = running.submit(body | {"model": "ray-flash-2"})
    done = running.wait_for(accepted.body["id"], "completed", "failed", seconds=START)
    assert done["state"] == "completed", done
    assert running.status(accepted.body["id"]).headers["x-stillmotion-engine"] == "parallax/1"
    made = running.wait_for(running.submit(body | {"model": "ray-2"}).body["id"], "completed", "failed", seconds=START)
    assert made["state"] == "completed", made


def test_weights_that_are_not_there_stop_the_server_with_a_sentence(make_running, weights, tmp_path):
    catalogue = written(tmp_path / "m.toml", {**weights, "wan21": tmp_path / "nowhere"}, 'ray-2 = "small"')
    with pytest.raises(AssertionError, match=r"The model small cannot be made here: .*model_index\.json is not there"):
        make_running(STILLMOTION_CATALOGUE=catalogue)
