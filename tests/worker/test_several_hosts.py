"""Several hosts over one store: the trouble of one machine is not everybody's, and a drained worker may end."""

import asyncio
import dataclasses
from datetime import timedelta

import pytest

from stillmotion.domain.lifecycle import State
from stillmotion.domain.operators.processes import SILENT_AFTER, ProcessReport, ProcessRole
from stillmotion.domain.operators.queue_controls import (
    NO_CONTROLS,
    ControlScope,
    ControlState,
    ControlTarget,
    QueueControl,
    WorkerName,
)
from stillmotion.worker.background.dismissal import Dismissal
from tests.waiting import eventually_async, stays_async
from tests.worker.conftest import running
from tests.worker.test_devices import BROKEN, TINY, device

SICK, WELL = WorkerName("sick:1-aaaa", "sick"), WorkerName("well:2-bbbb", "well")
EVERY = timedelta(milliseconds=20)


@pytest.fixture
def sick(workshop):
    """The workshop of a host whose device cannot be used."""
    return dataclasses.replace(workshop, work=dataclasses.replace(workshop.work, worker=SICK))


def beat(shop, name, **parts):
    """A heartbeat of a process that makes the model's clips."""
    now = shop.clock.now()
    known = {"is_able": True, "engines": ("diffusers/tiny",)} | parts
    return shop.work.store.beat(ProcessReport(name, ProcessRole.WORKER, 17, "1.2.3", now, now, **known))


async def test_one_sick_device_does_not_move_the_queue_of_a_model_that_another_host_makes(sick):
    broken = device(TINY, command=BROKEN, successor=lambda _: "fake/1")
    await beat(sick, WELL)
    async with running(sick, devices=[broken]) as bench:
        waiting = await bench.submit("a boat", engine="diffusers/tiny")
        assert (await bench.ended(await bench.submit("a walk"))).state is State.COMPLETED
        await eventually_async(lambda: "it ended" in (bench.host.trouble_with("diffusers/tiny") or ""))
        assert await bench.workshop.work.reroute("diffusers/tiny", lambda _: "fake/1") == 0
        assert (await bench.find(waiting)).engine == "diffusers/tiny"
        await bench.store.forget_process(WELL.id)
        ended = await bench.ended(waiting)
    assert (ended.state, ended.engine, ended.failures) == (State.COMPLETED, "fake/1", 0)


@pytest.mark.parametrize(
    "parts", [{"is_able": False}, {"engines": ("fake/1",)}, {"seen_at": SILENT_AFTER + timedelta(seconds=1)}]
)
async def test_a_process_that_is_lost_or_makes_something_else_keeps_no_queue(sick, parts):
    if "seen_at" in parts:
        parts = {"seen_at": sick.clock.now() - parts["seen_at"]}
    now = sick.clock.now()
    report = ProcessReport(WELL, ProcessRole.WORKER, 17, "1.2.3", now, now, is_able=True, engines=("diffusers/tiny",))
    await sick.work.store.beat(dataclasses.replace(report, **parts))
    await beat(sick, SICK)
    assert not await sick.work.others_make("diffusers/tiny"), "its own heartbeat is no other's"


async def test_a_host_tells_only_the_engines_that_it_can_make_now(workshop):
    async with running(workshop, devices=[device(TINY, command=BROKEN)]) as bench:
        await eventually_async(lambda: "it ended" in (bench.host.trouble_with("diffusers/tiny") or ""))
        assert "fake/1" in bench.host.engines
        assert "diffusers/tiny" not in bench.host.engines


async def test_a_drained_host_is_dismissed_once_it_makes_nothing(sick):
    async with running(sick) as bench:
        watching = asyncio.create_task(Dismissal(bench.host, bench.store, SICK, EVERY).run())
        generation_id = await bench.submit("slow")
        await bench.rendering(generation_id)
        machine, own = (ControlTarget(ControlScope.WORKER, name) for name in (SICK.host, SICK.id))
        await bench.store.put_control(QueueControl(machine, ControlState.DRAINING, sick.clock.now(), "ada"))
        await bench.store.put_control(QueueControl(own, ControlState.PAUSED, sick.clock.now(), "ada"))
        assert (await bench.ended(generation_id)).state is State.COMPLETED
        # A pause ends, and a machine's drain is about more than this process.
        await stays_async(lambda: not bench.host.dismissed.is_set(), 5 * EVERY.total_seconds())
        await bench.store.remove_control(machine)
        await bench.store.put_control(QueueControl(own, ControlState.DRAINING, sick.clock.now(), "ada"))
        await asyncio.wait_for(bench.host.dismissed.wait(), 20)
        await watching
        assert await bench.store.queue_controls() == NO_CONTROLS
