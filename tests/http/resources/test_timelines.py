"""GET /generations/{id}/timeline."""

from datetime import timedelta

import pytest

from stillmotion.domain.failures import FailureKind
from stillmotion.domain.operators.queue_controls import WorkerName
from tests.builders import some_assets
from tests.http.conftest import ADMIN_KEY


@pytest.fixture
def caller(any_edge):
    return any_edge.caller()


def timeline(caller, task_id):
    key = {"Ocp-Apim-Subscription-Key": caller.issued.primary}
    return caller.edge.ask("GET", f"/generations/{task_id}/timeline", headers=key)


def test_the_timeline_tells_each_attempt(caller):
    task_id = caller.submit().body["id"]
    now = caller.edge.clock.now()
    until = now + timedelta(minutes=1)
    crash = FailureKind.RENDERER_CRASHED.error()
    caller.change(task_id, lambda each: each.claimed(until, now))
    caller.change(task_id, lambda each: each.attempt_failed(each.lease, crash, now))
    caller.change(task_id, lambda each: each.claimed(until, now))
    caller.change(task_id, lambda each: each.completed(each.lease, some_assets(task_id), "{}", now))
    answered = timeline(caller, task_id)
    assert answered.status == 200
    assert [(each["what"], each["attempt"], each["reason"]) for each in answered.body["events"]] == [
        ("accepted", None, None),
        ("started", 1, None),
        ("attempt_failed", 1, crash.reason),
        ("started", 2, None),
        ("completed", 2, None),
    ]


def test_anothers_has_none(caller):
    task_id = caller.submit().body["id"]
    other = caller.edge.caller()
    theirs, unknown = timeline(other, task_id), timeline(other, "0193b1d2-6f5e-7c31-9d2a-5b0c7f3e8a44")
    assert (theirs.status, theirs.content) == (unknown.status, unknown.content)
    assert theirs.status == 404


def test_a_workers_name_is_told_to_administrators_alone(caller):
    task_id = caller.submit().body["id"]
    edge, until = caller.edge, caller.edge.clock.now() + timedelta(minutes=1)
    mill = WorkerName("mill-1204-5f2b", "mill")
    # Generations of earlier tests wait in front.
    while edge.run(edge.store.claim_next(lambda each: each.claimed(until), worker=mill)).id != task_id:
        pass
    started = timeline(caller, task_id).body["events"][1]
    assert (started["what"], started["worker"]) == ("started", None)
    admin = {"Authorization": f"Bearer {ADMIN_KEY}"}
    told = edge.ask("GET", f"/admin/v1/generations/{task_id}/timeline", headers=admin)
    assert told.body["events"][1]["worker"] == mill.id
