"""The depth network: `stillmotion models pull depth` against a hub on loopback, and how its file is found again.

The hub cannot serve bytes of the published digests, so a pull that succeeds has files of its own digests.
"""

import fcntl
import hashlib
import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from huggingface_hub import constants

from stillmotion.adapters.models.depth_network import (
    DEFAULT,
    FILES,
    FOLDER,
    REPOSITORY,
    REVISION,
    NetworkFile,
    find_network,
    pull_network,
)
from stillmotion.adapters.models.hub import Listed
from stillmotion.adapters.models.weights import WeightsUnusable
from stillmotion.composition.depth import DepthUnusable, depth_folders, depth_set_up, verified_depth
from stillmotion.config import Settings
from tests.adapters.models.hub import Hub, open_hub

BYTES = bytes(range(255)) * 100_000
"""25.5 MB: more than the pieces of 10 MiB that a download is written in."""


def network_file(content: bytes = BYTES, precision: str = DEFAULT) -> NetworkFile:
    name = FILES[precision].listed.name
    return NetworkFile(precision, Listed(name, len(content), hashlib.sha256(content).hexdigest(), None))


def a_hub(content: bytes = BYTES, precision: str = DEFAULT, **faults) -> Hub:
    return Hub(REPOSITORY, REVISION, {FILES[precision].listed.name: content}, **faults)


@contextmanager
def asked(monkeypatch, hub: Hub, token: str | None = None) -> Iterator[Hub]:
    """A hub that `huggingface_hub` asks in this process."""
    with open_hub(hub):
        monkeypatch.setenv("HF_TOKEN", token or "")
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", "/nowhere/token")
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield hub


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_the_file_comes_by_its_commit_whole_and_with_a_record(tmp_path, monkeypatch):
    of = network_file()
    with asked(monkeypatch, a_hub(token="hidden"), token="hidden") as hub:
        network, aside = pull_network(of, tmp_path / FOLDER)
    assert network.path.read_bytes() == BYTES
    assert (network.trouble(), aside) == (None, None)
    assert names(tmp_path / FOLDER) == ["depth-anything-v2-small-int8.onnx", "pulled.json"]
    record = json.loads((tmp_path / FOLDER / "pulled.json").read_text())
    assert (record["hub"], record["revision"], record["sha256"]) == (REPOSITORY, REVISION, of.listed.sha256)
    assert record["licence"] == "Apache-2.0"
    assert {key for place, key in hub.keys if place == "elsewhere"} == {""}


def test_a_whole_file_is_kept_and_needs_no_hub(tmp_path, monkeypatch):
    of = network_file()
    with asked(monkeypatch, a_hub()):
        first, _ = pull_network(of, tmp_path)
    there = first.path.stat().st_mtime_ns
    assert pull_network(of, tmp_path)[0].path.stat().st_mtime_ns == there


@pytest.mark.parametrize("takes_no_ranges", [False, True], ids=["from the byte", "from the start"])
def test_a_download_that_broke_off_shows_no_file_and_is_gone_on_with(tmp_path, monkeypatch, takes_no_ranges):
    of = network_file()
    with asked(monkeypatch, a_hub(cut_at=11_000_000)) as hub:
        with pytest.raises(WeightsUnusable, match=r"does not give .* Pull again to go on from here"):
            pull_network(of, tmp_path)
        assert names(tmp_path) == [f"{of.name}.part"]
        assert find_network([tmp_path]) is None
        hub.is_in_trouble, hub.cut_at, hub.takes_no_ranges = False, 0, takes_no_ranges
        hub.given.clear()
        network, _ = pull_network(of, tmp_path)
    assert network.path.read_bytes() == BYTES
    assert int(re.findall(r"\d+", hub.given[0][1])[0]) == 10 * 1024 * 1024
    assert names(tmp_path) == [of.name, "pulled.json"]


def test_bytes_of_another_digest_are_thrown_away(tmp_path, monkeypatch):
    of = network_file()
    with (
        asked(monkeypatch, a_hub(damaged=frozenset({of.listed.name}))),
        pytest.raises(WeightsUnusable, match="damaged"),
    ):
        pull_network(of, tmp_path / FOLDER)
    assert not (tmp_path / FOLDER).exists()


def test_a_file_that_lies_at_its_place_is_renamed_and_not_lost(tmp_path, monkeypatch):
    of = network_file()
    (tmp_path / of.name).write_bytes(b"somebody's own")
    with asked(monkeypatch, a_hub()):
        _, aside = pull_network(of, tmp_path)
    assert [aside] == list(tmp_path.glob("*.before-*"))
    assert aside is not None
    assert aside.read_bytes() == b"somebody's own"
    assert (tmp_path / of.name).read_bytes() == BYTES


