"""Pull of weights over HTTP, by a real server from a hub on loopback: progress, a stop, and the rest."""

import json

import pytest

from tests.adapters.models.hub import WEIGHTS, Hub, open_hub, tensors
from tests.adapters.models.test_hub import BIG, a_catalogue
from tests.waiting import eventually, stays

ADMIN_KEY = "operator-" * 5
PATH = "/admin/v1/models/small/pull"


@pytest.fixture
def hub():
    with open_hub(Hub(files=WEIGHTS | {BIG: tensors(12_000_000)}, held_at=6_000_000)) as opened:
        yield opened
        opened.go_on.set()


@pytest.fixture
def running(make_running, hub, tmp_path):
    catalogue = a_catalogue(tmp_path)
    # No wire name stands for it yet: a server offers none without weights.
    catalogue.write_text(catalogue.read_text().replace('ray-2 = "small"', 'ray-2 = "parallax"'))
    settings = {"admin_key": ADMIN_KEY, "catalogue": catalogue, "allow_hub": "true", "weights_dir": tmp_path / "w"}
    named = {f"STILLMOTION_{name.upper()}": str(value) for name, value in settings.items()}
    return make_running(**named, STILLMOTION_RENDERERS="0", HF_ENDPOINT=hub.url, HF_HOME=str(tmp_path / "hf"))


def ask(running, method, path):
    answered = running.call(method, path, Authorization=f"Bearer {ADMIN_KEY}")
    assert answered.status in (200, 202), answered
    return answered.body


def test_a_pull_tells_how_far_it_is_is_stopped_and_goes_on(running, hub, tmp_path):
    (small,) = [each for each in ask(running, "GET", "/admin/v1/models")["models"] if each["name"] == "small"]
    assert small["state"] == "pullable"
    assert ask(running, "POST", PATH)["state"] == "pulling"
    far = eventually(lambda: (seen := ask(running, "GET", PATH))["bytes"] > 5_000_000 and seen)
    assert far["state"] == "pulling"
    assert far["total_bytes"] == sum(len(each) for each in hub.files.values())
    assert ask(running, "DELETE", PATH)["state"] == "cancelled"
    stays(lambda: ask(running, "GET", PATH)["state"] == "cancelled", 1)
    assert ask(running, "POST", PATH)["state"] == "pulling"
    hub.given.clear()
    hub.go_on.set()
    eventually(lambda: ask(running, "GET", PATH)["state"] == "done")
    assert json.loads((tmp_path / "w" / "small" / "pulled.json").read_text())["hub"] == "studio/small"
    assert int(dict(hub.given)[BIG].removeprefix("bytes=").removesuffix("-")) >= 5_000_000
