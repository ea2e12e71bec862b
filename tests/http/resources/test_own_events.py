"""`GET /events`: all of an owner's generations as Server-Sent Events."""

import http.client
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from stillmotion.adapters.notifications import InProcessChanges
from stillmotion.domain.generation import Deletion
from stillmotion.domain.subscriptions import SubscriptionState
from stillmotion.http.edge.services import EdgeTiming
from tests.builders import NOON, some_assets
from tests.http.resources.test_events import Stream, claimed, renewed

HASTY = EdgeTiming(heartbeat=timedelta(seconds=0.1), look=timedelta(seconds=0.1))
PATIENT = EdgeTiming(look=timedelta(seconds=100))


@contextmanager
def watching(caller, **headers):
    connection = http.client.HTTPConnection(*caller.edge.address, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", "/events", headers={"Ocp-Apim-Subscription-Key": caller.issued.primary} | named)
    response = connection.getresponse()
    try:
        yield Stream(response)
    finally:
        response.close()
        connection.close()


def short(event):
    return event.kind, event.data["id"], event.data.get("state"), event.data.get("progress")


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def told_edge(request, start):
    """An edge whose store tells its own process of changes, and that hardly looks at rows."""
    return start(request.param, timing=PATIENT)


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def looking_edge(request, start):
    """An edge that hears of no change, as if others had written the rows, and that looks at rows often."""
    return start(request.param, timing=HASTY, changes=InProcessChanges())


def test_what_becomes_of_all_of_a_keys_generations_is_told(told_edge):
    caller, other = told_edge.caller(), told_edge.caller()
    first = caller.submit().body["id"]
    over = caller.submit().body["id"]
    caller.complete(over)
    other.submit()
    with watching(caller) as stream:
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.block() == ["retry: 2000"]
        beginning = stream.next()
        assert short(beginning) == ("generation", first, "queued", 0.0)
        assert beginning.data["model"] == "ray-1-6"
        second = caller.submit().body["id"]
        assert short(stream.next()) == ("generation", second, "queued", 0.0)
        other.submit()
        caller.change(first, claimed)
        assert short(stream.next()) == ("generation", first, "dreaming", 0.0)
        caller.change(first, renewed(0.25))
        caller.change(first, renewed(0.25))
        assert short(stream.next()) == ("generation", first, "dreaming", 0.25)
        caller.change(first, lambda each: each.completed(each.lease, some_assets(first), "{}", NOON))
        made = stream.next()
        assert short(made) == ("generation", first, "completed", 1.0)
        assert set(made.data["assets"]) == {"video", "image"}
        told_edge.run(told_edge.store.delete(over))
        assert (stream.next().kind, second) == ("deleted", second)
        told_edge.run(told_edge.store.delete(second))
        assert short(stream.next()) == ("generation", second, "failed", 0.0)
        gone = stream.next()
        assert (gone.kind, gone.data) == ("deleted", {"id": second})


def test_an_edit_here_is_told_though_the_generation_still_waits(told_edge):
    edited_and_told(told_edge.caller())


def test_an_edit_of_another_process_is_told_though_the_generation_still_waits(looking_edge):
    edited_and_told(looking_edge.caller())


def edited_and_told(caller):
    made = caller.submit().body["id"]
    with watching(caller) as stream:
        assert stream.next().data["metadata"] == {}
        caller.change(made, lambda each: each.edited(None, {"order": "117"}))
        assert stream.next().data["metadata"] == {"order": "117"}
        caller.change(made, lambda each: each.edited("another sentence", {}))
        assert short(stream.next()) == ("generation", made, "queued", 0.0)


def test_each_change_in_this_process_is_an_event_though_nobody_looks_at_rows(told_edge):
    caller = told_edge.caller()
    made = caller.submit().body["id"]
    with watching(caller) as stream:
        stream.next()
        caller.change(made, claimed)
        stream.next()
        for step in range(1, 11):
            caller.change(made, renewed(step / 20))
            assert stream.next().data["progress"] == step / 20


def test_what_another_process_does_is_found_by_looking(looking_edge):
    caller = looking_edge.caller()
    waiting, ending, leaving = (caller.submit().body["id"] for _ in range(3))
    with watching(caller) as stream:
        assert {stream.next().data["id"] for _ in range(3)} == {waiting, ending, leaving}
        caller.change(waiting, claimed)
        caller.change(ending, lambda each: each.cancelled(NOON))
        new = caller.submit().body["id"]
        looking_edge.run(looking_edge.store.delete(leaving))
        told = iter(stream.next, None)
        expected = {
            ("generation", waiting, "dreaming"),
            ("generation", ending, "failed"),
            ("generation", new, "queued"),
            ("deleted", leaving, None),
        }
        # Who looks between two of the changes also sees places in the queue that move.
        while expected:
            each = next(told)
            expected.discard((each.kind, each.data["id"], each.data.get("state")))
        passed = submitted_and_cancelled(caller)
        last = next(each for each in told if each.data["id"] == passed)
    assert last.data["state"] in ("failed", "queued")


def submitted_and_cancelled(caller):
    made = caller.submit().body["id"]
    caller.change(made, lambda each: each.cancelled(NOON))
    return made


def test_a_caller_who_comes_back_is_told_what_has_ended_meanwhile(told_edge):
    caller = told_edge.caller()
    ended, waiting = caller.submit().body["id"], caller.submit().body["id"]
    caller.change(ended, lambda each: each.cancelled(told_edge.clock.now()))
    told_edge.clock.advance(minutes=1)
    with watching(caller) as stream:
        last = stream.next()
        assert last.data["id"] == waiting
    caller.change(waiting, claimed)
    caller.change(waiting, lambda each: each.completed(each.lease, some_assets(waiting), "{}", told_edge.clock.now()))
    with watching(caller, Last_Event_ID=last.id) as stream:
        assert short(stream.next()) == ("generation", waiting, "completed", 1.0)


@pytest.mark.parametrize("event_id", ["x", "-1", "9" * 18, "١", "0-queued-0.000"])
def test_an_id_of_no_event_of_ours_counts_as_none(told_edge, event_id):
    caller = told_edge.caller()
    made = caller.submit().body["id"]
    with watching(caller, Last_Event_ID=event_id.encode().decode("latin-1")) as stream:
        assert stream.next().data["id"] == made


def test_a_stream_without_news_shows_signs_of_life(looking_edge):
    with watching(looking_edge.caller()) as stream:
        assert [stream.block() for _ in range(3)] == [["retry: 2000"], [": still here"], [": still here"]]


def suspended(subscription):
    return replace(subscription, state=SubscriptionState.SUSPENDED)


def test_a_stream_ends_with_its_callers_access(looking_edge):
    caller = looking_edge.caller()
    with watching(caller) as stream:
        stream.block()
        looking_edge.run(looking_edge.store.change_subscription(caller.issued.subscription.id, suspended))
        looking_edge.clock.advance(seconds=5)
        assert stream.next() is None


def test_without_a_key_there_is_no_stream(told_edge):
    assert told_edge.ask("GET", "/events").status == 401


def test_too_many_streams_of_one_owner_are_refused(told_edge):
    caller = told_edge.caller()
    watches = [told_edge.services.changes.watch(caller.issued.subscription.id) for _ in range(64)]
    assert told_edge.ask("GET", "/events", headers={"Ocp-Apim-Subscription-Key": caller.issued.primary}).status == 429
    for watch in watches:
        watch.end()


def test_a_deletion_is_told_to_those_who_watch_the_generation(told_edge):
    changes = told_edge.services.changes
    watch = changes.watch("g")
    changes.tell(Deletion("g", "somebody"))
    assert told_edge.run(watch.next(timedelta(seconds=1))) == Deletion("g", "somebody")
    watch.end()
