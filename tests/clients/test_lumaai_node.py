"""The official Node SDK, installed from npm, unchanged but for its base URL and its key."""

from pathlib import Path

import pytest

from stillmotion.domain.camera_concepts import HONOURED
from tests.clients.node_sdk import installed, results_of

SESSION = Path(__file__).with_name("lumaai_session.mjs")
CLIENT, VERSION = "lumaai (Node)", "1.19.1"


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory):
    """A folder with the installed SDK."""
    return installed(tmp_path_factory.mktemp("node"), f"lumaai@{VERSION}", SESSION)


@pytest.fixture
def results(node_modules, caller):
    """The answers of every method of the SDK, by name."""
    base = f"{caller.edge.server.url}/dream-machine/v1"
    command = ["node", SESSION.name, base, caller.issued.primary]
    return results_of(command, node_modules, caller)


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
