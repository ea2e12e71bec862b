"""The log of callbacks, shown to the owner of a generation only, and the owner's replays."""

from datetime import timedelta

import pytest

from stillmotion.adapters.identifiers import new_uuid7
from stillmotion.domain.callbacks import DeliveryAttempt
from tests.http.conftest import PICTURE_URL

HOOK = "https://hooks.example.com/hook"
NOT_FOUND = b'{"task_status":"failed","task_status_msg":"task not found"}'


def ask(caller, method, path, **headers):
    return caller.edge.ask(method, path, headers={"Ocp-Apim-Subscription-Key": caller.issued.primary} | headers)


def announced(caller, callback_url=HOOK):
    """A generation in the state `dreaming`, which has a callback."""
    body = {"prompt": "leaning girl", "url": PICTURE_URL, "callback_url": callback_url}
    task_id = caller.submit({name: value for name, value in body.items() if value}).body["id"]
    until = caller.edge.clock.now() + timedelta(seconds=15)
    caller.change(task_id, lambda generation: generation.claimed(until))
    return task_id


def tried(caller, task_id, status):
    """One attempt at the last callback."""
    store, now = caller.edge.store, caller.edge.clock.now()
    delivery = caller.edge.run(store.deliveries(task_id))[-1]
    took = timedelta(milliseconds=41)
    attempt = DeliveryAttempt(delivery.replays, delivery.attempts + 1, now, took, status)
    caller.edge.run(store.record(delivery.attempted(attempt, None, 0.0), attempt))
    return delivery.id


@pytest.fixture
def caller(any_edge):
    return any_edge.caller()


def test_the_owner_sees_every_attempt(caller):
    task_id = announced(caller)
    delivery_id = tried(caller, task_id, 503)
    answered = ask(caller, "GET", f"/generations/{task_id}/callbacks")
    assert answered.status == 200
    [callback] = answered.body["callbacks"]
    assert callback | {"next_attempt_at": None, "attempts": None} == {
        "id": delivery_id,
        "announces": "dreaming",
        "created_at": caller.edge.clock.now().isoformat().replace("+00:00", "Z"),
        "url": HOOK,
        "state": "pending",
        "replays": 0,
        "next_attempt_at": None,
        "attempts": None,
    }
    now = caller.edge.clock.now()
    assert callback["next_attempt_at"] == (now + timedelta(seconds=5, milliseconds=41)).isoformat().replace(
        "+00:00", "Z"
    )
    [attempt] = callback["attempts"]
    at = now.isoformat().replace("+00:00", "Z")
    assert attempt == {"replay": 0, "number": 1, "at": at, "seconds": 0.041, "status": 503, "reason": None}
    assert int(answered.headers["ratelimit-remaining"]) < int(answered.headers["ratelimit-limit"])


def test_without_a_callback_url_the_log_is_empty(caller):
    task_id = announced(caller, callback_url=None)
    assert ask(caller, "GET", f"/generations/{task_id}/callbacks").body == {"callbacks": []}


def test_the_owner_may_have_it_delivered_again(caller):
    task_id = announced(caller)
    delivery_id = tried(caller, task_id, 200)
    answered = ask(caller, "POST", f"/generations/{task_id}/callbacks/{delivery_id}/replay")
    assert (answered.status, answered.body["state"], answered.body["replays"]) == (202, "pending", 1)
    assert len(answered.body["attempts"]) == 1
    due = caller.edge.run(caller.edge.store.due(caller.edge.clock.now(), 100))
    assert delivery_id in {each.id for each in due}


def test_anothers_log_is_the_same_as_none(caller, any_edge):
    task_id = announced(caller)
    delivery_id = tried(caller, task_id, 200)
    stranger = any_edge.caller()
    answers = [
        ask(stranger, "GET", f"/generations/{task_id}/callbacks"),
        ask(stranger, "GET", f"/generations/{new_uuid7()}/callbacks"),
        ask(stranger, "POST", f"/generations/{task_id}/callbacks/{delivery_id}/replay"),
        ask(stranger, "POST", f"/generations/{announced(stranger)}/callbacks/{delivery_id}/replay"),
        ask(stranger, "POST", f"/generations/{new_uuid7()}/callbacks/msg_x/replay"),
    ]
    assert {(each.status, each.content) for each in answers} == {(404, NOT_FOUND)}
    assert caller.edge.run(caller.edge.store.find_delivery(delivery_id)).replays == 0


def test_without_a_key_there_is_nothing_to_see(caller):
    task_id = announced(caller)
    assert caller.edge.ask("GET", f"/generations/{task_id}/callbacks").status == 401
    assert caller.edge.ask("POST", f"/generations/{task_id}/callbacks/msg_x/replay").status == 401
