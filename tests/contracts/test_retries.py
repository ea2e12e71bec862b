"""`GenerationStore.submit`: a retry without an idempotency key gets the generation of its first attempt."""

import asyncio
from datetime import timedelta

import pytest

from stillmotion.adapters.store.sqlite import open_store
from stillmotion.application.ports.store import Fingerprint, IdempotencyKey, Submission
from stillmotion.domain.quotas import RETRIED_WITHIN
from tests.builders import NOON, a_generation
from tests.contracts.conftest import keep_subscription

FIRST, RETRY = Fingerprint(b"body"), Fingerprint(b"body", is_retry=True)
SOON = NOON + timedelta(seconds=1)


async def submit(store, subscription, fingerprint, idempotency=None, **parts):
    generation = a_generation(subscription, **parts)
    return await store.submit(Submission(generation, subscription.product, idempotency, fingerprint))


@pytest.mark.parametrize("after", [timedelta(0), timedelta(seconds=59), RETRIED_WITHIN - timedelta(microseconds=1)])
async def test_a_retry_gives_the_first_generation_again(store, subscription, after):
    first = await submit(store, subscription, FIRST)
    retried = await submit(store, subscription, RETRY, created_at=NOON + after)
    assert (retried.replayed, retried.generation) == (True, first.generation)
    assert (await store.counts())["queued"] == 1


async def test_after_two_minutes_it_is_a_submit_like_any_other(store, subscription):
    await submit(store, subscription, FIRST)
    assert not (await submit(store, subscription, RETRY, created_at=NOON + RETRIED_WITHIN)).replayed


async def test_a_retry_of_what_never_arrived_is_accepted(store, subscription):
    first = await submit(store, subscription, RETRY)
    assert not first.replayed
    again = await submit(store, subscription, RETRY, created_at=SOON)
    assert again.generation == first.generation


async def test_the_same_body_twice_without_a_retry_makes_two(store, subscription):
    first = await submit(store, subscription, FIRST)
    second = await submit(store, subscription, FIRST, created_at=SOON)
    assert not second.replayed
    retried = await submit(store, subscription, RETRY, created_at=SOON)
    assert retried.generation.id == second.generation.id != first.generation.id


async def test_another_body_or_anothers_submit_is_no_first_attempt(store, subscription):
    other = await keep_subscription(store, name="other")
    await submit(store, subscription, FIRST)
    assert not (await submit(store, subscription, Fingerprint(b"another", is_retry=True))).replayed
    assert not (await submit(store, other, RETRY)).replayed


async def test_a_submit_with_a_name_is_told_by_its_name_alone(store, subscription):
    await submit(store, subscription, FIRST)
    named = await submit(store, subscription, RETRY, IdempotencyKey("order-66", b"body"))
    assert not named.replayed


async def test_a_retry_passes_every_limit_and_spends_nothing(store):
    subscription = await keep_subscription(
        store, submits_per_minute=1, concurrent_generations=1, video_seconds_per_month=5
    )
    await submit(store, subscription, FIRST)
    retried = await submit(store, subscription, RETRY, created_at=SOON)
    assert (retried.replayed, retried.window.spent) == (True, 1)
    assert (await store.usage(subscription.id, "2026-11")).video_seconds == 5.0


async def test_many_retries_at_once_make_one_generation(store, subscription):
    results = await asyncio.gather(*(submit(store, subscription, RETRY) for _ in range(20)))
    assert len({each.generation.id for each in results}) == 1


async def test_a_retry_finds_its_first_attempt_after_a_restart(database, clock):
    store = open_store(database, clock)
    subscription = await keep_subscription(store)
    first = await submit(store, subscription, FIRST)
    store.close()
    again = open_store(database, clock)
    assert (await submit(again, subscription, RETRY, created_at=SOON)).generation == first.generation
    again.close()


async def test_what_is_past_is_swept_away(sqlite):
    subscription = await keep_subscription(sqlite)
    for number in range(40):
        await submit(sqlite, subscription, Fingerprint(b"old %d" % number))
    later = NOON + timedelta(minutes=10)
    for number in range(40):
        await submit(sqlite, subscription, Fingerprint(b"new %d" % number), created_at=later)
    kept = await sqlite.writer.run(lambda connection: connection.execute("SELECT count(*) FROM recent_submits").get)
    assert kept == 40
