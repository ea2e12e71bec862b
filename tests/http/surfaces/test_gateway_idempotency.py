"""A submit with an idempotency key is accepted once."""

import pytest

from tests.http.conftest import PICTURE_URL

GOOD = {"prompt": "leaning girl", "url": PICTURE_URL}


def test_the_same_name_and_body_give_the_first_generation_again(any_edge):
    caller = any_edge.caller()
    first, again = (caller.submit(GOOD, Idempotency_Key="one") for _ in range(2))
    assert (again.status, again.content) == (200, first.content)
    assert caller.submit(GOOD, Idempotency_Key="two").body["id"] != first.body["id"]
    assert caller.submit(GOOD).body["id"] != first.body["id"]


def test_the_same_name_for_another_body_is_refused(any_edge):
    caller = any_edge.caller()
    assert caller.submit(GOOD, Idempotency_Key="one").status == 200
    refused = caller.submit(GOOD | {"prompt": "another"}, Idempotency_Key="one")
    assert refused.status == 400
    assert refused.body["details"][0]["field"] == "Idempotency-Key"


def test_a_name_belongs_to_its_subscription(any_edge):
    first, second = any_edge.caller(), any_edge.caller()
    assert first.submit(GOOD, Idempotency_Key="one").body["id"] != second.submit(GOOD, Idempotency_Key="one").body["id"]


@pytest.mark.parametrize("key", ["x" * 256, "with space", "", "tab\there", "é"])
def test_a_name_is_short_and_visible_ascii(caller, key):
    refused = caller.submit(GOOD, Idempotency_Key=key)
    assert refused.status == 400
    assert refused.body["details"][0]["field"] == "Idempotency-Key"


def test_a_long_name_is_taken(caller):
    assert caller.submit(GOOD, Idempotency_Key="x" * 255).status == 200
