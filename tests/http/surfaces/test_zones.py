"""Times in bodies: UTC, with a Z."""

import time
from datetime import UTC, datetime

import pytest


@pytest.fixture(params=["Asia/Kolkata", "America/St_Johns", "UTC"])
def zone(request, monkeypatch):
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    "now",
    [
        datetime(2026, 3, 29, 1, 30, 0, 5, UTC),  # In other zones this hour is missing or comes twice.
        datetime(2026, 10, 25, 0, 59, 59, 999_999, UTC),
        datetime(2038, 1, 19, 3, 14, 8, 1, UTC),
        datetime(2100, 2, 28, 23, 59, 59, 0, UTC),
    ],
)
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_times_are_utc_whatever_the_machine_thinks_and_whenever_it_is(start, zone, now, kind):
    edge = start(kind)
    edge.clock.time = now
    caller = edge.caller()
    task_id = caller.submit().body["id"]
    caller.complete(task_id)
    told = caller.poll(task_id).body["created_at"]
    assert told.endswith("Z")
    assert datetime.fromisoformat(told) == now
    assert edge.run(edge.store.find(task_id)).finished_at == now
    assert (
        caller.edge.ask("GET", caller.poll(task_id).body["assets"]["video"].removeprefix(edge.server.url)).status == 200
    )
