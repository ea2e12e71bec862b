"""Engines from installed packages: the example through the real server, and faulty packages."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import av
import pytest

from tests.end_to_end.conftest import COMMAND, Running, clean_environment, small_picture

EXAMPLE = Path(__file__).parents[2] / "examples" / "engine"
MODELS = EXAMPLE / "models.toml"
BODY = {"model": "ray-2", "prompt": "closer", "url": small_picture(), "duration": 1, "resolution": "540p"}
START = 60
"""Seconds until a renderer has loaded an engine, or found that it cannot."""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A folder with the installed example, built from its source without fetching anything."""
    folder = tmp_path_factory.mktemp("site")
    # The pip of the Python under the environment, since the environment itself may have none.
    pip = [getattr(sys, "_base_executable", sys.executable), "-m", "pip", "--python", sys.executable]
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--target", str(folder)]
    subprocess.run([*pip, "install", "--quiet", *offline, str(EXAMPLE)], check=True)
    return folder


@pytest.fixture
def broken(tmp_path) -> Path:
    """A folder with an installed package whose engine cannot be imported."""
    described = tmp_path / "broken" / "kenburns_2-9.9.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: kenburns-2\nVersion: 9.9\n")
    (described / "entry_points.txt").write_text("[stillmotion.engines]\nkenburns = kenburns_2:Engine\n")
    (tmp_path / "broken" / "kenburns_2.py").write_text("import a_library_that_is_not_there\n")
    return tmp_path / "broken"


def doctor(folder: Path, *sites: Path) -> dict[str, dict]:
    """The doctor's findings, by name."""
    settings = {"STILLMOTION_CATALOGUE": str(MODELS), "PYTHONPATH": os.pathsep.join(map(str, sites))}
    command = [*COMMAND, "doctor", "--json", "--data-dir", str(folder)]
    done = subprocess.run(
        command, env=clean_environment(**settings), capture_output=True, text=True, timeout=100, check=False
    )
    assert "Traceback" not in done.stderr
    return {each["name"]: each for each in json.loads(done.stdout)["checks"]}


def ready(running: Running) -> dict:
    return running.ready(START).body


def test_a_clip_is_made_by_an_engine_of_an_installed_package(make_running, site):
    running = make_running(STILLMOTION_CATALOGUE=str(MODELS), PYTHONPATH=str(site))
    ready(running)
    accepted = running.submit(BODY)
    assert accepted.headers["x-stillmotion-engine"] == "kenburns/slideshow"
    done = running.wait_for(accepted.body["id"], "completed", "failed")
    assert done["state"] == "completed", done
    content = running.call("GET", done["assets"]["video"].removeprefix(running.base)).content
    with av.open(io.BytesIO(content)) as container:
        frames = [each.to_ndarray(format="rgb24") for each in container.decode(video=0)]
    assert len(frames) == 25
    corner, middle = frames[0][5, 5], frames[0][frames[0].shape[0] // 2, frames[0].shape[1] // 2]
    assert abs(corner.astype(int) - (200, 120, 40)).max() < 12, "the picture's own colours"
    assert abs(middle.astype(int) - (20, 40, 90)).max() < 12
    told = running.call("GET", f"/generations/{done['id']}/plan", **{"Ocp-Apim-Subscription-Key": running.key}).body
    assert told["plan"]["moves"] == ["zoom_in"]
    assert told["plan"]["emulated"] == []
    assert doctor(running.directory, site)["engines from outside"]["said"] == (
        "kenburns (stillmotion-kenburns 0.1.0); loaded for slideshow"
    )


def test_a_package_that_is_broken_is_said_in_a_sentence_and_its_work_goes_to_the_next(make_running, broken):
    models = "ray-2=slideshow > parallax,ray-flash-2=slideshow"
    running = make_running(STILLMOTION_CATALOGUE=str(MODELS), STILLMOTION_MODELS=models, PYTHONPATH=str(broken))
    accepted = running.submit(BODY)
    done = running.wait_for(accepted.body["id"], "completed", "failed", seconds=START)
    assert done["state"] == "completed", done
    assert running.status(done["id"]).headers["x-stillmotion-engine"] == "parallax/1"
    sentence = (
        "The engine kenburns of kenburns-2 9.9 cannot be loaded (ModuleNotFoundError: No module named "
        "'a_library_that_is_not_there'): mend or update that package."
    )
    lines = [json.loads(line) for line in running.log.read_text().splitlines()]
    assert sentence in {line["why"] for line in lines if line["event"] == "renderer_not_started"}
    assert "Traceback" not in running.log.read_text()
    missing = running.call("GET", "/readyz").body["missing"]["servers"]
    assert missing == f"nobody makes ray-flash-2 just now: engine kenburns: {sentence}"
    finding = doctor(running.directory, broken)["engines from outside"]
    assert (finding["ok"], finding["said"]) == (False, f"slideshow: {sentence}")


def test_a_package_that_is_missing_stops_the_start_with_a_sentence(make_running, tmp_path):
    sentence = (
        r"The model slideshow cannot be made here: no installed package brings an engine kenburns \(from outside "
        r"there is: none\): install it, or mend the name\."
    )
    with pytest.raises(AssertionError, match=sentence) as refused:
        make_running(STILLMOTION_CATALOGUE=str(MODELS))
    assert "Traceback" not in str(refused.value)
    finding = doctor(tmp_path / "data")["engines from outside"]
    assert (finding["ok"], finding["said"].partition(":")[0]) == (False, "slideshow")


def test_two_packages_with_one_engine_are_named(site, broken, tmp_path):
    said = doctor(tmp_path / "data", site, broken)["engines from outside"]["said"]
    assert "in several packages (kenburns-2 9.9, stillmotion-kenburns 0.1.0): uninstall all but one" in said


def test_the_examples_own_tests_pass_where_it_is_installed(site):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(
        command, cwd=EXAMPLE, env=clean_environment(PYTHONPATH=str(site)), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "12 passed" in done.stdout
