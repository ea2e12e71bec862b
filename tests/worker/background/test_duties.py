"""Duties of processes over one store: one does the work, another goes on when that one dies, freezes or ends."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from stillmotion.adapters.callbacks import sign
from stillmotion.application.callbacks.delivery import Callbacks
from stillmotion.domain.operators.duties import DUTY_MARGIN, DUTY_TIME, Duty
from stillmotion.testing.memory_store import MemoryStore
from stillmotion.worker.background.callbacks import Deliverer
from stillmotion.worker.background.duties import DutyKeeper
from tests.builders import ManualClock
from tests.waiting import eventually_async, stays_async
from tests.worker.background.test_callbacks import DIALECTS, Elsewhere, Office, at_work

OFTEN, A_WHILE = timedelta(milliseconds=10), 0.05
MARGIN, TIME = DUTY_MARGIN.total_seconds(), DUTY_TIME.total_seconds()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def store(clock):
    return MemoryStore(clock)


@asynccontextmanager
async def on_duty(store, clock, name, **more):
    """A process with a keeper, up to its orderly end."""
    keeper = DutyKeeper(store, clock, name, every=OFTEN, **more)
    task = asyncio.create_task(keeper.run())
    try:
        yield keeper
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def holds_all(keeper):
    return lambda: all(map(keeper.has, Duty))


async def test_one_process_holds_all_duties_at_once_and_hands_them_over_at_its_end(store, clock):
    async with on_duty(store, clock, "first") as first:
        await asyncio.wait_for(first.turn(Duty.REAPER), 20)
        assert holds_all(first)()
        async with on_duty(store, clock, "second") as second:
            await stays_async(lambda: not any(map(second.has, Duty)), A_WHILE)
            clock.advance(seconds=TIME - MARGIN)
            await eventually_async(holds_all(first))
    async with on_duty(store, clock, "third") as third:
        await asyncio.wait_for(third.turn(Duty.CALLBACKS), 20)
        assert holds_all(third)(), "freed at the end: nobody waits for the time to pass"


async def test_a_dead_process_is_followed_once_its_time_has_passed(store, clock):
    dead = DutyKeeper(store, clock, "dead")
    await dead.take_over()
    async with on_duty(store, clock, "next") as keeper:
        waiting = asyncio.create_task(keeper.turn(Duty.SWEEPS))
        clock.advance(seconds=TIME - MARGIN / 2)
        await stays_async(lambda: not waiting.done(), A_WHILE)
        assert not dead.has(Duty.SWEEPS), "the last holder stops before the next begins"
        clock.advance(seconds=MARGIN / 2)
        await asyncio.wait_for(waiting, 20)
        assert holds_all(keeper)()


async def test_a_server_that_is_alone_takes_all_duties_from_a_killed_one_at_once(store, clock):
    await DutyKeeper(store, clock, "killed").take_over()
    successor = DutyKeeper(store, clock, "successor")
    await successor.take_over()
    assert holds_all(successor)()


async def test_a_worker_holds_a_duty_only_while_no_server_lives(store, clock):
    served = asyncio.Event()
    served.set()

    async def is_unserved():
        return not served.is_set()

    async with on_duty(store, clock, "worker", duties=[Duty.REAPER], may_hold=is_unserved) as keeper:
        await stays_async(lambda: not keeper.has(Duty.REAPER), A_WHILE)
        served.clear()
        await asyncio.wait_for(keeper.turn(Duty.REAPER), 20)
        assert not keeper.has(Duty.CALLBACKS)
        served.set()
        await eventually_async(lambda: not keeper.has(Duty.REAPER))
        await DutyKeeper(store, clock, "server").take_over()


class FreezesWhileReading:
    """A store whose process is stopped, beyond its duties' time, while it reads a delivery."""

    def __init__(self, store, clock):
        self.store, self.clock = store, clock

    def __getattr__(self, name):
        return getattr(self.store, name)

    async def find_due(self, delivery_id):
        found = await self.store.find_due(delivery_id)
        self.clock.advance(seconds=TIME)
        return found


async def test_a_deliverer_that_was_frozen_beyond_its_duty_posts_nothing_more(database):
    sender = Elsewhere()
    async with at_work(database, sender) as office:
        await office.tried(await office.announce("https://at.work/hook"))
    office = Office(database, sender)
    keeper = DutyKeeper(office.store, office.clock, "frozen")
    callbacks = Callbacks(FreezesWhileReading(office.store, office.clock), sender, sign, office.clock, lambda: 0.5)
    await keeper.take_over()
    deliverer = Deliverer(callbacks, DIALECTS, office.signal, keeper)
    delivery = await office.announce("https://late.example/hook")
    delivering = asyncio.create_task(deliverer.run())
    await eventually_async(lambda: not keeper.has(Duty.CALLBACKS))
    office.signal.notify()
    await stays_async(lambda: "late.example" not in sender.heard, A_WHILE)
    delivering.cancel()
    await asyncio.gather(delivering, return_exceptions=True)
    assert sender.heard == ["at.work"]
    assert await office.store.attempts(delivery) == []
    office.store.close()