@pytest.mark.parametrize(
    ("hub", "sentence"),
    [
        (Hub("other/repository", REVISION), "The hub has no onnx-community/depth-anything-v2-small"),
        (Hub(REPOSITORY, "0" * 40), "The hub has no onnx-community/depth-anything-v2-small"),
        (Hub(REPOSITORY, REVISION, {}), "does not give onnx-community/depth-anything-v2-small"),
        (a_hub(refuses_with=401), "The hub does not take the token that it was given: correct HF_TOKEN"),
        (a_hub(refuses_with=429), "429"),
        (a_hub(refuses_with=503), "503"),
        (a_hub(token="terms"), "given only to those who accepted its terms"),
        (a_hub(BYTES[:-7]), "does not give onnx-community/depth-anything-v2-small"),
    ],
    ids=["no repository", "no commit", "no file", "wrong token", "too many", "down", "gated", "too short"],
)
def test_a_hub_that_does_not_give_it_is_told_in_a_sentence(tmp_path, monkeypatch, hub, sentence):
    with asked(monkeypatch, hub), pytest.raises(WeightsUnusable) as refused:
        pull_network(network_file(), tmp_path)
    assert sentence in str(refused.value)
    assert not list(tmp_path.glob("*.onnx"))


def test_a_second_pull_does_not_write_into_the_first(tmp_path, monkeypatch):
    held = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    with asked(monkeypatch, a_hub()), pytest.raises(WeightsUnusable, match="Another pull is at work"):
        pull_network(network_file(), tmp_path)
    os.close(held)


def test_the_precision_that_was_pulled_last_is_the_one_in_use(tmp_path, monkeypatch):
    files = {each: network_file(each.encode() * 999, each) for each in (DEFAULT, "fp16")}
    for precision in (DEFAULT, "fp16", DEFAULT):
        with asked(monkeypatch, a_hub(precision.encode() * 999, precision)):
            pull_network(files[precision], tmp_path)
        found = find_network([tmp_path], files)
        assert found is not None
        assert (found.of.precision, found.trouble()) == (precision, None)


def test_a_file_that_was_copied_there_by_hand_is_found(tmp_path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "depth-anything-v2-small-fp16.onnx").write_bytes(b"onnx")
    found = find_network([tmp_path / "none", tmp_path / FOLDER])
    assert found is not None
    assert found.of.precision == "fp16"


def test_it_is_found_beside_the_data_and_else_in_the_users_own_place(tmp_path):
    beside, own = depth_folders(Settings(data_dir=tmp_path))
    assert beside == tmp_path / "weights" / FOLDER
    assert own == Settings().data_dir / "weights" / FOLDER
    assert depth_folders(Settings(data_dir=tmp_path, weights_dir="/srv/weights"))[0] == Path("/srv/weights", FOLDER)
    assert len(depth_folders(Settings())) == 1


def test_a_setting_goes_before_the_pulled_network_and_none_switches_it_off(tmp_path):
    of = network_file()
    folder = tmp_path / "weights" / FOLDER
    folder.mkdir(parents=True)
    (folder / of.name).write_bytes(BYTES)
    pulled = verified_depth(Settings(data_dir=tmp_path), {DEFAULT: of})
    assert pulled is not None
    assert pulled.renderer_options == [
        *("--depth-model", str(folder / of.name), "--depth-model-gives", "nearness", "--depth-model-pulled")
    ]
    own = depth_set_up(Settings(data_dir=tmp_path, depth_model="/srv/midas.onnx", depth_model_gives="distance"))
    assert own is not None
    assert own.renderer_options == ["--depth-model", "/srv/midas.onnx", "--depth-model-gives", "distance"]
    assert depth_set_up(Settings(data_dir=tmp_path, depth_model="none")) is None
    assert depth_set_up(Settings(data_dir=tmp_path, depth_model="off")) is None


@pytest.mark.parametrize("content", [BYTES[:-1], BYTES[:-1] + b"\xff"], ids=["cut short", "another byte"])
def test_a_damaged_network_is_refused_with_the_remedy(tmp_path, content):
    of = network_file()
    folder = tmp_path / "weights" / FOLDER
    folder.mkdir(parents=True)
    (folder / of.name).write_bytes(content)
    with pytest.raises(DepthUnusable) as refused:
        verified_depth(Settings(data_dir=tmp_path), {DEFAULT: of})
    assert "`stillmotion models pull depth`" in str(refused.value)
    assert "set depth_model to none" in str(refused.value)


