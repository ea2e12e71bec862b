"""The record of a generation: its place, stage, seed, size and cost on every surface."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from stillmotion.domain.failures import FailureKind
from stillmotion.domain.generation import WorkStage
from stillmotion.domain.request import FrameSize
from tests.builders import some_assets
from tests.http.conftest import PICTURE_URL


@pytest.fixture
def caller(any_edge):
    return any_edge.caller(price_per_second=Decimal("0.05"))


def look(caller, task_id):
    """The generation as the Dream Machine and the videos API tell it, and the gateway's headers."""
    key = {"Authorization": f"Bearer {caller.issued.primary}"}
    dream = caller.edge.ask("GET", f"/dream-machine/v1/generations/{task_id}", headers=key).body
    video = caller.edge.ask("GET", f"/v1/videos/{task_id}", headers=key).body
    told = caller.poll(task_id).headers
    return dream, video, {name.removeprefix("x-stillmotion-"): told[name] for name in told if "x-stillmotion" in name}


def claim(caller, task_id):
    now = caller.edge.clock.now()
    return caller.change(task_id, lambda each: each.claimed(now + timedelta(minutes=1), now))


def test_a_waiting_one_tells_its_place_and_what_it_will_cost(caller):
    ids = [caller.submit().body["id"] for _ in range(2)]
    dream, video, headers = look(caller, ids[1])
    for told in (dream, video):
        assert (told["stage"], told["cost"], told["engine"]) == ("waiting", 0.25, "parallax/1")
        assert told["queue_position"] >= 2
        assert (told["seed"], told["width"], told["started_at"], told["finished_at"]) == (None, None, None, None)
    assert headers["stage"] == "waiting"
    assert headers["queue-position"] == str(dream["queue_position"])
    assert headers["cost"] == "0.25"
    for each in ids:
        caller.change(each, lambda generation: generation.cancelled(caller.edge.clock.now()))


def test_a_submits_answer_tells_its_place_already(caller):
    key = {"Authorization": f"Bearer {caller.issued.primary}", "Content-Type": "application/json"}
    gateway = caller.submit()
    start = {"prompt": "leaning girl", "keyframes": {"frame0": {"type": "image", "url": PICTURE_URL}}}
    dream = caller.edge.ask("POST", "/dream-machine/v1/generations", json.dumps(start), key).body
    start = {"prompt": "leaning girl", "input_reference": {"image_url": PICTURE_URL}}
    video = caller.edge.ask("POST", "/v1/videos", json.dumps(start), key).body
    again = caller.edge.ask("POST", f"/generations/{dream['id']}/retry", "{}", key).body
    places = [int(gateway.headers["x-stillmotion-queue-position"])]
    places += [each["queue_position"] for each in (dream, video, again)]
    # Other tests' generations wait too, and take turns with these.
    assert places == sorted(set(places))
    for each in (gateway.body, dream, video, again):
        caller.change(each["id"], lambda generation: generation.cancelled(caller.edge.clock.now()))


def test_a_list_tells_the_places_of_all(caller):
    ids = [caller.submit().body["id"] for _ in range(3)]
    key = {"Authorization": f"Bearer {caller.issued.primary}"}
    listed = caller.edge.ask("GET", "/dream-machine/v1/generations", headers=key).body["generations"]
    places = [each["queue_position"] for each in listed]
    assert places == sorted(places, reverse=True)
    assert len(set(places)) == 3
    for each in ids:
        caller.change(each, lambda generation: generation.cancelled(caller.edge.clock.now()))


def test_one_under_way_tells_its_stage_and_its_preview(caller):
    task_id = caller.submit().body["id"]
    lease = claim(caller, task_id).lease
    until = caller.edge.clock.now() + timedelta(minutes=1)
    preview = f"generations/{task_id}/p.jpg"
    caller.change(task_id, lambda each: each.renewed(lease, until, 0.5, preview, WorkStage.ENCODING))
    dream, video, headers = look(caller, task_id)
    for told in (dream, video):
        assert (told["stage"], told["queue_position"]) == ("encoding", None)
        assert preview in told["preview"]
    assert dream["started_at"] == caller.edge.clock.now().isoformat().replace("+00:00", "Z")
    assert video["started_at"] == int(caller.edge.clock.now().timestamp())
    assert headers["stage"] == "encoding"
    assert "queue-position" not in headers


def test_a_finished_one_tells_its_seed_and_its_frame(caller):
    task_id = caller.submit().body["id"]
    claim(caller, task_id)
    now, size = caller.edge.clock.now(), FrameSize(1280, 720)
    caller.change(task_id, lambda each: each.completed(each.lease, some_assets(task_id), "{}", now, size, 77))
    dream, video, headers = look(caller, task_id)
    for told in (dream, video):
        assert (told["seed"], told["width"], told["height"], told["cost"]) == (77, 1280, 720, 0.25)
        assert (told["stage"], told["queue_position"], told["eta_seconds"], told["preview"]) == (None,) * 4
    assert (headers["seed"], headers["frame-size"]) == ("77", "1280x720")
    assert headers["finished-at"] == f"{now:%Y-%m-%dT%H:%M:%S}Z"


def test_a_failed_one_tells_what_to_do_and_costs_nothing(caller):
    task_id = caller.submit().body["id"]
    lease = claim(caller, task_id).lease
    empty = FailureKind.IMAGE_EMPTY.error()
    caller.change(task_id, lambda each: each.attempt_failed(lease, empty, caller.edge.clock.now()))
    dream, video, headers = look(caller, task_id)
    assert (dream["failure_code"], video["error"]["code"]) == (empty.code, empty.code)
    assert dream["remedy"] is video["remedy"] is None
    assert dream["cost"] == 0
    assert headers["failure-code"] == empty.code
