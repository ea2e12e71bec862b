"""`SessionStore`: the contract of every store."""

from dataclasses import replace
from datetime import timedelta

import pytest

from stillmotion.domain.subscriptions import KeySlot, Session
from tests.builders import NOON, a_key
from tests.contracts.conftest import keep_subscription

WEEK = timedelta(days=7)


def a_session(number=1, **parts):
    return Session(b"digest %d" % number, NOON, NOON + WEEK, **parts)


async def keep_key(store):
    """A stored subscription, and its stored key."""
    subscription = await keep_subscription(store)
    ((_, (key,)),) = await store.subscriptions()
    return subscription, key


async def ends(store, *digests):
    return [await store.find_session(each) is None for each in digests]


async def test_a_session_is_found_with_its_key_and_subscription(store):
    subscription, key = await keep_key(store)
    session = a_session(key_digest=key.digest, administrator=b"mark", is_reader=True)
    await store.add_session(session, most=10)
    assert await store.find_session(session.digest) == (session, (subscription, key))
    assert await store.find_session(b"another") is None


async def test_an_administrators_session_has_no_subscription(store):
    session = a_session(administrator=b"mark")
    await store.add_session(session, most=10)
    assert await store.find_session(session.digest) == (session, None)


async def test_a_replaced_key_leaves_its_sessions_alone(store):
    subscription, key = await keep_key(store)
    session = a_session(key_digest=key.digest)
    await store.add_session(session, most=10)
    await store.replace_key(a_key(subscription, KeySlot.PRIMARY, digest=b"new"))
    assert await store.find_session(session.digest) == (session, None)


async def test_an_ended_session_is_gone_and_the_version_tells(store):
    await store.add_session(a_session(1), most=10)
    await store.add_session(a_session(2), most=10)
    before = await store.access_version()
    await store.end_session(a_session(1).digest)
    assert await store.access_version() != before
    assert await ends(store, b"digest 1", b"digest 2") == [True, False]
    await store.end_session(a_session(1).digest)


async def test_a_new_session_may_take_anothers_place(store):
    await store.add_session(a_session(1), most=10)
    await store.add_session(a_session(2), 10, a_session(1).digest)
    assert await ends(store, b"digest 1", b"digest 2") == [True, False]


async def test_the_newest_sessions_of_a_key_stay(store):
    _, key = await keep_key(store)
    own = {"key_digest": key.digest}
    await store.add_session(a_session(0, administrator=b"mark"), most=2)
    for number in range(1, 5):
        later = {"created_at": NOON + timedelta(seconds=number)}
        await store.add_session(replace(a_session(number, **own), **later), most=2)
    assert await ends(store, *(b"digest %d" % each for each in range(5))) == [False, True, True, False, False]


async def test_sessions_that_are_over_are_swept(store):
    over = [replace(a_session(each), expires_at=NOON) for each in range(3)]
    for each in over:
        await store.add_session(replace(each, created_at=NOON - WEEK), most=10)
    await store.add_session(a_session(9), most=10)
    assert await ends(store, *(each.digest for each in over), b"digest 9") == [True] * 3 + [False]


@pytest.mark.parametrize(("later", "good"), [(0, True), (599, True), (600, False)])
async def test_a_first_link_is_good_once_until_its_end(store, later, good):
    await store.add_first_link(b"link", NOON + timedelta(minutes=10))
    now = NOON + timedelta(seconds=later)
    assert [await store.spend_first_link(b"link", now) for _ in range(2)] == [good, False]


async def test_a_new_first_link_ends_the_last_one(store):
    await store.add_first_link(b"old", NOON + WEEK)
    await store.add_first_link(b"new", NOON + WEEK)
    assert [await store.spend_first_link(each, NOON) for each in (b"old", b"unknown", b"new")] == [False, False, True]
