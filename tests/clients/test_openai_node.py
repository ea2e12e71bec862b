"""OpenAI's official Node SDK, installed from npm, unchanged but for its base URL and its key."""

from pathlib import Path

import pytest

from stillmotion.http.parsing.data_uri import read_data_uri
from tests.clients.node_sdk import installed, results_of
from tests.end_to_end.conftest import small_picture

SESSION = Path(__file__).with_name("openai_session.mjs")
CLIENT, VERSION = "openai (Node)", "7.59.0"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory):
    """A folder with the installed SDK."""
    return installed(tmp_path_factory.mktemp("node"), f"openai@{VERSION}", SESSION)


@pytest.fixture
def results(node_modules, caller):
    """The answers of every method of the SDK, by name."""
    picture = node_modules / "picture.png"
    picture.write_bytes(read_data_uri(small_picture()))
    command = ["node", SESSION.name, f"{caller.edge.server.url}/v1", caller.issued.primary, str(picture)]
    return results_of(command, node_modules, caller)


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
