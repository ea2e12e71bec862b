"""`GET /generations/{id}/events`: states and progress of a generation as Server-Sent Events."""

import http.client
import json
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from stillmotion.adapters.identifiers import new_uuid7
from stillmotion.adapters.notifications import InProcessChanges
from stillmotion.domain.errors import GenerationFailed
from stillmotion.http.edge.services import EdgeTiming
from stillmotion.http.server.request import Deadlines
from tests.builders import NOON, a_generation, some_assets
from tests.waiting import eventually

UNTIL = NOON + timedelta(days=365)
HASTY = EdgeTiming(heartbeat=timedelta(seconds=0.05))
BROKEN = GenerationFailed("image_decode_failed", "The image could not be decoded.")


@dataclass
class Event:
    id: str
    kind: str
    data: dict

    @property
    def short(self):
        return self.kind, self.data["state"], self.data["progress"]


class Stream:
    """An open answer, read event by event."""

    def __init__(self, response):
        self.response = response
        self.headers = {name.lower(): value for name, value in response.getheaders()}

    def block(self):
        """The lines up to the next empty one. The list is empty at the end of the stream."""
        return list(iter(lambda: self.response.readline().decode().rstrip("\n"), ""))

    def next(self):
        """The next event, None at the end."""
        while (lines := self.block()) and (lines[0].startswith((":", "retry"))):
            continue
        if not lines:
            return None
        fields = dict(line.split(": ", 1) for line in lines)
        return Event(fields["id"], fields["event"], json.loads(fields["data"]))

    def rest(self):
        return [each.short for each in iter(self.next, None)]


@contextmanager
def watching(caller, task_id, method="GET", query="", **headers):
    connection = http.client.HTTPConnection(*caller.edge.address, timeout=10)
    given = {} if query else {"Ocp-Apim-Subscription-Key": caller.issued.primary}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, f"/generations/{task_id}/events{query}", headers=named or given)
    response = connection.getresponse()
    try:
        yield Stream(response)
    finally:
        response.close()
        connection.close()


def renewed(progress):
    return lambda each: each.renewed(each.lease, UNTIL, progress)


def claimed(each):
    return each.claimed(UNTIL)


def test_every_change_is_told_and_the_end_closes_the_stream(any_edge):
    caller = any_edge.caller()
    task_id = caller.submit().body["id"]
    with watching(caller, task_id) as stream:
        assert stream.response.status == 200
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.headers["cache-control"] == "no-store"
        assert stream.headers["x-stillmotion-engine"] == "parallax/1"
        assert stream.headers["x-request-id"]
        assert stream.headers["ratelimit-limit"]
        assert stream.block() == ["retry: 2000"]
        assert stream.next().short == ("state", "queued", 0.0)
        caller.change(task_id, claimed)
        caller.change(task_id, renewed(0.25))
        caller.change(task_id, renewed(0.25))
        caller.change(task_id, lambda each: each.released(each.lease))
        caller.complete(task_id)
        told = [stream.next() for _ in range(5)]
        assert [each.short for each in told] == [
            ("state", "dreaming", 0.0),
            ("progress", "dreaming", 0.25),
            ("state", "queued", 0.0),
            ("state", "dreaming", 0.0),
            ("state", "completed", 1.0),
        ]
        assert stream.next() is None
    assert len({each.id for each in told}) == 5
    assets = told[-1].data["assets"]
    assert any_edge.ask("GET", assets["video"].removeprefix(any_edge.server.url)).content == b"video" * 1000
    assert set(told[-1].data) == {"id", "state", "progress", "assets"}


