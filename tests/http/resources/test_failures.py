"""`GET /failures` and `POST /failures/{code}/retry`: the caller's own failures, by cause."""

import pytest

from stillmotion.domain.failures import FailureKind, FetchFailure
from stillmotion.domain.generation import MAX_FAILURES
from tests.builders import NOON
from tests.http.parsing.test_uploads import upload
from tests.http.surfaces.test_clear_meaning import bearer, dream

SLOW, DAMAGED = FetchFailure.TIMEOUT.error("image"), FailureKind.IMAGE_DAMAGED.error(format="PNG")


def failed(caller, failure, made=None):
    made = made or caller.submit().body["id"]
    for _ in range(1 if failure.permanent else MAX_FAILURES):
        caller.change(made, lambda each: each.claimed(NOON))
        caller.change(made, lambda each: each.attempt_failed(each.lease, failure, caller.edge.clock.now()))
    return made


def report(caller, **query):
    return bearer(caller, "GET", "/failures" + "".join(f"?{name}={value}" for name, value in query.items()))


def retry(caller, code, **asked):
    return caller.post(f"/failures/{code}/retry", asked)


def test_failures_are_told_by_cause_with_what_to_do(any_edge):
    caller, other = any_edge.caller(), any_edge.caller()
    failed(caller, SLOW)
    any_edge.clock.advance(hours=1)
    latest = failed(caller, SLOW)
    any_edge.clock.advance(hours=1)
    damaged = failed(caller, DAMAGED)
    failed(other, DAMAGED)
    caller.change(caller.submit().body["id"], lambda each: each.cancelled(NOON))
    one, two = report(caller).body["failures"]
    assert (one["code"], one["count"], one["latest"]) == ("image_decode_failed", 1, damaged)
    assert one["sentence"].startswith("The PNG image is damaged")
    assert (one["remedy"], two["remedy"]) == (None, "You can upload the picture instead.")
    assert (two["code"], two["count"], two["latest"]) == ("image_fetch_timeout", 2, latest)
    assert (one["can_retry"], two["can_retry"]) == (True, True)
    assert report(caller, days=1).body["days"] == 1
    any_edge.clock.advance(days=2)
    assert report(caller, days=1).body["failures"] == []
    assert len(report(caller).body["failures"]) == 2


def test_all_failures_of_a_cause_are_made_once_more_once(any_edge):
    caller = any_edge.caller()
    slow = []
    for _ in range(3):
        any_edge.clock.advance(seconds=1)
        slow.append(failed(caller, SLOW))
    failed(caller, DAMAGED)
    retried = retry(caller, "image_fetch_timeout")
    assert (retried.status, retried.body["retried"]) == (202, 3)
    made = [any_edge.run(any_edge.store.find(each)) for each in retried.body["generations"]]
    assert [each.retry_of for each in made] == slow[::-1]
    assert retry(caller, "image_fetch_timeout").body == {"retried": 0, "generations": []}
    assert retry(caller, "no_such_code").body == {"retried": 0, "generations": []}


def test_retries_go_as_far_as_the_limits(any_edge):
    caller = any_edge.caller(concurrent_generations=2)
    for _ in range(3):
        failed(caller, SLOW)
    assert retry(caller, "image_fetch_timeout").body["retried"] == 2
    assert retry(caller, "image_fetch_timeout").status == 429


def test_a_failure_whose_picture_is_gone_does_not_keep_the_others(any_edge):
    caller = any_edge.caller()
    address = upload(caller).body["url"]
    made = dream(caller, keyframes={"frame0": {"url": address}}).body["id"]
    failed(caller, SLOW)
    failed(caller, SLOW, made)
    key = any_edge.run(any_edge.store.find(made)).request.frame0.key
    any_edge.run(any_edge.objects.delete(key))
    assert retry(caller, "image_fetch_timeout").body["retried"] == 1
    assert retry(caller, "image_fetch_timeout").status == 400


@pytest.mark.parametrize("days", ["0", "366", "x", ""])
def test_days_out_of_bounds_are_refused(caller, days):
    refused = report(caller, days=days)
    assert (refused.status, refused.body["details"][0]["field"]) == (400, "days")


def test_anothers_failures_are_none(any_edge):
    caller, other = any_edge.caller(), any_edge.caller()
    failed(other, SLOW)
    assert report(caller).body["failures"] == []
    assert retry(caller, "image_fetch_timeout").body["retried"] == 0
    assert any_edge.ask("GET", "/failures").status == 401
    assert any_edge.ask("POST", "/failures/image_fetch_timeout/retry", b"{}").status == 401
