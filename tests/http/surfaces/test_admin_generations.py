"""Everybody's generations in the operator's API: found by any filter, hidden until revealed, acted on in batches."""

import http.client
import json
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.operators.processes import LaneReport, ProcessReport, ProcessRole
from stillmotion.domain.operators.queue_controls import WorkerName
from tests.builders import NOON
from tests.http.conftest import ADMIN_KEY, PICTURE_URL

GENERATIONS, WORKERS = "/admin/v1/generations", "/admin/v1/workers"
PROMPT = "a secret garden at dusk"
BROKEN = GenerationFailed("engine_failed", "It broke.")


def asking(edge, method, path, body=None):
    headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"}
    return edge.ask(method, path, None if body is None else json.dumps(body), headers)


@pytest.fixture
def office(any_edge):
    return partial(asking, any_edge)


@pytest.fixture
def caller(any_edge):
    return any_edge.caller()


def submit(caller, **parts):
    return caller.submit({"prompt": PROMPT, "url": PICTURE_URL, **parts}).body["id"]


def own(caller, **more):
    """The filter of one caller's generations."""
    return {"subscription": caller.issued.subscription.id, **more}


def query(**filters):
    return "&".join(f"{name}={value}" for name, value in filters.items())


def test_a_list_has_everybodys_newest_first_without_their_words(any_edge, office, caller):
    first = submit(caller)
    any_edge.clock.advance(seconds=1)
    second = submit(any_edge.caller())
    answered = office("GET", f"{GENERATIONS}?limit=2")
    assert [each["id"] for each in answered.body["generations"]] == [second, first]
    assert all(each["hidden"] for each in answered.body["generations"])
    for hidden in (PROMPT, PICTURE_URL):
        assert hidden.encode() not in answered.content
        assert hidden.encode() not in office("GET", f"{GENERATIONS}/{first}").content


def test_pages_go_on_and_back(office, caller):
    ids = [submit(caller) for _ in range(5)][::-1]
    first = office("GET", f"{GENERATIONS}?{query(**own(caller), limit=2)}").body
    assert ([each["id"] for each in first["generations"]], first["total"], first["previous"]) == (ids[:2], 5, None)
    second = office("GET", f"{GENERATIONS}?{query(**own(caller), limit=2, after=first['next'])}").body
    assert [each["id"] for each in second["generations"]] == ids[2:4]
    last = office("GET", f"{GENERATIONS}?{query(**own(caller), limit=2, after=second['next'])}").body
    assert ([each["id"] for each in last["generations"]], last["next"]) == (ids[4:], None)
    back = office("GET", f"{GENERATIONS}?{query(**own(caller), limit=2, before=last['previous'])}").body
    assert [each["id"] for each in back["generations"]] == ids[2:4]
    assert back["next"] == ids[3]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"state": "queued"}, True),
        ({"state": "failed,dreaming"}, False),
        ({"engine": "parallax/1"}, True),
        ({"engine": "elsewhere"}, False),
        ({"model": "ray-1-6"}, True),
        ({"search": "Garden"}, True),
        ({"search": "gardens"}, False),
        ({"older_than": "60"}, False),
        ({"worker": "box"}, False),
    ],
)
def test_filters_are_all_to_be_passed(office, caller, filters, found):
    generation_id = submit(caller)
    page = office("GET", f"{GENERATIONS}?{query(**own(caller), **filters)}").body
    assert [each["id"] for each in page["generations"]] == ([generation_id] if found else [])
    assert page["total"] == int(found)


@pytest.mark.parametrize(
    ("name", "value"), [("state", "asleep"), ("limit", "0"), ("colour", "red"), ("older_than", "x")]
)
def test_a_filter_that_is_none_is_refused_by_name(office, name, value):
    refused = office("GET", f"{GENERATIONS}?{name}={value}")
    assert (refused.status, refused.body["details"][0]["field"]) == (400, name)


def test_what_is_revealed_is_in_the_log_before(office, caller):
    generation_id = submit(caller)
    caller.complete(generation_id)
    revealed = office("POST", f"{GENERATIONS}/{generation_id}/reveal").body
    assert (revealed["hidden"], revealed["prompt"], revealed["request"]["frame0"]) == (False, PROMPT, PICTURE_URL)
    assert revealed["assets"]["video"].startswith("http")
    (noted,) = office("GET", "/admin/v1/actions?limit=1").body["actions"]
    assert (noted["action"], noted["target"]) == ("revealGeneration", generation_id)


