"""The account: what a subscription is told of itself, and what it may change of itself."""

from datetime import timedelta
from decimal import Decimal

import pytest

from stillmotion.domain.subscriptions import KeySlot
from tests.http.conftest import POLL
from tests.http.resources.browser_session import Browser, user

WEEK = 7 * 24 * 3600


@pytest.fixture
def apart(start):
    """A server of its own, whose clock a test may move."""
    return start("sqlite")


def account(caller, key=None):
    answered = caller.edge.ask("GET", "/account", headers=bearer(key or caller.issued.primary))
    assert answered.status == 200, answered.content
    return answered.body


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def rotate(caller, slot="primary", **body):
    return caller.post(f"/account/keys/{slot}", body)


def works(edge, key):
    edge.clock.advance(seconds=1)
    return edge.ask("GET", "/account", headers=bearer(key)).status == 200


def limit(told, name):
    return next(each for each in told["limits"] if each["name"] == name)


def test_it_tells_the_terms_and_what_is_left_of_them(any_edge):
    caller = any_edge.caller(
        submits_per_minute=10,
        reads_per_minute=50,
        concurrent_generations=4,
        video_seconds_per_month=60,
        price_per_second=Decimal("0.1"),
    )
    for _ in range(3):
        caller.submit()
    told = account(caller)
    known = caller.issued.subscription
    assert told["subscription"]["id"] == known.id
    assert told["subscription"]["state"] == "active"
    assert told["product"]["name"] == known.product.name
    assert {each["name"]: (each["limit"], each["remaining"]) for each in told["limits"]} == {
        "submits_per_minute": (10, 7),
        "reads_per_minute": (50, 49),
        "concurrent_generations": (4, 1),
        "video_seconds_per_month": (60, 45),
    }
    month = any_edge.clock.now().strftime("%Y-%m")
    assert told["usage"] == {"period": month, "video_seconds": 15.0, "cost": 1.5, "unfinished": 3, "queued": 3}
    assert [each["slot"] for each in told["keys"]] == ["primary", "secondary"]
    assert [each["prefix"] for each in told["keys"]] == [caller.issued.primary[:9], caller.issued.secondary[:9]]


def test_without_a_quota_nothing_is_left_of_it_nor_spent(edge):
    told = limit(account(edge.caller()), "video_seconds_per_month")
    assert (told["limit"], told["remaining"]) == (None, None)


def test_the_times_of_renewal_are_right(apart):
    caller = apart.caller(video_seconds_per_month=60)
    caller.submit()
    now = apart.clock.now()
    apart.clock.advance(seconds=20)
    told = account(caller)
    assert limit(told, "submits_per_minute")["resets_at"] == as_text(now + timedelta(minutes=1))
    assert limit(told, "video_seconds_per_month")["resets_at"] == "2026-12-01T00:00:00Z"
    assert limit(told, "concurrent_generations")["resets_at"] is None
    apart.clock.advance(seconds=40)
    assert (
        limit(account(caller), "submits_per_minute")["remaining"]
        == caller.issued.subscription.product.submits_per_minute
    )


def as_text(time):
    return time.isoformat().replace("+00:00", "Z")


def test_nobody_is_told_of_anothers(edge):
    first, second = edge.caller(), edge.caller()
    assert account(first)["subscription"]["id"] != account(second)["subscription"]["id"]
    for method, path in [("GET", "/account"), ("POST", "/account/keys/primary"), ("POST", "/account/callback-secret")]:
        assert edge.ask(method, path, "{}" if method == "POST" else None).status == 401


def test_a_replaced_key_stops_at_once_or_after_its_overlap(apart):
    caller = apart.caller()
    old, other = caller.issued.primary, caller.issued.secondary
    new = rotate(caller, overlap_seconds=3600)
    assert new.status == 201
    assert new.body["previous_valid_until"] == as_text(apart.clock.now() + timedelta(hours=1))
    assert [works(apart, each) for each in (old, new.body["key"], other)] == [True] * 3
    shown = [(each["prefix"], each["expires_at"]) for each in account(caller)["keys"] if each["slot"] == "primary"]
    assert shown == [(new.body["key"][:9], None), (old[:9], new.body["previous_valid_until"])]
    apart.clock.advance(seconds=3600)
    assert [works(apart, each) for each in (old, new.body["key"], other)] == [False, True, True]
    shown = account(caller, other)["keys"]
    assert [each["expires_at"] for each in shown] == [None, None]
    headers = bearer(other) | {"Content-Type": "application/json"}
    atonce = apart.ask("POST", "/account/keys/secondary", '{"overlap_seconds": null}', headers)
    assert atonce.body["previous_valid_until"] is None
    assert [works(apart, each) for each in (other, atonce.body["key"])] == [False, True]


