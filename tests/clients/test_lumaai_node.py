"""The official Node SDK, installed from npm, with nothing changed but its base URL and its key."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from stillmotion.domain.camera import HONOURED

SESSION = Path(__file__).with_name("lumaai_session.mjs")
CLIENT, VERSION = "lumaai (Node)", "1.19.1"


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory):
    """A folder in which the SDK is installed."""
    if shutil.which("npm") is None and os.environ.get("CI") != "true":
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("node")
    command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), f"lumaai@{VERSION}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and os.environ.get("CI") != "true":
        pytest.skip(f"the Node SDK cannot be had: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr
    shutil.copy(SESSION, folder)
    return folder


@pytest.fixture
def results(node_modules, caller):
    """What every method of the SDK answered, by its name."""
    base = f"{caller.edge.server.url}/dream-machine/v1"
    command = ["node", SESSION.name, base, caller.issued.primary]
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


@pytest.mark.slow
def test_every_method_of_the_node_sdk_is_answered(results, record_property):
    for name, each in results.items():
        record_property("method", name)
        if "error" in each:
            record_property("refused", name)
    answers = {name: each["answer"] for name, each in results.items() if "answer" in each}
    assert answers["ping.check"] == {"message": "pong"}
    assert answers["credits.get"]["credit_balance"] > 0
    made = answers["generations.create"]
    assert (made["state"], made["model"], made["request"]["concepts"]) == ("queued", "ray-2", [{"key": "push_in"}])
    done = answers["generations.get"]
    assert (done["id"], done["state"]) == (made["id"], "completed")
    assert done["assets"]["video"].startswith("http")
    listed = answers["generations.list"]
    assert (listed["count"], listed["has_more"], listed["limit"]) == (1, True, 1)
    assert listed["generations"][0]["id"] == answers["generations.video.create"]["id"]
    assert answers["generations.upscale"]["request"]["generation_type"] == "upscale_video"
    assert answers["generations.video.reframe"]["request"]["aspect_ratio"] == "9:16"
    assert answers["generations.concepts.list"] == list(HONOURED)
    assert answers["generations.delete"] is None
    refused = {name: (each["error"], each["status"]) for name, each in results.items() if "error" in each}
    assert refused == {
        "generations.audio": ("BadRequestError", 400),
        "generations.video.modify": ("BadRequestError", 400),
        "generations.image.create": ("BadRequestError", 400),
        "generations.image.reframe": ("BadRequestError", 400),
        "a second delete": ("NotFoundError", 404),
        "a bad value": ("BadRequestError", 400),
        "a wrong shape": ("UnprocessableEntityError", 422),
        "no key": ("AuthenticationError", 401),
    }
    assert results["generations.audio"]["detail"].startswith("No engine of this server can add audio")
