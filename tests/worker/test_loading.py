"""Loading and unloading of models in the lanes of devices: by an operator's wish, after a while without work."""

from datetime import timedelta

import pytest

from stillmotion.domain.catalogue import Ability, EngineKind, Entry
from stillmotion.domain.lifecycle import State
from stillmotion.domain.models.holdings import ModelWish, Wish, merged
from stillmotion.domain.models.states import ModelStateName
from stillmotion.worker.devices import Device
from stillmotion.worker.model_desk import ModelDesk
from stillmotion.worker.renderer.handle import MODEL_PATIENCE, RendererProcess
from tests.waiting import eventually_async, stays_async
from tests.worker.conftest import FAKE_RENDERER, running

TINY, OTHER = (Entry(name, EngineKind.DIFFUSERS, frozenset({Ability.FIRST})) for name in ("tiny", "other"))
TINY_ENGINE, OTHER_ENGINE = "diffusers/tiny", "diffusers/other"
READY, IDLE, LOADING = ModelStateName.READY, ModelStateName.IDLE, ModelStateName.LOADING


class Shed:
    """A device of two models whose renderers are counted, with a desk over the workshop's store."""

    def __init__(self, workshop) -> None:
        self.workshop, self.first = workshop, []
        self.desk = ModelDesk(workshop.work.store, workshop.clock, "worker 1")
        models = (TINY, OTHER)
        self.device = Device("device 0", lambda: self.opening(TINY_ENGINE), models, None, self.opening)

    def opening(self, engine: str) -> RendererProcess:
        self.first.append(engine)
        return RendererProcess(FAKE_RENDERER, patience=MODEL_PATIENCE)

    async def wish(self, engine: str, wish: Wish) -> None:
        workshop = self.workshop
        await workshop.work.store.put_wish(ModelWish(engine, wish, workshop.clock.now(), "somebody"))
        workshop.signal.notify()

    async def states(self):
        """The states that the worker tells the store."""
        told = merged(await self.workshop.work.store.holdings(self.workshop.clock.now() - timedelta(seconds=30)))
        return {engine: state.name for engine, state in told.items()}

    async def is_ready(self) -> bool:
        return (await self.states()).get(TINY_ENGINE) is READY

    async def until(self, **states: ModelStateName) -> None:
        wanted = {f"diffusers/{name}": state for name, state in states.items()}

        async def look() -> bool:
            told = await self.states()
            return all(told.get(engine) is state for engine, state in wanted.items())

        await eventually_async(look)


@pytest.fixture
def shed(workshop):
    return Shed(workshop)


async def test_a_model_is_unloaded_by_a_wish_and_loaded_again_by_the_next_clip(workshop, shed):
    async with running(workshop, 0, devices=[shed.device], desk=shed.desk) as bench:
        await shed.until(tiny=READY, other=IDLE)
        await shed.wish(TINY_ENGINE, Wish.UNLOAD)
        await shed.until(tiny=IDLE, other=IDLE)
        assert bench.host.trouble_with(TINY_ENGINE) is None
        done = await bench.ended(await bench.submit("a boat", engine=TINY_ENGINE))
        assert done.state is State.COMPLETED
        await shed.until(tiny=READY)


async def test_a_wish_to_load_takes_the_place_of_another_model(workshop, shed):
    async with running(workshop, 0, devices=[shed.device], desk=shed.desk):
        await shed.until(tiny=READY)
        await shed.wish(OTHER_ENGINE, Wish.LOAD)
        await shed.until(tiny=IDLE, other=READY)
        assert shed.first == [TINY_ENGINE, OTHER_ENGINE]
        await shed.wish(OTHER_ENGINE, Wish.UNLOAD)
        await shed.until(other=IDLE)
        await shed.wish(TINY_ENGINE, Wish.LOAD)
        await shed.until(tiny=READY, other=IDLE)


async def test_a_clip_under_way_is_made_before_its_model_goes(workshop, shed):
    async with running(workshop, 0, devices=[shed.device], desk=shed.desk) as bench:
        begun = await bench.submit("slow", engine=TINY_ENGINE)
        # Claimed alone it could still wait for the lane, which would unload before it and load again for it.
        await bench.until(begun, lambda each: each.progress > 0)
        await shed.wish(TINY_ENGINE, Wish.UNLOAD)
        assert (await bench.ended(begun)).state is State.COMPLETED
        await shed.until(tiny=IDLE)


async def test_a_wish_for_a_model_that_is_not_held_frees_nothing(workshop, shed):
    async with running(workshop, 0, devices=[shed.device], desk=shed.desk):
        await shed.until(tiny=READY)
        await shed.wish(OTHER_ENGINE, Wish.UNLOAD)
        await stays_async(shed.is_ready, 0.8)


async def test_a_wish_of_before_is_nothing_to_a_worker_that_starts(workshop, shed):
    await shed.wish(TINY_ENGINE, Wish.UNLOAD)
    async with running(workshop, 0, devices=[shed.device], desk=shed.desk):
        await shed.until(tiny=READY)
        await stays_async(shed.is_ready, 0.8)


async def test_a_model_without_work_is_unloaded_after_a_while(workshop, shed):
    after = timedelta(seconds=0.5)
    async with running(workshop, 0, devices=[shed.device], desk=shed.desk, idle_after=after) as bench:
        await shed.until(tiny=IDLE)
        assert (await bench.ended(await bench.submit("a boat", engine=TINY_ENGINE))).state is State.COMPLETED
        await shed.until(tiny=IDLE)
    assert shed.first == [TINY_ENGINE] * 2


async def test_a_worker_that_ends_tells_of_no_model_any_more(workshop, shed):
    async with running(workshop, 0, devices=[shed.device], desk=shed.desk):
        await shed.until(tiny=READY)
    assert await shed.states() == {}