def test_of_two_replaced_keys_the_older_stops(any_edge):
    caller = any_edge.caller()
    first = caller.issued.primary
    second = rotate(caller, overlap_seconds=WEEK).body["key"]
    third = rotate(caller, overlap_seconds=WEEK).body["key"]
    assert [works(any_edge, each) for each in (first, second, third)] == [False, True, True]


@pytest.mark.parametrize("seconds", [-1, WEEK + 1, 10**12, 1.5, "60"])
def test_an_impossible_overlap_is_refused_by_name(edge, seconds):
    caller = edge.caller()
    refused = rotate(caller, overlap_seconds=seconds)
    assert refused.status == 400
    assert refused.body["details"][0]["field"] == "overlap_seconds"
    assert works(edge, caller.issued.primary)


def test_an_unknown_slot_is_refused_by_name(edge):
    refused = rotate(edge.caller(), slot="third")
    assert (refused.status, refused.body["details"][0]["field"]) == (400, "slot")


def test_the_session_that_rotates_its_key_goes_on(any_edge):
    browser, caller = user(any_edge)
    other = Browser(any_edge).sign_in(caller.issued.primary)
    assert browser.ask("POST", "/account/keys/primary", {}).status == 201
    any_edge.clock.advance(seconds=1)
    assert (browser.lists(), other.lists()) == (200, 401)
    reader = Browser(any_edge).sign_in(caller.issued.secondary, role="reader")
    assert reader.ask("POST", "/account/keys/primary", {}).status == 403
    assert reader.ask("POST", "/account/callback-secret").status == 403
    assert reader.ask("GET", "/account").status == 200


def test_another_slots_rotation_moves_no_session(any_edge):
    browser, caller = user(any_edge)
    assert browser.ask("POST", "/account/keys/secondary", {}).status == 201
    any_edge.run(any_edge.subscriptions.rotate(caller.issued.subscription.id, KeySlot.PRIMARY))
    any_edge.clock.advance(seconds=1)
    assert browser.lists() == 401


def test_the_callback_secret_is_replaced_and_both_are_told(apart):
    caller = apart.caller()
    before = account(caller)["callback_secrets"]
    old = caller.issued.subscription.callback_secret
    assert before == [{"prefix": old[:9], "current": True, "valid_until": None}]
    new = caller.post("/account/callback-secret", {})
    assert new.status == 201
    until = new.body["previous_valid_until"]
    assert until == as_text(apart.clock.now() + timedelta(days=1))
    assert account(caller)["callback_secrets"] == [
        {"prefix": new.body["callback_secret"][:9], "current": True, "valid_until": None},
        {"prefix": old[:9], "current": False, "valid_until": until},
    ]
    apart.clock.advance(seconds=24 * 3600)
    assert [each["current"] for each in account(caller)["callback_secrets"]] == [True]


def test_the_last_use_is_told_and_no_request_writes_it(apart):
    caller = apart.caller()
    assert [each["last_used_at"] for each in account(caller)["keys"]] == [None, None]
    used = apart.clock.now()
    version = apart.run(apart.store.access_version())
    for _ in range(10):
        caller.post(POLL, {"task_id": "none"})
    assert [each["last_used_at"] for each in account(caller)["keys"]] == [None, None]
    apart.run(apart.services.access.keep_uses())
    apart.run(apart.services.access.keep_uses())
    assert [each["last_used_at"] for each in account(caller)["keys"]] == [as_text(used), None]
    assert apart.run(apart.store.access_version()) == version


def test_no_whole_key_or_secret_is_in_the_account(edge):
    caller = edge.caller()
    told = edge.ask("GET", "/account", headers=bearer(caller.issued.primary)).content.decode()
    for secret in (caller.issued.primary, caller.issued.secondary, caller.issued.subscription.callback_secret):
        assert secret not in told
