"""`stillmotion models pull`, against a hub on loopback."""

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
from huggingface_hub import constants

from stillmotion.adapters.models.catalogue import read_catalogue
from stillmotion.adapters.models.hub import Listed, wanted_of
from stillmotion.adapters.models.weights import WeightsUnusable, parts_of, trouble_with
from stillmotion.composition.weights import pull_weights
from stillmotion.config import Settings
from stillmotion.domain.catalogue import CatalogueError
from tests.adapters.models.hub import FIRST, PARTS, SHA, WEIGHTS, Hub, open_hub, tensors

BIG = "transformer/diffusion_pytorch_model.safetensors"


def a_catalogue(folder: Path, **fields: str) -> Path:
    file = folder / "models.toml"
    given = {"engine": "diffusers", "hub": "studio/small", "licence": "Apache-2.0", **fields}
    lines = [f"{name} = {json.dumps(value)}" for name, value in given.items() if value]
    file.write_text("\n".join(['[aliases]\nray-2 = "small"\n[models.small]\nabilities = ["first"]', *lines]))
    return file


def pull(hub: Hub | None, folder: Path, *words: str, catalogue: Path | None = None, token: str = "", **settings: str):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("STILLMOTION_", "HF_"))}
    given = {"allow_hub": "true", "catalogue": str(catalogue or a_catalogue(folder)), **settings}
    environment = kept | {f"STILLMOTION_{name.upper()}": value for name, value in given.items()}
    environment |= {
        "STILLMOTION_DATA_DIR": str(folder / "data"),
        "HF_HOME": str(folder / "hf"),
        "HF_ENDPOINT": "http://127.0.0.1:9" if hub is None else hub.url,
        "HF_TOKEN": token,
    }
    command = [sys.executable, "-m", "stillmotion", "models", "pull", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def there(folder: Path) -> dict[str, bytes]:
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def test_weights_come_whole_and_without_what_loading_does_not_need(tmp_path):
    with open_hub(Hub()) as hub:
        done = pull(hub, tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "data" / "weights" / "small"
    assert done.stdout == f"small: whole, in {folder}\n"
    came = there(folder)
    record = json.loads(came.pop("pulled.json"))
    assert came == WEIGHTS
    assert (record["hub"], record["revision"], set(record["files"])) == ("studio/small", SHA, set(WEIGHTS))
    assert not folder.with_name("small.part").exists()
    assert "GB" in done.stderr


def test_what_is_there_is_not_fetched_again_and_needs_no_hub(tmp_path):
    with open_hub(Hub()) as hub:
        pull(hub, tmp_path)
    again = pull(None, tmp_path, "--json", allow_hub="false")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout) == {"model": "small", "folder": str(tmp_path / "data" / "weights" / "small")}


def test_a_pull_that_was_broken_off_leaves_no_folder_and_is_gone_on_with_from_the_byte(tmp_path):
    large = {BIG: tensors(12_000_000)}
    with open_hub(Hub(files=WEIGHTS | large, cut_at=11_000_000)) as hub:
        first = pull(hub, tmp_path)
        assert first.returncode == 1
        assert "does not give studio/small" in first.stderr
        assert "Traceback" not in first.stderr
        folder = tmp_path / "data" / "weights" / "small"
        assert not folder.exists()
        hub.is_in_trouble, hub.cut_at = False, 0
        hub.given.clear()
        second = pull(hub, tmp_path)
    assert second.returncode == 0, second.stderr
    assert (folder / BIG).read_bytes() == large[BIG]
    ranges = dict(hub.given)
    assert int(ranges[BIG].removeprefix("bytes=").removesuffix("-")) > 10_000_000
    assert f"text_encoder/{FIRST}" not in ranges


def test_bytes_that_are_not_those_of_the_listing_are_thrown_away(tmp_path):
    with open_hub(Hub(damaged=frozenset({BIG}))) as hub:
        done = pull(hub, tmp_path)
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1] == f"small: {BIG} of studio/small came damaged: pull again."
        assert not (tmp_path / "data" / "weights" / "small").exists()
        hub.damaged = frozenset()
        assert pull(hub, tmp_path).returncode == 0


