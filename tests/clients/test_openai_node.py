"""OpenAI's official Node SDK, installed from npm, with nothing changed but its base URL and its key."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from stillmotion.http.pictures import read_data_uri
from tests.end_to_end.conftest import small_picture

SESSION = Path(__file__).with_name("openai_session.mjs")
CLIENT, VERSION = "openai (Node)", "7.59.0"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory):
    """A folder in which the SDK is installed."""
    if shutil.which("npm") is None and os.environ.get("CI") != "true":
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("node")
    command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), f"openai@{VERSION}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and os.environ.get("CI") != "true":
        pytest.skip(f"the Node SDK cannot be had: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr
    shutil.copy(SESSION, folder)
    return folder


@pytest.fixture
def results(node_modules, caller):
    """What every method of the SDK answered, by its name."""
    picture = node_modules / "picture.png"
    picture.write_bytes(read_data_uri(small_picture()))
    command = ["node", SESSION.name, f"{caller.edge.server.url}/v1", caller.issued.primary, str(picture)]
    with subprocess.Popen(
        command, cwd=node_modules, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as session:
        for line in session.stdout:
            word, _, rest = line.strip().partition(" ")
            if word == "RESULTS":
                return json.loads(rest)
            caller.complete(rest)
            session.stdin.write("done\n")
            session.stdin.flush()
    raise AssertionError("the session broke off")


def test_every_method_of_the_node_sdk_is_answered(results, record_property):
    for name, each in results.items():
        record_property("method", name)
        if "error" in each:
            record_property("refused", name)
    answers = {name: each["answer"] for name, each in results.items() if "answer" in each}
    made, other = answers["videos.create"], answers["videos.create from bytes"]
    assert (made["status"], made["model"], made["seconds"], made["size"]) == ("queued", "sora-2", "4", "1280x720")
    assert answers["videos.retrieve"]["id"] == made["id"]
    assert answers["videos.list"] == [other["id"]]
    assert answers["all videos.list"] == [other["id"], made["id"]]
    assert answers["videos.downloadContent"] == {"type": "video/mp4", "size": 5000}
    assert answers["videos.delete"]["deleted"] is True
    refused = {name: (each["error"], each["status"]) for name, each in results.items() if "error" in each}
    assert refused == {
        "a second delete": ("NotFoundError", 404),
        "a bad value": ("BadRequestError", 400),
        "no key": ("AuthenticationError", 401),
    }
