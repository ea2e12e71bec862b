"""Retries of SDKs that send only a count: a retry gets the result of its first attempt."""

import json

import pytest

from tests.http.conftest import PICTURE_URL

DREAM_MACHINE = "/dream-machine/v1/generations"
GOOD = {
    "model": "ray-2",
    "prompt": "leaning girl",
    "keyframes": {"frame0": {"type": "image", "url": PICTURE_URL}},
}


def create(caller, body=GOOD, path=DREAM_MACHINE, **headers):
    given = {"Authorization": f"Bearer {caller.issued.primary}", "Content-Type": "application/json"}
    given |= {name.replace("_", "-"): headers[name] for name in headers}
    return caller.edge.ask("POST", path, json.dumps(body), given)


def test_a_retry_gets_the_first_generation(any_edge):
    caller = any_edge.caller(submits_per_minute=1)
    first = create(caller, X_Stainless_Retry_Count="0")
    again = [create(caller, X_Stainless_Retry_Count=count) for count in ("1", "2")]
    assert first.status == 201
    assert [(each.status, each.content) for each in again] == [(201, first.content)] * 2
    assert create(caller).status == 429


@pytest.mark.parametrize("count", ["0", "00", "", "-1", "one", "1.0", "²"])
def test_what_is_no_retry_makes_another(any_edge, count):
    caller = any_edge.caller()
    first = create(caller)
    assert create(caller, X_Stainless_Retry_Count=count).body["id"] != first.body["id"]


def test_a_retry_of_another_body_makes_another(any_edge):
    caller = any_edge.caller()
    first = create(caller)
    again = create(caller, GOOD | {"prompt": "another"}, X_Stainless_Retry_Count="1")
    assert again.body["id"] != first.body["id"]


def test_a_retry_is_its_subscriptions_own(any_edge):
    first, second = any_edge.caller(), any_edge.caller()
    theirs = create(first)
    assert create(second, X_Stainless_Retry_Count="1").body["id"] != theirs.body["id"]


def test_a_retry_of_what_was_refused_is_a_first_attempt(any_edge):
    caller = any_edge.caller(concurrent_generations=1)
    create(caller, GOOD | {"prompt": "before"})
    assert create(caller).status == 429
    assert create(caller, X_Stainless_Retry_Count="1").status == 429


def test_the_same_words_about_another_generation_are_no_retry(any_edge):
    """The path is a part of the fingerprint."""
    caller = any_edge.caller()
    sources = [create(caller).body["id"] for _ in range(2)]
    for each in sources:
        caller.complete(each)
    larger, paths = {"resolution": "1080p"}, [f"{DREAM_MACHINE}/{each}/upscale" for each in sources]
    one, other = (create(caller, larger, path, X_Stainless_Retry_Count="1") for path in paths)
    assert one.status == other.status == 200
    assert one.body["id"] != other.body["id"]
    assert [create(caller, larger, path, Idempotency_Key="n").status for path in paths] == [200, 422]


def test_on_the_gateway_nothing_but_a_name_is_told_again(any_edge):
    """Its callers use other clients, and a fingerprint for each submit would slow all of them."""
    caller = any_edge.caller()
    first, again = caller.submit(), caller.submit(X_Stainless_Retry_Count="1")
    assert first.body["id"] != again.body["id"]
