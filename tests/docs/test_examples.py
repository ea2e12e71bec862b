"""The founding document's programs, run as a user would, from the submit to the downloaded video."""

import os
import shutil
import subprocess
import sys

import pytest

from stillmotion.media.probe import probe
from tests.docs.markdown_pages import ROOT

PROGRAMS = ROOT / "examples" / "founding_document"


def run(live, command, **environment):
    own = {**os.environ, "BASE_URL": live.base, "SUBSCRIPTION_KEY": live.key, **environment}
    return subprocess.run(command, env=own, capture_output=True, text=True, timeout=120, check=False)


def needed(program: str) -> str:
    """The program's path; a test that needs it is skipped by name on a laptop, and fails where CI is set."""
    found = shutil.which(program)
    if found is None and not os.environ.get("CI"):
        pytest.skip(f"{program} is not installed")
    assert found, f"{program} is needed here"
    return found


@pytest.mark.parametrize("image", ["picture_url", "picture_file"])
def test_the_python_program_makes_a_clip(live, tmp_path, image):
    clip = tmp_path / "clip.mp4"
    command = [sys.executable, PROGRAMS / "generate.py", str(getattr(live, image)), "leaning girl", str(clip)]
    ended = run(live, command)
    assert ended.returncode == 0, ended.stderr
    assert "completed" in ended.stdout.split()
    assert probe(clip).frame_count == 120


def test_the_curl_program_makes_a_clip(live, tmp_path):
    needed("curl")
    clip = tmp_path / "clip.mp4"
    ended = run(live, ["sh", PROGRAMS / "generate.sh", live.picture_url, "leaning girl", str(clip)])
    assert ended.returncode == 0, ended.stderr
    assert probe(clip).frame_count == 120


def test_the_curl_program_says_why_there_is_no_clip(live, tmp_path):
    needed("curl")
    clip = tmp_path / "clip.mp4"
    ended = run(live, ["sh", PROGRAMS / "generate.sh", live.picture_url + ".missing", "leaning girl", str(clip)])
    assert ended.returncode == 1
    assert "picture" in ended.stderr or "image" in ended.stderr
    assert not clip.exists()


@pytest.mark.parametrize("key", ["", "sm_unknown"])
def test_the_python_program_says_that_the_key_is_wrong(live, tmp_path, key):
    command = [sys.executable, PROGRAMS / "generate.py", live.picture_url, "leaning girl", str(tmp_path / "clip.mp4")]
    ended = run(live, command, SUBSCRIPTION_KEY=key)
    assert ended.returncode == 1
    assert "401" in ended.stderr
