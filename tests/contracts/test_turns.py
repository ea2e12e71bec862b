"""`GenerationStore.claim_next`: subscriptions take turns, however much one of them has queued."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import count
from statistics import median

import apsw
import pytest

from stillmotion.adapters.store.sql.generation_rows import from_generation
from stillmotion.adapters.store.sql.queries.generations import INSERT_GENERATION
from stillmotion.adapters.store.sqlite import open_store
from stillmotion.application.ports.store import Submission
from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.subscriptions import Usage
from tests.builders import NOON, a_generation, some_assets
from tests.contracts.conftest import keep_subscription

UNTIL = NOON + timedelta(seconds=15)


def claim(generation):
    return generation.claimed(UNTIL)


MICROSECONDS = count()
"""Within one microsecond the order is that of the rows' places, which is not the order of ids."""


async def submit(store, subscription, **parts):
    parts = {"created_at": NOON + timedelta(microseconds=next(MICROSECONDS))} | parts
    return (await store.submit(Submission(a_generation(subscription, **parts), subscription.product))).generation


async def owners(store, count):
    """The owners of the claimed generations, in order."""
    return [(await store.claim_next(claim)).subscription_id for _ in range(count)]


@pytest.fixture
async def greedy(store):
    return await keep_subscription(store, name="greedy", concurrent_generations=100_000, submits_per_minute=100_000)


@pytest.fixture
async def modest(store):
    return await keep_subscription(store, name="modest")


async def test_a_long_queue_delays_nobody_elses_first_by_more_than_a_slot(store, greedy, modest):
    for _ in range(200):
        await submit(store, greedy)
    await owners(store, 7)
    await submit(store, modest, created_at=NOON + timedelta(seconds=9))
    assert modest.id in await owners(store, 2)


async def test_those_who_wait_take_turns(store, greedy, modest):
    for _ in range(5):
        await submit(store, greedy)
    for _ in range(3):
        await submit(store, modest)
    assert await owners(store, 8) == [greedy.id, modest.id] * 3 + [greedy.id] * 2


async def test_turns_are_measured_in_seconds_of_video(store, greedy, modest):
    for _ in range(4):
        await submit(store, greedy, seconds=10)
    for _ in range(10):
        await submit(store, modest, seconds=2.5)
    assert (await owners(store, 10)).count(greedy.id) == 2


async def test_of_one_subscription_the_oldest_is_claimed_first(store, greedy, modest):
    late = await submit(store, greedy, created_at=NOON + timedelta(seconds=2))
    early = await submit(store, greedy, created_at=NOON + timedelta(seconds=1))
    await submit(store, modest)
    claimed = [(await store.claim_next(claim)).id for _ in range(3)]
    assert [each for each in claimed if each in (early.id, late.id)] == [early.id, late.id]


async def test_what_is_handed_back_keeps_its_place(store, greedy, modest):
    first = await submit(store, greedy)
    for _ in range(3):
        await submit(store, greedy)
        await submit(store, modest)
    lease = (await store.claim_next(claim)).lease
    assert lease.generation_id == first.id
    await store.change(first.id, lambda each: each.released(lease))
    assert (await store.claim_next(claim)).id == first.id
    assert (await store.claim_next(claim)).subscription_id == modest.id


async def test_what_failed_once_is_tried_again_after_all_who_wait(store, greedy, modest):
    failing = await submit(store, greedy)
    others = [await keep_subscription(store, name=f"other {number}") for number in range(3)]
    lease = (await store.claim_next(claim)).lease
    for each in (modest, *others):
        await submit(store, each)
    passing = GenerationFailed("engine", "Once more.", permanent=False)
    await store.change(failing.id, lambda each: each.attempt_failed(lease, passing, NOON))
    assert set(await owners(store, 4)) == {modest.id, *(each.id for each in others)}
    assert (await store.claim_next(claim)).id == failing.id


async def test_attempts_that_fail_cost_as_many_turns_as_clips_that_are_made(store, greedy, modest):
    for _ in range(20):
        await submit(store, greedy)
        await submit(store, modest)
    passing = GenerationFailed("engine", "Once more.", permanent=False)
    claimed = Counter()
    for _ in range(10):
        generation = await store.claim_next(claim)
        claimed[generation.subscription_id] += 1
        if generation.subscription_id == greedy.id:
            lease = generation.lease
            await store.change(generation.id, lambda each, of=lease: each.attempt_failed(of, passing, NOON))
    assert claimed == {greedy.id: 5, modest.id: 5}