def test_a_key_goes_to_the_hub_and_not_to_where_large_files_lie(tmp_path):
    with open_hub(Hub(token="hidden-token")) as hub:
        done = pull(hub, tmp_path, token="hidden-token")
    assert done.returncode == 0, done.stderr
    assert {key for place, key in hub.keys if place == "hub"} == {"Bearer hidden-token"}
    assert {key for place, key in hub.keys if place == "elsewhere"} == {""}
    assert "hidden-token" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("hub", "settings", "fields", "sentence"),
    [
        (Hub(), {"allow_hub": False}, {}, "would come from the hub (studio/small): set allow_hub to true"),
        (Hub(), {}, {"licence": "CogVideoX"}, "add CogVideoX to the setting accepted_licences"),
        (Hub(), {}, {"hub": ""}, "small has no `hub` to pull from: name the folder of its weights in `weights`"),
        (Hub(), {}, {"hub": "studio/none"}, "The hub has no studio/none, or not for everyone"),
        (Hub(token="x"), {}, {}, "given only to those who accepted its terms"),
        (Hub(files={"a.txt": b""}), {}, {}, "There is no model_index.json in it"),
        (Hub(files={"../a.txt": b""}), {}, {}, "which is no place in a folder"),
        (Hub(files=WEIGHTS | {BIG: b"no weights"}), {}, {}, "is cut short. It has to be in diffusers' layout"),
        (None, {}, {}, "The hub does not give studio/small"),
    ],
    ids=["not allowed", "licence", "no hub", "unknown", "gated", "no index", "escape", "no tensors", "no connection"],
)
def test_what_cannot_be_had_is_said_in_a_sentence(tmp_path, monkeypatch, hub, settings, fields, sentence):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    entry = read_catalogue(a_catalogue(tmp_path, **fields)).entries["small"]
    given = Settings(**{"data_dir": tmp_path / "data", "allow_hub": True} | settings)
    with open_hub(hub) if hub is not None else nullcontext() as opened:
        base = opened.url if opened is not None else "http://127.0.0.1:9"
        monkeypatch.setattr(constants, "ENDPOINT", base)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", base + "/{repo_id}/resolve/{revision}/{filename}")
        with pytest.raises((WeightsUnusable, CatalogueError)) as refused:
            pull_weights(entry, given, lambda *_: None)
    assert sentence in str(refused.value)
    assert not (tmp_path / "data" / "weights" / "small").exists()


def test_the_operators_own_folder_goes_first(tmp_path):
    own = tmp_path / "own"
    for name, content in WEIGHTS.items():
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        (own / name).write_bytes(content)
    catalogue = a_catalogue(tmp_path, weights=str(own))
    assert pull(None, tmp_path, catalogue=catalogue).stdout == f"small: whole, in {own}\n"
    (own / BIG).write_bytes(WEIGHTS[BIG][:-1])
    broken = pull(None, tmp_path, catalogue=catalogue)
    assert broken.returncode == 1
    assert f"{own / BIG} is cut short" in broken.stderr


def test_models_without_weights_have_none_to_pull(tmp_path):
    done = pull(None, tmp_path, "parallax", models="ray-2=parallax")
    assert (done.returncode, done.stderr) == (1, "parallax: parallax needs no weights: it is made by parallax/1.\n")
    none = pull(None, tmp_path, models="ray-2=parallax")
    said = "No wire name stands for a model with weights: name the model, or depth for the depth network.\n"
    assert (none.returncode, none.stdout) == (0, said)


def test_a_model_that_is_not_in_the_catalogue_is_named(tmp_path):
    done = pull(None, tmp_path, "paralax")
    assert (done.returncode, done.stderr) == (
        1,
        "stillmotion: The catalogue has no model paralax: did you mean parallax?\n",
    )


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        ({"transformer/config.json": None, BIG: None}, "transformer is not there"),
        ({f"text_encoder/{FIRST}": None}, f"text_encoder/{FIRST} is not there"),
        ({BIG: None}, "transformer holds no weights"),
        ({BIG: tensors(100) + b"more"}, f"{BIG} is cut short"),
        ({BIG: b"short"}, f"{BIG} is cut short"),
        ({BIG: (40).to_bytes(8, "little") + b'{"a": [1, 2, 3]}' + bytes(24)}, f"{BIG} is cut short"),
        ({"model_index.json": None}, "model_index.json is not there"),
        ({"model_index.json": b"{"}, "model_index.json is not JSON"),
        ({"model_index.json": b"[]"}, "model_index.json is not what it should be"),
        ({"model_index.json": b"{}"}, "model_index.json names no parts"),
        ({"text_encoder/model.safetensors.index.json": b"{}"}, "model.safetensors.index.json names no files"),
        ({}, None),
    ],
)
def test_weights_are_looked_through_without_being_loaded(tmp_path, change, trouble):
    for name, content in (WEIGHTS | change).items():
        if content is not None:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)
    found = trouble_with(tmp_path)
    assert found is None if trouble is None else found.endswith(trouble)


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["vae/a.safetensors", "vae/a.bin"], ["vae/a.safetensors"]),
        (["vae/a.bin", "vae/a.fp16.bin"], ["vae/a.bin"]),
        (["vae/a.fp16.safetensors"], ["vae/a.fp16.safetensors"]),
        (["vae/a.safetensors", "vae/a.fp16-00001-of-00002.safetensors"], ["vae/a.safetensors"]),
        (["vae/a.pt", "vae/a.onnx", "vae/a.msgpack", "other/a.safetensors"], []),
        (["README.md", "LICENSE", "NOTICE.txt", "notes.md"], ["README.md", "LICENSE", "NOTICE.txt"]),
        (["vae/nested/config.json"], ["vae/nested/config.json"]),
    ],
)
def test_of_several_forms_of_the_same_weights_one_is_taken(names, wanted):
    listed = [Listed(name, 1, None, None) for name in names]
    assert [each.name for each in wanted_of(listed, frozenset({"vae"}))] == wanted


def test_a_part_that_a_model_leaves_out_is_no_folder():
    assert parts_of(PARTS) == {"scheduler", "text_encoder", "tokenizer", "transformer"}
