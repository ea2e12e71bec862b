"""`UsageLedger`: the contract of every store."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from stillmotion.adapters.store.sqlite import open_store
from stillmotion.adapters.store.sqlite.schema import migrations, open_database
from stillmotion.application.ports.store import IdempotencyKey, Submission
from stillmotion.domain.errors import GenerationFailed, QuotaSpent
from stillmotion.domain.record.usage import UsageEntry, grouped, total_of
from tests.builders import NOON, a_generation, some_assets
from tests.contracts.conftest import keep_subscription

TODAY = NOON.date()
UNTIL = NOON + timedelta(seconds=15)
PRICE = Decimal("0.1")


async def submit(store, subscription, idempotency=None, **parts):
    request = {"seconds": 5.0, "model": "ray-2"} | {n: parts.pop(n) for n in ("seconds", "model") if n in parts}
    made = a_generation(subscription, **request)
    given = {"cost": PRICE * Decimal(made.request.seconds), "key": "sm_first1"} | parts
    return (await store.submit(Submission(replace(made, **given), subscription.product, idempotency))).generation


async def finish(store, generation, ending):
    lease = (await store.change(generation.id, lambda each: each.claimed(UNTIL))).lease
    await store.change(generation.id, lambda each: ending(each, lease))


def completed(each, lease):
    return each.completed(lease, some_assets(), "", NOON)


def failed(each, lease):
    return each.attempt_failed(lease, GenerationFailed("a", "b"), NOON)


async def used(store, subscription):
    return await store.usage_days(TODAY, TODAY, subscription.id)


async def test_a_submit_counts_and_its_end_counts_once(store, subscription):
    for ending, counts in [
        (completed, {"completed": 1}),
        (failed, {"failed": 1, "video_seconds": 0.0, "cost": Decimal(0)}),
    ]:
        other = await keep_subscription(store, name=str(ending))
        generation = await submit(store, other)
        entry = UsageEntry(other.id, TODAY, "ray-2", "sm_first1", 1, 0, 0, 5.0, Decimal("0.5"))
        assert await used(store, other) == [entry]
        await finish(store, generation, ending)
        assert await used(store, other) == [replace(entry, **counts)]


async def test_a_cancelled_one_is_neither_completed_nor_failed(store, subscription):
    generation = await submit(store, subscription)
    await store.change(generation.id, lambda each: each.cancelled(NOON))
    assert await used(store, subscription) == [UsageEntry(subscription.id, TODAY, "ray-2", "sm_first1", 1)]


async def test_it_outlives_a_deletion(store, subscription):
    finished, waiting = [await submit(store, subscription) for _ in range(2)]
    await finish(store, finished, completed)
    for each in (finished, waiting):
        await store.delete(each.id)
    (entry,) = await used(store, subscription)
    assert (entry.generations, entry.completed, entry.video_seconds, entry.cost) == (2, 1, 5.0, Decimal("0.5"))


async def test_a_repeated_submit_and_a_refused_one_count_nothing(store):
    subscription = await keep_subscription(store, video_seconds_per_month=8)
    name = IdempotencyKey("name", b"digest")
    for _ in range(3):
        await submit(store, subscription, name)
    with pytest.raises(QuotaSpent):
        await submit(store, subscription)
    (entry,) = await used(store, subscription)
    assert entry.generations == 1


async def test_it_is_told_by_day_model_and_key_and_owner(store, subscription):
    other = await keep_subscription(store, name="another")
    yesterday = {"created_at": NOON - timedelta(days=1)}
    await submit(store, subscription, **yesterday)
    await submit(store, subscription, key="sm_second")
    await submit(store, subscription, model="sora-2", seconds=4.0)
    await submit(store, other)
    own = await store.usage_days(TODAY - timedelta(days=1), TODAY, subscription.id)
    assert {(each.day, each.model, each.key, each.video_seconds) for each in own} == {
        (TODAY - timedelta(days=1), "ray-2", "sm_first1", 5.0),
        (TODAY, "ray-2", "sm_second", 5.0),
        (TODAY, "sora-2", "sm_first1", 4.0),
    }
    assert len(await store.usage_days(TODAY, TODAY)) == 3
    assert await store.usage_days(TODAY + timedelta(days=1), TODAY + timedelta(days=9)) == []


def test_entries_are_summed_by_what_is_asked_for():
    entries = [
        UsageEntry("s", date(2026, 11, day), model, key, 1, 1, 0, 2.0, Decimal("0.1"))
        for day in (2, 1)
        for model in ("b", "a")
        for key in ("x", "y")
    ]
    by_day = grouped(entries, {"day"})
    assert [(each.day.day, each.generations, each.model) for each in by_day] == [(1, 4, ""), (2, 4, "")]
    assert [(each.model, each.key, each.cost) for each in grouped(entries, {"model", "key"})] == [
        (model, key, Decimal("0.2")) for model in "ab" for key in "xy"
    ]
    assert total_of(entries).video_seconds == 16.0
    assert grouped([], {"day"}) == []


async def test_what_was_made_before_there_was_a_ledger_is_in_it(database, clock):
    store = open_store(database, clock)
    subscription = await keep_subscription(store)
    for ending in (completed, failed):
        await finish(store, await submit(store, subscription, key=""), ending)
    expected = await used(store, subscription)
    store.close()
    connection = open_database(database, migrations())
    connection.execute("DROP TABLE usage_days")
    ledger = next(each.sql for each in migrations() if each.version == 24)
    connection.execute(ledger.replace("ALTER TABLE generations ADD COLUMN key TEXT NOT NULL DEFAULT '';", ""))
    connection.close()
    again = open_store(database, clock)
    assert await used(again, subscription) == expected
    assert [(each.generations, each.video_seconds) for each in expected] == [(2, 5.0)]
    again.close()
