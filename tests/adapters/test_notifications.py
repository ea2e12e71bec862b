"""Signals: waiters for work are woken."""

import asyncio
from datetime import timedelta

from stillmotion.adapters.notifications import InProcessSignal

LONG, SHORT = timedelta(seconds=10), timedelta(seconds=0.02)


async def waiter(signal: InProcessSignal, woken: list[int], times: int) -> None:
    for _ in range(times):
        await signal.wait(LONG)
        woken.append(1)


async def test_a_notification_wakes_everyone_who_waits():
    signal, woken = InProcessSignal(), []
    async with asyncio.timeout(1), asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(waiter(signal, woken, 1))
        await asyncio.sleep(0)
        signal.notify()
    assert len(woken) == 3


async def test_a_notification_between_two_waits_is_not_lost():
    signal = InProcessSignal()
    await signal.wait(SHORT)
    signal.notify()
    async with asyncio.timeout(1):
        await signal.wait(LONG)


async def test_one_notification_wakes_a_task_once():
    signal = InProcessSignal()
    signal.notify()
    await signal.wait(LONG)
    began = asyncio.get_running_loop().time()
    await signal.wait(SHORT)
    assert asyncio.get_running_loop().time() - began >= SHORT.total_seconds() * 0.9


async def test_a_withdrawal_wakes_the_worker_of_that_generation_alone():
    signal = InProcessSignal()
    with signal.watching("one") as one, signal.watching("another") as another:
        signal.withdraw("one")
        assert await one.come(LONG)
        assert not await another.come(SHORT)
        signal.notify()
        assert not await one.come(SHORT), "work wakes no worker of a generation"


async def test_a_withdrawal_between_two_waits_is_not_lost():
    signal = InProcessSignal()
    with signal.watching("one") as one:
        assert not await one.come(SHORT)
        signal.withdraw("one")
        assert await one.come(LONG)
        assert not await one.come(SHORT)
