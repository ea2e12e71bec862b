"""SDKs retry with nothing but a count: such a retry gets what its first attempt made."""

import json

import pytest

from tests.http.conftest import PICTURE_URL

GOOD = {"prompt": "leaning girl", "url": PICTURE_URL}


def test_a_retry_gets_the_first_generation(any_edge):
    caller = any_edge.caller(submits_per_minute=1)
    first = caller.submit(GOOD, X_Stainless_Retry_Count="0")
    again = [caller.submit(GOOD, X_Stainless_Retry_Count=count) for count in ("1", "2")]
    assert [(each.status, each.content) for each in again] == [(200, first.content)] * 2
    assert caller.submit(GOOD).status == 429


@pytest.mark.parametrize("count", ["0", "00", "", "-1", "one", "1.0", "²"])
def test_what_is_no_retry_makes_another(any_edge, count):
    caller = any_edge.caller()
    first = caller.submit(GOOD)
    assert caller.submit(GOOD, X_Stainless_Retry_Count=count).body["id"] != first.body["id"]


def test_a_retry_of_another_body_makes_another(any_edge):
    caller = any_edge.caller()
    first = caller.submit(GOOD)
    again = caller.submit(GOOD | {"prompt": "another"}, X_Stainless_Retry_Count="1")
    assert again.body["id"] != first.body["id"]


def test_a_retry_is_its_subscriptions_own(any_edge):
    first, second = any_edge.caller(), any_edge.caller()
    theirs = first.submit(GOOD)
    assert second.submit(GOOD, X_Stainless_Retry_Count="1").body["id"] != theirs.body["id"]


def test_a_retry_of_what_was_refused_is_a_first_attempt(any_edge):
    caller = any_edge.caller(concurrent_generations=1)
    caller.submit(GOOD | {"prompt": "before"})
    assert caller.submit(GOOD).status == 429
    assert caller.submit(GOOD, X_Stainless_Retry_Count="1").status == 429


DREAM_MACHINE = "/dream-machine/v1/generations"


def create(caller, path=DREAM_MACHINE, body=None, **headers):
    given = {"Authorization": f"Bearer {caller.issued.primary}", "Content-Type": "application/json"}
    asked = {"model": "ray-2", "prompt": "leaning girl", "keyframes": {"frame0": {"type": "image", "url": PICTURE_URL}}}
    content = json.dumps(asked if body is None else body)
    return caller.edge.ask("POST", path, content, given | {each.replace("_", "-"): headers[each] for each in headers})


def test_on_the_dream_machine_too_a_retry_gets_the_first_generation(any_edge):
    caller = any_edge.caller()
    first, again = create(caller), create(caller, X_Stainless_Retry_Count="1")
    assert (again.status, again.body["id"]) == (201, first.body["id"])


def test_the_same_words_about_another_generation_are_no_retry(any_edge):
    """The path is part of what is told again."""
    caller = any_edge.caller()
    sources = [create(caller, body=None).body["id"] for _ in range(2)]
    for each in sources:
        caller.complete(each)
    larger = {"resolution": "1080p"}
    one, other = (
        create(caller, f"{DREAM_MACHINE}/{each}/upscale", larger, X_Stainless_Retry_Count="1") for each in sources
    )
    assert one.status == other.status == 200
    assert one.body["id"] != other.body["id"]
    named = [create(caller, f"{DREAM_MACHINE}/{each}/upscale", larger, Idempotency_Key="n") for each in sources]
    assert [each.status for each in named] == [200, 422]
