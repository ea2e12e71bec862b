"""`serve --open`: the founding document's own programs work unchanged but for the server's address."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import COMMAND, SUBMIT, Running, clean_environment

PROGRAMS = Path(__file__).parent / "founding_programs"
THEIRS = "https://gateway.appypie.com"
COMMANDS = {
    "submit.py.txt": (sys.executable,),
    "submit.mjs": ("node",),
    "submit.sh": ("sh",),
    "HelloWorld.java": ("java",),
    "submit.php": ("php",),
}
"""Commands of the programs. The files mend three faults of the document: Python's body and an indent, PHP's tag."""


class OpenRunning(Running):
    def command(self) -> list[str]:
        return [*super().command(), "--open"]


@pytest.fixture(scope="module")
def open_server(tmp_path_factory):
    running = OpenRunning(tmp_path_factory.mktemp("open") / "data", {"STILLMOTION_RENDERERS": "0"})
    yield running.start()
    running.stop()


@pytest.mark.parametrize("program", COMMANDS)
def test_the_founding_documents_program_works_as_it_stands_there(open_server, tmp_path, program):
    command = COMMANDS[program]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    copy = tmp_path / program
    copy.write_text((PROGRAMS / program).read_text("utf-8").replace(THEIRS, open_server.base), "utf-8")
    before = len(open_server.call("GET", "/v1/videos").body["data"])
    ended = subprocess.run([*command, str(copy)], capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    said = ended.stdout + ended.stderr
    assert "200" in said or '"state":"queued"' in said, "they print the status, or the answer"
    videos = open_server.call("GET", "/v1/videos").body["data"]
    assert len(videos) == before + 1
    assert (videos[0]["status"], videos[0]["prompt"]) == ("queued", "leaning girl")


def test_it_is_said_at_the_start_and_lasts_over_a_restart(tmp_path):
    running = OpenRunning(tmp_path / "data", {"STILLMOTION_RENDERERS": "0"}).start()
    try:
        assert running.process.stdout.readline().startswith("Open: whoever is on this machine needs no key")
        body = {"prompt": "leaning girl", "url": "https://example.com/girl.jpg"}
        made = running.call("POST", SUBMIT, body, **{"Content-Type": "application/json"})
        assert made.status == 200
    finally:
        running.stop()
    running.start()
    try:
        assert running.call("GET", f"/v1/videos/{made.body['id']}").status == 200
        refused = running.call("GET", "/v1/videos", Authorization="Bearer sm_wrong")
        assert refused.status == 401
    finally:
        running.stop()


def test_it_is_refused_on_an_address_that_others_reach(tmp_path):
    words = [*COMMAND, "serve", "--open", "--host", "0.0.0.0", "--port", "0", "--data-dir", str(tmp_path / "data")]
    ended = subprocess.run(
        words, capture_output=True, text=True, timeout=60, check=False, env=clean_environment(STILLMOTION_RENDERERS="0")
    )
    assert ended.returncode != 0
    assert "listen on 127.0.0.1 (--host), or leave open off and make keys" in ended.stderr
    assert "Traceback" not in ended.stderr