def test_anybodys_is_cancelled_once(office, caller):
    generation_id = submit(caller)
    assert office("POST", f"{GENERATIONS}/{generation_id}/cancel").body["state"] == "cancelled"
    again = office("POST", f"{GENERATIONS}/{generation_id}/cancel")
    assert (again.status, "cancelled already" in again.body["error"]) == (409, True)
    assert caller.poll(generation_id).body["state"] == "failed"


def test_anybodys_is_deleted_with_its_files(any_edge, office, caller):
    generation_id = submit(caller)
    made = caller.complete(generation_id)
    assert office("DELETE", f"{GENERATIONS}/{generation_id}").status == 204
    assert office("GET", f"{GENERATIONS}/{generation_id}").status == 404
    assert any_edge.run(any_edge.objects.find(made.video.key)) is None


def test_a_queued_one_is_moved_to_the_front(any_edge, office, caller):
    submit(caller)
    late = submit(caller)
    assert office("POST", f"{GENERATIONS}/{late}/move", {"to": "front"}).body["state"] == "queued"
    claimed = any_edge.run(any_edge.store.claim_next(lambda each: each.claimed(NOON + timedelta(days=1))))
    assert claimed.id == late
    refused = office("POST", f"{GENERATIONS}/{late}/move", {"to": "back"})
    assert (refused.status, "is dreaming" in refused.body["error"]) == (409, True)
    assert office("POST", f"{GENERATIONS}/{late}/move", {"to": "side"}).body["details"][0]["field"] == "to"


def test_anybodys_is_made_once_more_for_its_owner(office, caller):
    earlier = submit(caller)
    office("POST", f"{GENERATIONS}/{earlier}/cancel")
    made = office("POST", f"{GENERATIONS}/{earlier}/retry")
    assert (made.status, made.body["state"], made.body["subscription"]) == (201, "queued", own(caller)["subscription"])
    assert made.body["queue_position"] >= 1
    assert PROMPT.encode() not in made.content
    assert office("POST", f"{GENERATIONS}/{made.body['id']}/reveal").body["prompt"] == PROMPT


def test_a_retry_is_by_the_owners_limits(any_edge, office):
    caller = any_edge.caller(video_seconds_per_month=5)
    generation_id = submit(caller)
    refused = office("POST", f"{GENERATIONS}/{generation_id}/retry")
    assert (refused.status, "video-seconds" in refused.body["error"]) == (403, True)


def test_failed_ones_are_retried_as_a_batch(any_edge, office, caller):
    for _ in range(2):
        generation_id = submit(caller)
        now = any_edge.clock.now()
        caller.change(generation_id, lambda each, at=now: each.claimed(at + timedelta(seconds=15), at))
        caller.change(generation_id, lambda each, at=now: each.attempt_failed(each.lease, BROKEN, at))
    asked = {"action": "retry", "filter": own(caller, state="failed"), "expected": 2}
    assert office("POST", f"{GENERATIONS}/actions", asked).body == {"done": 2}
    assert office("GET", f"{GENERATIONS}?{query(**own(caller, state='queued'))}").body["total"] == 2


def test_the_timeline_is_anybodys(office, caller):
    generation_id = submit(caller)
    caller.complete(generation_id)
    events = office("GET", f"{GENERATIONS}/{generation_id}/timeline").body["events"]
    assert [each["what"] for each in events] == ["accepted", "started", "completed"]
    assert office("GET", f"{GENERATIONS}/none/timeline").status == 404


