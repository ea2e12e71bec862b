"""The founding document's programs, run as a user would, from the submit to the downloaded video."""

import os
import shutil
import subprocess
import sys

import pytest

from stillmotion.media.input.probe import probe
from tests.docs.markdown_pages import ROOT

CLIENT, VERSION = "The founding document's programs", "(Python, JavaScript, curl, Java, PHP)"
PROGRAMS = ROOT / "examples" / "founding_document"
COMMANDS = {
    "generate.py": (sys.executable,),
    "generate.mjs": ("node",),
    "generate.sh": ("sh",),
    "Generate.java": ("java",),
    "generate.php": ("php",),
}
NEEDS = {"generate.sh": "curl"}


def run(live, command, **environment):
    own = {**os.environ, "BASE_URL": live.base, "SUBSCRIPTION_KEY": live.key, **environment}
    return subprocess.run(command, env=own, capture_output=True, text=True, timeout=120, check=False)


def needed(program: str) -> str:
    """The program's path. Without it the test is skipped by name on a laptop, and fails in CI."""
    found = shutil.which(program)
    if found is None and not os.environ.get("CI"):
        pytest.skip(f"{program} is not installed")
    assert found, f"{program} is needed here"
    return found


@pytest.fixture(params=COMMANDS)
def program(request, record_property) -> list[str]:
    """The command that starts each program, if its language is installed."""
    record_property("method", request.param)
    command = COMMANDS[request.param]
    needed(NEEDS.get(request.param, command[0]))
    return [*command, str(PROGRAMS / request.param)]


def test_the_program_makes_a_clip(live, tmp_path, program):
    clip = tmp_path / "clip.mp4"
    ended = run(live, [*program, live.picture_url, 'leaning "girl" \\ é', str(clip)])
    assert ended.returncode == 0, ended.stderr
    assert "completed" in ended.stdout.split()
    assert probe(clip).frame_count == 120


def test_the_program_says_why_there_is_no_clip(live, tmp_path, program):
    clip = tmp_path / "clip.mp4"
    ended = run(live, [*program, live.picture_url + ".missing", "leaning girl", str(clip)])
    assert ended.returncode == 1
    assert "picture" in ended.stderr or "image" in ended.stderr
    assert not clip.exists()


def test_the_program_says_that_the_key_is_wrong(live, tmp_path, program):
    ended = run(live, [*program, live.picture_url, "leaning girl", str(tmp_path / "clip.mp4")], SUBSCRIPTION_KEY="sm_x")
    assert ended.returncode == 1
    assert "Invalid or missing authentication" in ended.stderr + ended.stdout


def test_the_python_program_sends_a_file_along(live, tmp_path):
    clip = tmp_path / "clip.mp4"
    command = [sys.executable, PROGRAMS / "generate.py", str(live.picture_file), "leaning girl", str(clip)]
    ended = run(live, command)
    assert ended.returncode == 0, ended.stderr
    assert probe(clip).frame_count == 120