async def test_a_subscription_that_is_passed_over_does_not_keep_others_waiting(store, greedy, modest):
    await submit(store, greedy)
    second = await submit(store, modest)
    assert (await store.claim_next(claim, passed_over=[greedy.id])).id == second.id
    assert await store.claim_next(claim, passed_over=[greedy.id]) is None
    assert (await store.claim_next(claim)).subscription_id == greedy.id


async def test_what_was_cancelled_costs_no_turn(store, greedy, modest):
    queued = [await submit(store, greedy) for _ in range(50)]
    for each in queued:
        await store.change(each.id, lambda generation: generation.cancelled(NOON))
    for _ in range(5):
        await submit(store, modest)
    await owners(store, 2)
    await submit(store, greedy)
    assert greedy.id in await owners(store, 2)


async def test_usage_tells_what_waits_and_what_is_under_way(store, modest):
    first, second, third = [await submit(store, modest, seconds=2.5) for _ in range(3)]
    assert await store.usage(modest.id, "2026-11") == Usage(7.5, 3, 3)
    lease = (await store.claim_next(claim)).lease
    assert await store.usage(modest.id, "2026-11") == Usage(7.5, 3, 2)
    await store.change(first.id, lambda each: each.released(lease))
    await store.change(second.id, lambda each: each.cancelled(NOON))
    assert await store.usage(modest.id, "2026-11") == Usage(5.0, 2, 2)
    lease = (await store.change(third.id, claim)).lease
    await store.change(third.id, lambda each: each.completed(lease, some_assets(), "", NOON))
    assert await store.usage(modest.id, "2026-11") == Usage(5.0, 1, 1)
    assert await store.usage(modest.id, "2026-10") == Usage(0.0, 1, 1)


async def test_turns_survive_a_restart(database, clock):
    store = open_store(database, clock)
    greedy, modest = [await keep_subscription(store, name=name) for name in ("greedy", "modest")]
    for _ in range(4):
        await submit(store, greedy)
    await owners(store, 2)
    await submit(store, modest)
    store.close()
    again = open_store(database, clock)
    assert modest.id in await owners(again, 2)
    again.close()


async def test_ten_thousand_queued_delay_nobody_elses_first_by_more_than_a_slot(sqlite, database):
    greedy = await keep_subscription(sqlite, name="greedy", submits_per_minute=100_000, concurrent_generations=100_000)
    modest = await keep_subscription(sqlite, name="modest")
    await submit(sqlite, greedy)
    _queue_directly(database, greedy, 10_000)
    await owners(sqlite, 3)
    await submit(sqlite, modest)
    assert modest.id in await owners(sqlite, 2)


@pytest.mark.parametrize("queued", [10_000, pytest.param(100_000, marks=pytest.mark.slow)])
async def test_a_claim_takes_as_long_with_so_many_queued(sqlite, database, queued):
    crowd = [await keep_subscription(sqlite, name=f"one of many {number}") for number in range(20)]
    for each in crowd:
        await submit(sqlite, each)
    few = await _claim_steps(sqlite)
    for each in crowd:
        await submit(sqlite, each)
    _queue_directly(database, crowd[0], queued)
    assert (await sqlite.counts())["queued"] > queued
    many = await _claim_steps(sqlite)
    assert few > 100
    assert many < 2 * few < queued, "a look at each would be seen"


async def _claim_steps(store):
    """Steps of SQLite's virtual machine for a claim. Unlike seconds, they do not depend on the load."""
    statements, taken = [], []
    trace = statements.append
    await store.writer.run(lambda connection: connection.trace_v2(apsw.SQLITE_TRACE_PROFILE, trace))
    for _ in range(15):
        statements.clear()
        assert await store.claim_next(claim) is not None
        taken.append(sum(each["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"] for each in statements))
    await store.writer.run(lambda connection: connection.trace_v2(0))
    return median(taken)


def _queue_directly(database, subscription, count):
    """Insert rows directly, equal to those of so many submits, without waiting for the disk."""
    template = a_generation(subscription)
    connection = apsw.Connection(str(database))
    try:
        rows = (from_generation(replace(template, id=f"{template.id}-{number}")) for number in range(count))
        with connection:
            connection.executemany(INSERT_GENERATION, rows)
            more = "UPDATE limits SET queued = queued + ?, unfinished = unfinished + ? WHERE subscription_id = ?"
            connection.execute(more, (count, count, subscription.id))
    finally:
        connection.close()
