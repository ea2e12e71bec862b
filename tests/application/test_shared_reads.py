"""Limits of reads over several servers: after a second each knows of the others' reads."""

import pytest

from stillmotion.application.access import ReadLimits
from stillmotion.domain.errors import RateLimitExceeded
from stillmotion.testing.memory_store import MemoryStore
from tests.builders import ManualClock, a_product, a_subscription

OWNER = a_subscription(a_product(reads_per_minute=100))


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def store(clock):
    return MemoryStore(clock)


def read(limits, clock, times):
    """The number of reads that were allowed."""
    allowed = 0
    for _ in range(times):
        try:
            limits.spend(OWNER, clock.monotonic())
        except RateLimitExceeded:
            continue
        allowed += 1
    return allowed


async def test_three_servers_allow_little_more_than_one(store, clock):
    """Each may be ahead by what the others read within a second."""
    servers, allowed = [ReadLimits() for _ in range(3)], 0
    for _ in range(59):
        for each in servers:
            allowed += read(each, clock, 2)
        for each in servers:
            await each.share(store, clock)
        clock.advance(seconds=1)
    assert 100 <= allowed <= 106
    clock.advance(seconds=1)
    assert read(servers[0], clock, 150) == 100, "the next minute"


async def test_the_window_is_the_same_for_all(store, clock):
    first, second = ReadLimits(), ReadLimits()
    read(first, clock, 30)
    await first.share(store, clock)
    clock.advance(seconds=20)
    read(second, clock, 10)
    await second.share(store, clock)
    allowance = second.spend(OWNER, clock.monotonic())
    assert (allowance.remaining, allowance.seconds_left) == (59, 40)


class ReadsMeanwhile:
    """A store that answers late: reads go on meanwhile, perhaps into the next minute."""

    def __init__(self, store, clock, limits, seconds):
        self.store, self.clock, self.limits, self.seconds = store, clock, limits, seconds

    async def add_reads(self, *asked):
        found = await self.store.add_reads(*asked)
        self.clock.advance(seconds=self.seconds)
        read(self.limits, self.clock, 5)
        return found


@pytest.mark.parametrize("seconds", [0, 60])
async def test_reads_while_the_store_is_asked_are_told_the_next_time(store, clock, seconds):
    limits, other = ReadLimits(), ReadLimits()
    read(limits, clock, 10)
    await limits.share(ReadsMeanwhile(store, clock, limits, seconds), clock)
    await limits.share(store, clock)
    read(other, clock, 1)
    await other.share(store, clock)
    assert other.spend(OWNER, clock.monotonic()).remaining == 100 - (2 if seconds else 12) - 5