def test_everybodys_changes_are_streamed_without_their_words(any_edge, office, caller):
    waiting = submit(caller)
    connection = http.client.HTTPConnection(*any_edge.address, timeout=10)
    connection.request("GET", "/admin/v1/events", headers={"Authorization": f"Bearer {ADMIN_KEY}"})
    stream = connection.getresponse()

    def until(kind, generation_id, state=None):
        said = b""
        while True:
            said += (line := stream.readline())
            assert line, said
            if line.startswith(b"data: ") and json.loads(line[6:])["id"] == generation_id:
                told = json.loads(line[6:])
                if said.rstrip().rpartition(b"event: ")[2].startswith(kind) and told.get("state") == state:
                    assert PROMPT.encode() not in said
                    return told

    try:
        assert stream.getheader("Content-Type").startswith("text/event-stream")
        assert until(b"generation", waiting, "queued")["hidden"] is True
        following = submit(any_edge.caller())
        caller.complete(waiting)
        assert until(b"generation", waiting, "completed")["engine"] == "parallax/1"
        office("DELETE", f"{GENERATIONS}/{following}")
        until(b"deleted", following)
    finally:
        connection.close()


@pytest.mark.parametrize(("action", "state"), [("cancel", "cancelled"), ("delete", None), ("move", "queued")])
def test_a_batch_is_about_all_that_pass_the_filter(office, caller, action, state):
    ids = [submit(caller) for _ in range(3)]
    asked = {"action": action, "filter": own(caller, state="queued"), "expected": 3}
    assert office("POST", f"{GENERATIONS}/actions", asked).body == {"done": 3}
    for each in ids:
        assert office("GET", f"{GENERATIONS}/{each}").body.get("state") == state


@pytest.mark.parametrize("expected", [0, 2, 4])
def test_a_batch_of_another_size_than_expected_does_nothing(office, caller, expected):
    ids = [submit(caller) for _ in range(3)]
    asked = {"action": "delete", "filter": own(caller), "expected": expected}
    refused = office("POST", f"{GENERATIONS}/actions", asked)
    assert (refused.status, refused.body["error"].startswith("3 generations pass the filter")) == (409, True)
    assert [office("GET", f"{GENERATIONS}/{each}").status for each in ids] == [200] * 3


def test_a_batch_is_refused_by_field(office):
    good = {"action": "cancel", "filter": {}, "expected": 1}
    for change, field in (
        ({"action": "burn"}, "action"),
        ({"filter": {"colour": "red"}}, "filter.colour"),
        ({"filter": {"state": "asleep"}}, "state"),
        ({"expected": 10_001}, "expected"),
    ):
        refused = office("POST", f"{GENERATIONS}/actions", good | change)
        assert (refused.status, refused.body["details"][0]["field"]) == (400, field)


def test_what_is_not_there_is_named_with_where_to_look(office):
    for method, path in (("GET", ""), ("POST", "/reveal"), ("POST", "/cancel"), ("DELETE", "")):
        missing = office(method, f"{GENERATIONS}/none{path}")
        assert missing.status == 404
        assert "list of generations" in missing.body["error"]


def test_workers_tell_of_themselves(any_edge, office, caller):
    now = any_edge.clock.now()
    claimed = submit(caller)
    caller.change(claimed, lambda each: each.claimed(now + timedelta(seconds=15)))
    busy = LaneReport("renderer 0", "parallax/1", claimed, now)
    report = ProcessReport(
        WorkerName("box:17-ab12", "box"), ProcessRole.WORKER, 17, "1.2.3", now, now, True, ("parallax/1",), (busy,)
    )
    silent = replace(report, name=WorkerName("tower:9-cd34", "tower"), seen_at=now - timedelta(seconds=21))
    without_lanes = replace(report, name=WorkerName("desk:1-ef56", "desk"), lanes=())
    for each in (report, silent, without_lanes):
        any_edge.run(any_edge.store.beat(each))
    try:
        shown = {each["id"]: each for each in office("GET", WORKERS).body["workers"]}
        assert {each: shown[each]["state"] for each in shown} == {"box:17-ab12": "ready", "tower:9-cd34": "lost"}
        (lane,) = shown["box:17-ab12"]["lanes"]
        assert (lane["generation"], lane["progress"], lane["engine"]) == (claimed, 0.0, "parallax/1")
        assert [each["generation"] for each in shown["tower:9-cd34"]["lanes"]] == [None], "another may have it by now"
        office("POST", "/admin/v1/queue/drain", {"worker": "box"})
        states = [each["state"] for each in office("GET", WORKERS).body["workers"] if each["host"] == "box"]
        assert states == ["draining"]
    finally:
        office("POST", "/admin/v1/queue/resume", {"worker": "box"})
        for each in (report, silent, without_lanes):
            any_edge.run(any_edge.store.forget_process(each.name.id))
