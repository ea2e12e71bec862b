"""Pulls in the background: progress is kept, a cancel stops one, the end of the process interrupts it."""

import asyncio
import threading

import pytest

from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.notifications import InProcessSignal
from stillmotion.application.models.supervision import ModelReadings, ModelSupervision
from stillmotion.application.ports.models import WeightsFound
from stillmotion.domain.catalogue import Ability, Catalogue, EngineKind, Entry
from stillmotion.domain.errors import EngineUnfit, InvalidRequest, ModelNotFound
from stillmotion.domain.models.pulls import PullState
from stillmotion.testing.memory_store import MemoryStore
from stillmotion.worker.background.pulls import PullTasks
from tests.waiting import eventually_async

SMALL = Entry("small", EngineKind.DIFFUSERS, frozenset({Ability.FIRST}), hub="studio/small")
BARRED = Entry("barred", EngineKind.DIFFUSERS, frozenset({Ability.FIRST}))
PARALLAX = Entry("parallax", EngineKind.PARALLAX, frozenset({Ability.FIRST}))


class Source:
    """Weights of 1,000 bytes. They come as far as a test lets them."""

    def __init__(self) -> None:
        self.upto, self.there, self.error, self.ended = 0, 100, None, threading.Event()

    def bring(self, entry, moved) -> None:
        del entry
        moved(self.there, 1000)
        try:
            while self.there < 1000:
                if self.error is not None:
                    raise self.error
                self.there = min(max(self.there, self.upto), 1000)
                moved(self.there, 1000)
                self.ended.wait(0.005)
        finally:
            self.ended.set()


class Office:
    def __init__(self) -> None:
        clock = SystemClock()
        self.store, self.source = MemoryStore(clock), Source()
        self.tasks = PullTasks(self.store, clock, self.source.bring)
        catalogue = Catalogue({each.name: each for each in (SMALL, BARRED, PARALLAX)}, {"ray-2": ("small",)})
        readings = ModelReadings(self.store, catalogue, clock)
        self.models = ModelSupervision(readings, InProcessSignal(), self.found, self.tasks.start)
        self.running = asyncio.create_task(self.tasks.run())

    async def found(self, entry: Entry) -> WeightsFound:
        return WeightsFound(pullable=True) if entry.hub else WeightsFound(barred="has no `hub` to pull from")

    async def until(self, state: PullState, there: int = 0):
        async def look():
            pull = await self.models.pull_of("small")
            return pull if pull.state is state and pull.there >= there else None

        return await eventually_async(look)

    async def end(self) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)


@pytest.fixture
async def office():
    opened = Office()
    yield opened
    await opened.end()


async def test_progress_is_told_until_it_is_done(office):
    assert (await office.models.pull_of("small")).state is PullState.NONE
    assert (await office.models.pull("small")).state is PullState.PULLING
    office.source.upto = 400
    pull = await office.until(PullState.PULLING, 400)
    assert (pull.total, pull.began_with) == (1000, 100)
    assert pull.seconds_left > 0
    assert (await office.models.pull("small")).there == 400, "one that is under way goes on"
    office.source.upto = 1000
    assert (await office.until(PullState.DONE)).there == 1000


async def test_a_cancel_stops_it_and_the_next_goes_on_from_there(office):
    office.source.upto = 300
    await office.models.pull("small")
    await office.until(PullState.PULLING, 300)
    assert (await office.models.cancel_pull("small")).state is PullState.CANCELLED
    await eventually_async(office.source.ended.is_set)
    office.source.upto = 1000
    await office.models.pull("small")
    assert (await office.until(PullState.DONE)).began_with >= 300


async def test_a_fault_is_told_in_its_sentence(office):
    office.source.error = EngineUnfit("The hub does not answer.")
    await office.models.pull("small")
    assert (await office.until(PullState.FAILED)).error == "The hub does not answer."


async def test_a_bug_is_told_too(office):
    office.source.error = ZeroDivisionError("oh")
    await office.models.pull("small")
    assert "log" in (await office.until(PullState.FAILED)).error


async def test_the_end_of_the_process_interrupts_it(office):
    office.source.upto = 500
    await office.models.pull("small")
    await office.until(PullState.PULLING, 500)
    await office.end()
    assert (await office.until(PullState.INTERRUPTED)).there == 500
    await eventually_async(office.source.ended.is_set)


async def test_weights_that_may_not_be_pulled_are_refused(office):
    with pytest.raises(InvalidRequest, match="has no `hub`"):
        await office.models.pull("barred")
    with pytest.raises(InvalidRequest, match="no weights to pull"):
        await office.models.pull("parallax")
    with pytest.raises(ModelNotFound):
        await office.models.pull("unknown")