def test_what_is_being_made_can_be_seen_at_an_address_that_is_new_with_each_event(any_edge):
    caller = any_edge.caller()
    task_id = caller.submit().body["id"]
    key = f"generations/{task_id}/shown.preview.jpg"
    any_edge.run(any_edge.objects.put(key, b"\xff\xd8picture"))
    with watching(caller, task_id) as stream:
        stream.next()
        caller.change(task_id, claimed)
        assert "preview" not in stream.next().data
        told = []
        for progress in (0.25, 0.5):
            caller.change(task_id, lambda each, now=progress: each.renewed(each.lease, UNTIL, now, key))
            told.append(stream.next().data["preview"])
            any_edge.clock.advance(seconds=1)
        caller.change(task_id, lambda each: each.completed(each.lease, some_assets(task_id), "{}", NOON))
        last = stream.next().data
    assert told[0] != told[1]
    for address in told:
        answer = any_edge.ask("GET", address.removeprefix(any_edge.server.url))
        assert (answer.content, answer.headers["content-type"]) == (b"\xff\xd8picture", "image/jpeg")
    assert (last["state"], "preview" in last) == ("completed", False)


def test_a_failure_says_why(caller):
    task_id = caller.submit().body["id"]
    with watching(caller, task_id) as stream:
        caller.change(task_id, claimed)
        caller.change(task_id, lambda each: each.attempt_failed(each.lease, BROKEN, NOON))
        last = list(iter(stream.next, None))[-1]
    assert (last.data["state"], last.data["failure_reason"]) == ("failed", "The image could not be decoded.")


def test_a_cancelled_generation_shows_as_failed(caller):
    task_id = caller.submit().body["id"]
    with watching(caller, task_id) as stream:
        caller.change(task_id, lambda each: each.cancelled(NOON))
        assert stream.rest() == [("state", "queued", 0.0), ("state", "failed", 0.0)]


def test_a_stream_goes_on_from_the_last_event_that_was_seen(caller):
    task_id = caller.submit().body["id"]
    with watching(caller, task_id) as stream:
        caller.change(task_id, claimed)
        caller.change(task_id, renewed(0.5))
        seen = [stream.next() for _ in range(3)][-1].id
    key = {"Ocp_Apim_Subscription_Key": caller.issued.primary}
    with watching(caller, task_id, Last_Event_ID=seen, **key) as stream:
        caller.change(task_id, renewed(0.75))
        assert stream.next().short == ("progress", "dreaming", 0.75)
    caller.change(task_id, lambda each: each.released(each.lease))
    with watching(caller, task_id, Last_Event_ID=seen, **key) as stream:
        assert stream.next().short == ("state", "queued", 0.0)
    with watching(caller, task_id, Last_Event_ID="nonsense\xff", **key) as stream:
        assert stream.next().short == ("state", "queued", 0.0)


def test_who_has_seen_the_end_is_told_not_to_come_back(caller):
    task_id = caller.submit().body["id"]
    caller.complete(task_id)
    with watching(caller, task_id) as stream:
        last = stream.next()
        assert last.short == ("state", "completed", 1.0)
        assert stream.next() is None
    key = {"Ocp_Apim_Subscription_Key": caller.issued.primary}
    with watching(caller, task_id, Last_Event_ID=last.id, **key) as stream:
        assert (stream.response.status, stream.response.read()) == (204, b"")


@pytest.mark.parametrize("form", ["bearer", "query", "header"])
def test_a_key_may_come_in_any_surfaces_form(caller, form):
    task_id, key = caller.submit().body["id"], caller.issued.secondary
    given = {
        "bearer": {"Authorization": f"Bearer {key}"},
        "query": {"query": f"?subscription-key={key}"},
        "header": {"Ocp_Apim_Subscription_Key": key},
    }[form]
    with watching(caller, task_id, **given) as stream:
        assert stream.next().short == ("state", "queued", 0.0)


def test_anothers_generation_is_the_same_as_none(caller, edge):
    task_id = caller.submit().body["id"]
    with watching(edge.caller(), task_id) as foreign, watching(caller, new_uuid7()) as missing:
        assert foreign.response.status == missing.response.status == 404
        assert foreign.response.read() == missing.response.read()
    with watching(caller, task_id, Authorization="Bearer nobody") as stream:
        assert stream.response.status == 401


def test_head_says_what_get_would_and_ends(caller):
    task_id = caller.submit().body["id"]
    with watching(caller, task_id, method="HEAD") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.response.read() == b""


