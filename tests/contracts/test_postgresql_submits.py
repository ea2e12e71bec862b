"""Submits, reads and renewals that share a transaction or a statement on PostgreSQL."""

import asyncio
from datetime import timedelta

import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

import psycopg

from stillmotion.adapters.store import postgresql
from stillmotion.adapters.store.sql.generation_rows import microseconds
from stillmotion.application.ports.store import Fingerprint, IdempotencyKey, Submission
from stillmotion.domain.errors import LeaseLost
from tests.builders import NOON, a_generation, a_subscription
from tests.contracts.conftest import keep_subscription
from tests.waiting import eventually, eventually_async

UNTIL = NOON + timedelta(seconds=15)


@pytest.fixture
def store(url):
    opened = postgresql.open_store(url)
    yield opened
    opened.close()


def submission(subscription, fingerprint=None, key=None, **parts):
    return Submission(a_generation(subscription, **parts), subscription.product, key, fingerprint)


async def test_submits_that_come_together_share_transactions(store, beside):
    subscription = await keep_subscription(store)
    given = [submission(subscription) for _ in range(40)]
    accepted = await asyncio.gather(*(store.submit(each) for each in given))
    assert [each.generation for each in accepted] == [each.generation for each in given]
    (transactions,) = beside.execute("SELECT count(DISTINCT xmin::text) FROM generations").fetchone()
    assert transactions < 20


async def test_a_submit_that_the_database_refuses_spoils_no_other(store):
    known = await keep_subscription(store)
    given = [submission(known), submission(a_subscription(known.product)), submission(known)]
    answers = await asyncio.gather(*(store.submit(each) for each in given), return_exceptions=True)
    assert [type(each).__name__ for each in answers] == ["Accepted", "ForeignKeyViolation", "Accepted"]
    assert (await store.usage(known.id, "2026-11")).unfinished == 2


async def test_one_key_twice_in_a_transaction_makes_one_generation(store):
    subscription = await keep_subscription(store)
    same = [submission(subscription, key=IdempotencyKey("order", b"digest")) for _ in range(20)]
    answers = await asyncio.gather(*(store.submit(each) for each in same))
    assert len({each.generation.id for each in answers}) == 1
    assert [each.replayed for each in answers].count(False) == 1


async def test_what_is_past_is_swept_away(store, beside):
    subscription = await keep_subscription(store)
    later = NOON + timedelta(days=3)
    for at in (NOON, later):
        for number in range(10):
            await store.submit(submission(subscription, Fingerprint(b"%d" % number), created_at=at))
            await store.submit(submission(subscription, key=IdempotencyKey(f"{number} {at}", b""), created_at=at))
    for table in ("recent_submits", "idempotency_keys"):
        kept = beside.execute(f"SELECT DISTINCT created_at FROM {table}").fetchall()
        assert kept == [(microseconds(later),)], table


async def test_renewals_that_come_together_are_each_answered(store):
    subscription = await keep_subscription(store)
    given = [submission(subscription) for _ in range(10)]
    await asyncio.gather(*(store.submit(each) for each in given))
    ids = [each.generation.id for each in given]
    leases = [(await store.change(each, lambda it: it.claimed(UNTIL, NOON))).lease for each in ids]
    await store.change(ids[3], lambda each: each.released(each.lease))
    later = UNTIL + timedelta(seconds=1)
    answers = await asyncio.gather(*(store.renew(each, later, 0.5) for each in leases), return_exceptions=True)
    assert [place for place, each in enumerate(answers) if isinstance(each, LeaseLost)] == [3]
    assert sorted(await store.leased(later)) == sorted({*ids} - {ids[3]})
    assert await store.leased(UNTIL) == []


async def test_the_watch_over_previews_holds_no_lease_while_it_waits_for_another(store, url, beside):
    subscription = await keep_subscription(store)
    given = [submission(subscription) for _ in range(3)]
    for each in given:
        await store.submit(each)
        await store.change(each.generation.id, lambda it: it.claimed(UNTIL, NOON))
    first, _, last = (each.generation.id for each in given)
    hold = "SELECT 1 FROM leases WHERE generation_id = %s FOR UPDATE NOWAIT"
    with psycopg.connect(url) as renewing:
        renewing.execute(hold, (last,))
        watching = asyncio.create_task(store.watch_previews([each.generation.id for each in given], UNTIL))
        waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        await eventually_async(lambda: beside.execute(waits).fetchall())
        renewing.execute(hold, (first,))  # Where it is held, the two wait in a circle.
    await watching
    assert beside.execute("SELECT count(*) FROM leases WHERE watched_until IS NOT NULL").fetchone() == (3,)


async def test_a_renewal_rewrites_a_narrow_row_and_no_index(store, beside):
    subscription = await keep_subscription(store)
    given = submission(subscription)
    await store.submit(given)
    lease = (await store.change(given.generation.id, lambda each: each.claimed(UNTIL, NOON))).lease
    before = beside.execute("SELECT xmin::text FROM generations").fetchone()
    for second in range(10):
        await store.renew(lease, UNTIL + timedelta(seconds=second), second / 10)
    assert beside.execute("SELECT xmin::text FROM generations").fetchone() == before
    store.close()  # A session that ends tells its counts, at the server's leisure.

    def counted():
        updates, narrow = beside.execute(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'leases'"
        ).fetchone()
        return (updates, narrow) if updates >= 10 else None

    updates, narrow = eventually(counted)
    assert updates == narrow
