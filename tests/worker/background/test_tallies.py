"""Counts of a process, and their way into the store."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from stillmotion.application.metrics import ATTEMPTS, QUEUE_WAIT, VIDEO_SECONDS, Tally
from stillmotion.application.ports.metrics import Buckets, Sample
from stillmotion.domain.errors import StoreUnavailable
from stillmotion.domain.lifecycle import State
from stillmotion.testing.memory_store import MemoryStore
from stillmotion.worker.background.tallies import TallyKeeper
from tests.builders import ManualClock, a_generation, a_product, a_subscription
from tests.waiting import eventually_async


class AwayStore(MemoryStore):
    """A store that cannot be written to for some time."""

    away = True

    async def add_samples(self, samples):
        if self.away:
            raise StoreUnavailable("the disk is full")
        await super().add_samples(samples)


@pytest.fixture
def tally():
    return Tally()


async def test_what_is_counted_is_in_the_store_soon(tally):
    store = MemoryStore(ManualClock())
    keeping = asyncio.create_task(TallyKeeper(tally, store, store, every=timedelta(seconds=0.01)).run())
    tally.count(ATTEMPTS, "completed")
    await eventually_async(store.samples)
    tally.count(ATTEMPTS, "completed", by=2)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert list(await store.samples()) == [Sample("stillmotion_attempts_total", ("completed",), 3)]


async def test_counts_wait_for_a_store_that_is_away(tally):
    store = AwayStore(ManualClock())
    keeper = TallyKeeper(tally, store, store)
    tally.count(ATTEMPTS, "lost")
    await keeper.add()
    tally.count(ATTEMPTS, "lost")
    store.away = False
    await keeper.add()
    assert list(await store.samples()) == [Sample("stillmotion_attempts_total", ("lost",), 2)]


async def test_the_length_of_clips_is_counted_by_product(tally):
    store, product = MemoryStore(ManualClock()), a_product(name="gold")
    owner = a_subscription(product)
    await store.add_product(product)
    await store.add_subscription(owner, [])
    for state in (State.COMPLETED, State.FAILED, State.COMPLETED):
        tally.ended(replace(a_generation(owner, seconds=5.0), state=state))
    await TallyKeeper(tally, store, store).add()
    found = {each.labels: each.value for each in await store.samples() if each.name.startswith(VIDEO_SECONDS.name)}
    assert found == {("gold",): 10.0}


def test_an_observation_lies_in_one_bucket(tally):
    for seconds in (0.1, 0.2, 10_000):
        tally.observe(QUEUE_WAIT, seconds, "parallax/1", "ray-2")
    name = "stillmotion_queue_wait_seconds"
    assert sorted(tally.take()) == [
        Sample(f"{name}_bucket", ("parallax/1", "ray-2", "+Inf"), 1),
        Sample(f"{name}_bucket", ("parallax/1", "ray-2", "0.1"), 1),
        Sample(f"{name}_bucket", ("parallax/1", "ray-2", "0.5"), 1),
        Sample(f"{name}_sum", ("parallax/1", "ray-2"), pytest.approx(10_000.3)),
    ]
    assert tally.take() == []


def test_a_histogram_counts_each_bucket_with_all_faster_ones():
    counts = Buckets((0.001, 0.005))
    for seconds in (0.0001, 0.001, 0.002, 9.0):
        counts.observe(seconds)
    assert counts.cumulative() == [("0.001", 2), ("0.005", 3), ("+Inf", 4)]
    assert counts.sum == pytest.approx(9.0031)
