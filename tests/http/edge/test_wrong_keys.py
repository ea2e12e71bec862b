"""Wrong keys: on every operation, in any number, and two at once."""

import time
from statistics import median

import pytest

from tests.http.conftest import POLL, SUBMIT


def operations(edge):
    document = edge.ask("GET", "/openapi.json").body
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if operation.get("security"):
                yield method.upper(), path.replace("{", "").replace("}", "")


def test_no_operation_answers_without_a_key(edge):
    asked = list(operations(edge))
    assert len(asked) > 30
    for headers in ({}, {"Authorization": "Bearer nobody"}, {"Ocp-Apim-Subscription-Key": "nobody"}):
        answers = {edge.ask(method, path, "{}", headers).status for method, path in asked}
        assert answers <= {401, 403, 429}, headers
        assert 401 in answers


@pytest.mark.parametrize(
    ("path", "first", "second"),
    [
        (SUBMIT, "Ocp-Apim-Subscription-Key", "ocp-apim-subscription-key"),
        (POLL, "Ocp-Apim-Subscription-Key", "ocp-apim-subscription-key"),
        ("/v1/videos", "Authorization", "authorization"),
        ("/dream-machine/v1/ping", "Authorization", "authorization"),
        ("/generations/x/plan", "Authorization", "authorization"),
        ("/generations/x/plan", "Ocp-Apim-Subscription-Key", "Authorization"),
        ("/admin/v1/products", "Authorization", "authorization"),
    ],
)
def test_two_keys_are_none(edge, caller, path, first, second):
    """The same key twice, or both keys of a subscription."""
    keys = [caller.issued.primary, caller.issued.secondary]
    given = {
        name: f"Bearer {key}" if name.lower() == "authorization" else key
        for name, key in zip((first, second), keys, strict=True)
    }
    method = "POST" if path in (SUBMIT, POLL) else "GET"
    assert edge.ask(method, path, "{}", given).status == 401


def test_thousands_of_wrong_keys_leave_nothing_and_hold_nobody_up(start):
    edge = start()
    caller = edge.caller()
    task_id = caller.submit().body["id"]
    assert caller.poll(task_id).status == 200
    access = edge.services.access
    known = len(access._known)
    wrong = [f"sm_{number:043}" for number in range(1000)]
    taken = []
    for number, key in enumerate(wrong):
        assert edge.ask("POST", POLL, "{}", {"Ocp-Apim-Subscription-Key": key}).status == 401
        if number % 20 == 0:
            began = time.perf_counter()
            assert caller.poll(task_id).status == 200
            taken.append(time.perf_counter() - began)
    assert len(access._known) == known
    assert median(taken) < 0.05