def test_every_file_is_pinned_and_none_is_of_the_larger_networks():
    assert re.fullmatch(r"[0-9a-f]{40}", REVISION)
    assert list(FILES) == [DEFAULT, "fp32", "fp16", "q4f16"]
    for of in FILES.values():
        assert re.fullmatch(r"[0-9a-f]{64}", of.listed.sha256 or "")
        assert 19e6 < of.listed.size < 100e6
    assert len({of.listed.sha256 for of in FILES.values()}) == len(FILES)
    assert "small" in REPOSITORY


# --- the command ----------------------------------------------------------------------------------------------------


def command(folder: Path, *words: str, hub: Hub | None = None, limit: int = 0, **settings: str):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("STILLMOTION_", "HF_"))}
    environment = kept | {f"STILLMOTION_{name.upper()}": value for name, value in settings.items()}
    environment |= {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "share"), "HF_HOME": str(folder / "hf")}
    environment["HF_ENDPOINT"] = "http://127.0.0.1:9" if hub is None else hub.url

    def limited() -> None:
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(
        [sys.executable, "-m", "stillmotion", *words],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=limited,
    )


def test_the_command_shows_size_and_licence_and_refuses_another_file_than_the_published(tmp_path):
    size = FILES[DEFAULT].listed.size
    with open_hub(a_hub(b"\1" * size)) as hub:
        done = command(tmp_path, "models", "pull", "depth", hub=hub)
    assert done.returncode == 1
    assert "depth: Depth-Anything-V2-Small, int8, 27.3 MB, Apache-2.0, from onnx-community/" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("depth: onnx/model_quantized.onnx of onnx-community/")
    assert "came damaged: pull again." in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("*.onnx*"))


def test_a_full_disk_is_told_as_such_and_is_gone_on_from(tmp_path):
    with open_hub(a_hub(b"\1" * FILES[DEFAULT].listed.size)) as hub:
        done = command(tmp_path, "models", "pull", "depth", hub=hub, limit=12_000_000)
    assert done.returncode == 1
    assert "cannot be written: File too large. Mend that, then pull again to go on from here." in done.stderr
    (part,) = tmp_path.rglob("*.part")
    assert part.stat().st_size == 12_000_000


def test_programs_are_told_of_a_hub_out_of_reach_in_json(tmp_path):
    told = command(tmp_path, "models", "pull", "depth", "--precision", "fp16", "--json")
    assert told.returncode == 1
    assert json.loads(told.stdout)["model"] == "depth"
    assert "does not give" in json.loads(told.stdout)["trouble"]


def test_a_missing_runtime_is_named_before_anything_is_fetched(tmp_path):
    program = "import sys; sys.modules['onnxruntime'] = None; from stillmotion.cli.main import main; main()"
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "HF_ENDPOINT": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-c", program, "models", "pull", "depth"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "depth: Running the depth network needs ONNX Runtime: pip install 'stillmotion[onnx]', then pull again.\n"
    )


def test_list_check_and_doctor_say_whether_it_is_there(tmp_path):
    listed = command(tmp_path, "models", "list")
    assert listed.stdout.startswith(
        "depth\n    Depth-Anything-V2-Small; Apache-2.0; not there: stillmotion models pull depth (27 MB)\n"
    )
    folder = tmp_path / "share" / "stillmotion" / "weights" / FOLDER
    folder.mkdir(parents=True)
    (folder / FILES[DEFAULT].name).write_bytes(b"broken")
    assert json.loads(command(tmp_path, "models", "list", "--json").stdout)[0]["weights"].startswith(str(folder))
    checked = command(tmp_path, "models", "check")
    assert checked.returncode == 1
    assert "depth: the depth network is damaged: " in checked.stdout
    found = {each["name"]: each for each in json.loads(command(tmp_path, "doctor", "--json").stdout)["checks"]}
    assert not found["depth"]["ok"]
    assert "has 6 bytes rather than 27258801" in found["depth"]["said"]


@pytest.mark.parametrize("words", [["serve", "--port", "0"], ["generate", "a.png", "push in", "-o", "c.mp4"]])
def test_a_damaged_network_stops_a_start_and_none_lets_it_go_on(tmp_path, words):
    folder = tmp_path / "share" / "stillmotion" / "weights" / FOLDER
    folder.mkdir(parents=True)
    (folder / FILES[DEFAULT].name).write_bytes(b"broken")
    (tmp_path / "a.png").write_bytes(b"no picture")
    done = command(tmp_path, *words)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("stillmotion: the depth network is damaged: ")
    assert "Traceback" not in done.stderr
    if words[0] == "generate":
        assert "the depth network" not in command(tmp_path, *words, depth_model="none").stderr
