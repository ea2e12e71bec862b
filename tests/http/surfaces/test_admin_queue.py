"""The queue in the operator's API: what is paused is not begun, what is drained is not accepted, all is logged."""

import json
from collections import Counter

import pytest

from tests.http.conftest import ADMIN_KEY

QUEUE, ACTIONS = "/admin/v1/queue", "/admin/v1/actions"


@pytest.fixture
def office(any_edge):
    def ask(method, path, body=None):
        headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"}
        return any_edge.ask(method, path, None if body is None else json.dumps(body), headers)

    yield ask
    for each in ask("GET", QUEUE).body["controls"]:
        ask("POST", f"{QUEUE}/resume", {} if each["scope"] == "all" else {each["scope"]: each["name"]})


def claim(edge):
    until = edge.clock.advance(seconds=1)
    return edge.run(edge.store.claim_next(lambda generation: generation.claimed(until)))


def test_a_paused_queue_accepts_and_begins_nothing(any_edge, office):
    paused = office("POST", f"{QUEUE}/pause", {})
    assert (paused.status, paused.body["paused"], paused.body["drained"]) == (200, True, False)
    (control,) = paused.body["controls"]
    assert (control["scope"], control["state"], control["by"]) == ("all", "paused", "administrator")
    task_id = any_edge.caller().submit().body["id"]
    shown = office("GET", QUEUE).body
    assert shown["depth"]["parallax/1"] >= 1
    assert shown["oldest_seconds"] >= 0
    assert claim(any_edge) is None
    assert office("POST", f"{QUEUE}/resume", {}).body["paused"] is False
    begun = {}
    while (found := claim(any_edge)) is not None:
        begun[found.id] = found.engine
    assert begun[task_id] == "parallax/1"
    under_way = office("GET", QUEUE).body["under_way"]
    for engine, number in Counter(begun.values()).items():
        assert under_way[engine] >= number


@pytest.mark.parametrize("target", [{}, {"model": "parallax"}, {"model": "parallax/1"}])
def test_a_drain_refuses_submits_and_makes_the_rest(any_edge, office, target):
    caller = any_edge.caller()
    waiting = caller.submit().body["id"]
    office("POST", f"{QUEUE}/drain", target)
    refused = caller.submit()
    assert (refused.status, refused.headers["retry-after"]) == (503, "60")
    begun = []
    while (found := claim(any_edge)) is not None:
        begun.append(found.id)
    assert waiting in begun
    office("POST", f"{QUEUE}/resume", target)
    assert caller.submit().status == 200


def test_an_empty_drained_queue_says_so(start):
    edge = start()
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    assert edge.ask("POST", f"{QUEUE}/drain", "{}", headers).body["drained"] is True


def test_a_drained_model_leaves_the_others(any_edge, office):
    office("POST", f"{QUEUE}/drain", {"model": "elsewhere"})
    assert any_edge.caller().submit().status == 200


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({"model": "sora-2"}, "model", "parallax/1"),
        ({"model": "nobody's"}, "model", "none of this server's"),
        ({"model": "parallax", "worker": "box"}, "worker", "name one of them"),
        ({"worker": ""}, "worker", "machine"),
        ({"queue": "all"}, "queue", "model, worker"),
    ],
)
def test_a_target_that_is_none_is_refused_by_field(office, body, field, said):
    for act in ("pause", "resume", "drain"):
        refused = office("POST", f"{QUEUE}/{act}", body)
        assert refused.status == 400
        (detail,) = refused.body["details"]
        assert detail["field"] == field
        assert said in detail["message"]


def test_each_act_is_in_the_log_with_its_request_and_its_refusal(any_edge, office):
    done = office("POST", f"{QUEUE}/pause", {"worker": "box"})
    refused = office("POST", f"{QUEUE}/pause", {"model": "nobody's"})
    latest, before = office("GET", f"{ACTIONS}?limit=2").body["actions"]
    assert (before["action"], before["actor"], before["details"]) == (
        "pauseQueue",
        "administrator",
        {"model": None, "worker": "box"},
    )
    assert (before["request_id"], before["refused"]) == (done.headers["x-request-id"], None)
    assert latest["request_id"] == refused.headers["x-request-id"]
    assert "nobody's" in latest["details"]["model"]
    assert "none of this server's" in latest["refused"]


def test_every_write_is_in_the_log_and_no_look_is(any_edge, office):
    office("POST", "/admin/v1/products", {"name": "logged", "max_seconds": 5})
    office("GET", "/admin/v1/products")
    office("PATCH", "/admin/v1/products/logged", {"max_seconds": 4})
    latest = office("GET", f"{ACTIONS}?limit=2").body
    assert [(each["action"], each["target"], each["details"]) for each in latest["actions"]] == [
        ("updateProduct", "logged", {"max_seconds": 4.0}),
        ("createProduct", "", {"name": "logged", "max_seconds": 5.0}),
    ]
    older = office("GET", f"{ACTIONS}?limit=1&after={latest['actions'][0]['id']}").body
    assert older["actions"] == latest["actions"][1:]
    assert older["next"] == older["actions"][0]["id"]


def test_the_log_holds_no_key(any_edge, office):
    made = office("POST", "/admin/v1/subscriptions", {"name": "Ada"}).body
    office("POST", f"/admin/v1/subscriptions/{made['subscription']}/keys/primary")
    log = office("GET", ACTIONS).content
    for secret in (made["key"], made["secondary_key"], made["callback_secret"], ADMIN_KEY):
        assert secret.encode() not in log
