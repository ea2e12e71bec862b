"""GET /generations/{id}/timeline."""

from datetime import timedelta

import pytest

from stillmotion.domain.failures import FailureKind
from tests.builders import some_assets


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
