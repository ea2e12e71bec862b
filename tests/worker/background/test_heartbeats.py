"""Heartbeats of a real host: what its lanes are at reaches the store, and an orderly end takes the process out."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from structlog.testing import capture_logs

from stillmotion.domain.errors import StoreOutgrown, StoreUnavailable
from stillmotion.domain.lifecycle import State
from stillmotion.domain.operators.processes import LaneReport, ProcessReport, ProcessRole
from stillmotion.domain.operators.queue_controls import (
    ControlScope,
    ControlState,
    ControlTarget,
    QueueControl,
    WorkerName,
)
from stillmotion.testing.memory_store import MemoryStore
from stillmotion.worker.background.heartbeats import Heartbeats
from tests.waiting import eventually_async
from tests.worker.conftest import running

HERE = WorkerName("box:17-ab12", "box")


def heartbeats(bench):
    now = bench.workshop.clock.now()
    first = ProcessReport(HERE, ProcessRole.WORKER, 17, "1.2.3", now, now, is_able=False)
    return Heartbeats(bench.host, bench.store, bench.workshop.clock, first, timedelta(milliseconds=20))


async def test_a_host_tells_what_its_lanes_are_at_until_it_ends(workshop):
    async with running(workshop) as bench:
        beating = asyncio.create_task(heartbeats(bench).run())

        async def heard(condition):
            async def look():
                reports = await bench.store.processes()
                return reports[0] if reports and condition(reports[0]) else None

            return await eventually_async(look)

        idle = await heard(lambda report: report.is_able)
        assert idle.lanes == (LaneReport("renderer 0", ""),)
        assert "fake/1" in idle.engines
        generation_id = await bench.submit("slow")
        await bench.rendering(generation_id)
        busy = await heard(lambda report: report.lanes[0].generation_id is not None)
        assert (busy.lanes[0].generation_id, busy.lanes[0].engine) == (generation_id, "fake/1")
        assert busy.lanes[0].since <= busy.seen_at
        await bench.ended(generation_id)
        assert (await heard(lambda report: report.lanes[0].generation_id is None)).lanes[0].engine == "fake/1"
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
        assert await bench.store.processes() == []


class OutgrownStore(MemoryStore):
    """A store that works with newer code alone."""

    async def beat(self, report):
        raise StoreOutgrown(f"not for {report.version}")


async def test_a_process_that_the_store_has_outgrown_ends(workshop):
    async with running(workshop) as bench:
        beating = replace(heartbeats(bench), store=OutgrownStore(bench.workshop.clock))
        await asyncio.wait_for(beating.run(), 10)
        assert bench.host.dismissed.is_set()


class FillingStore(MemoryStore):
    """A store whose disk is full for a while."""

    full = False
    refused = 0

    async def beat(self, report):
        if self.full:
            self.refused += 1
            raise StoreUnavailable("the disk is full")
        await super().beat(report)


async def test_a_database_that_was_away_is_told_of_once_when_it_is_back(workshop):
    async with running(workshop) as bench:
        store = FillingStore(bench.workshop.clock)
        store.full = True
        with capture_logs() as events:
            beating = asyncio.create_task(replace(heartbeats(bench), store=store).run())
            await eventually_async(lambda: asyncio.sleep(0, store.refused > 2))
            store.full = False
            await eventually_async(store.processes)
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
        away, back = (each for each in events if each["event"].startswith("database_"))
        assert (away["event"], away["log_level"], away["why"]) == ("database_away", "warning", "the disk is full")
        assert (back["event"], back["log_level"]) == ("database_back", "info")
        assert 0 <= back["away_seconds"] < 10


async def test_a_paused_host_finishes_and_begins_nothing_until_it_is_resumed(workshop):
    async with running(workshop) as bench:
        everything = ControlTarget(ControlScope.ALL)
        first = await bench.submit("slow")
        await bench.rendering(first)
        await bench.store.put_control(QueueControl(everything, ControlState.PAUSED, bench.workshop.clock.now(), "ada"))
        second = await bench.submit("a walk")
        assert (await bench.ended(first)).state is State.COMPLETED
        assert await bench.workshop.work.claim() is None
        assert (await bench.find(second)).state is State.QUEUED
        await bench.store.remove_control(everything)
        bench.workshop.signal.notify()
        assert (await bench.ended(second)).state is State.COMPLETED