def elsewhere(caller):
    """The store as another process has it. Its changes are announced to nobody in this process."""
    return replace(caller.edge.store, changed=lambda _: None)


def test_a_comment_says_that_the_stream_is_alive_and_the_row_is_looked_at(start):
    caller = start(timing=HASTY).caller()
    task_id = caller.submit().body["id"]
    with watching(caller, task_id) as stream:
        assert stream.next().short == ("state", "queued", 0.0)
        assert stream.block() == [": still here"]
        caller.edge.run(elsewhere(caller).change(task_id, lambda each: each.cancelled(NOON)))
        assert stream.next().short == ("state", "failed", 0.0)


@pytest.mark.parametrize("is_begun", [False, True])
def test_who_watches_a_generation_that_is_deleted_is_told_at_once_and_finds_nothing_afterwards(any_edge, is_begun):
    caller = any_edge.caller()
    task_id = caller.submit().body["id"]
    bearer = {"Authorization": f"Bearer {caller.issued.primary}"}
    with watching(caller, task_id) as stream:
        stream.next()
        if is_begun:
            caller.change(task_id, claimed)
            stream.next()
        assert any_edge.ask("DELETE", f"/dream-machine/v1/generations/{task_id}", headers=bearer).status == 204
        last = stream.next()
        assert last.short == ("state", "failed", 0.0)
        assert last.data["failure_reason"] == "The generation was cancelled."
        assert stream.next() is None
        assert stream.response.read() == b""
    with watching(caller, task_id, Last_Event_ID=last.id, **bearer) as stream:
        assert stream.response.status == 404


def test_a_generation_that_another_process_deleted_ends_its_stream(start):
    caller = start(timing=HASTY).caller()
    task_id = caller.submit().body["id"]
    with watching(caller, task_id) as stream:
        stream.next()
        caller.edge.run(elsewhere(caller).delete(task_id))
        assert stream.next() is None


def test_a_caller_who_leaves_is_forgotten(start):
    caller = start().caller()
    changes = caller.edge.services.changes
    task_id = caller.submit().body["id"]
    with watching(caller, task_id) as stream:
        stream.next()
        assert changes.count == 1
    eventually(lambda: changes.count == 0)


def test_so_many_may_watch_a_generation_at_once(start):
    caller = start(changes=InProcessChanges(most_watches=2)).caller()
    task_id = caller.submit().body["id"]
    with watching(caller, task_id) as one, watching(caller, task_id) as two, watching(caller, task_id) as three:
        assert [each.response.status for each in (one, two, three)] == [200, 200, 429]


def test_the_servers_end_ends_every_stream_at_once(start):
    edge = start()
    caller = edge.caller()
    task_id = caller.submit().body["id"]
    with watching(caller, task_id) as stream:
        stream.next()
        edge.loop.call_soon_threadsafe(edge.services.changes.end)
        assert stream.next() is None
    with watching(caller, task_id) as stream:
        assert stream.next().short == ("state", "queued", 0.0)
        assert stream.next() is None


async def test_a_watch_gives_changes_in_order_and_only_those_of_its_generation():
    changes = InProcessChanges()
    watch = changes.watch("one")
    first, other, second = (a_generation(id=each) for each in ("one", "other", "one"))
    for each in (first, other, second):
        changes.tell(each)
    assert [await watch.next(timedelta(0)) for _ in range(3)] == [first, second, None]
    watch.end()
    watch.end()
    changes.tell(first)
    assert await watch.next(timedelta(seconds=9)) is None
    assert changes.count == 0


def test_a_stream_outlives_every_deadline_of_a_request(start):
    caller = start(deadlines=Deadlines(head=0.4, body=0.4, large_body=0.4, piece=0.4), timing=HASTY).caller()
    task_id = caller.submit().body["id"]
    with watching(caller, task_id) as stream:
        stream.next()
        assert [stream.block() for _ in range(10)] == [[": still here"]] * 10, "half a second of them"
        caller.change(task_id, claimed)
        assert stream.next().short == ("state", "dreaming", 0.0)
