"""Devices: each has a lane of its own, beside the lanes for other engines."""

import json
import sys

from stillmotion.domain.catalogue import Ability, EngineKind, Entry
from stillmotion.domain.lifecycle import State
from stillmotion.worker.devices import Device, devices_for
from stillmotion.worker.renderer.handle import MODEL_PATIENCE, RendererProcess
from tests.waiting import eventually_async
from tests.worker.conftest import FAKE_RENDERER, running

TINY, OTHER = (
    Entry(name, EngineKind.DIFFUSERS, frozenset({Ability.LAST, Ability.FIRST})) for name in ("tiny", "other")
)
BROKEN = (sys.executable, "-c", "raise SystemExit('no GPU here')")


def device(*entries: Entry, command=FAKE_RENDERER, successor=None) -> Device:
    return Device("device 0", lambda: RendererProcess(command, patience=MODEL_PATIENCE), entries, successor)


async def test_a_device_makes_its_models_clips_while_other_lanes_make_theirs(workshop):
    async with running(workshop, devices=[device(TINY, OTHER)]) as bench:
        slow = await bench.submit("long slow slow", engine="fake/1")
        ids = [await bench.submit("a boat", engine=engine) for engine in ("diffusers/tiny", "diffusers/other")]
        assert [(await bench.ended(each)).state for each in ids] == [State.COMPLETED] * 2
        assert not (await bench.find(slow)).is_terminal


async def test_without_a_device_nobody_else_takes_a_model_s_work(workshop):
    async with running(workshop, devices=[device(TINY, command=BROKEN)]) as bench:
        waiting = await bench.submit("a boat", engine="diffusers/tiny")
        done = await bench.submit("a boat", engine="fake/1")
        assert (await bench.ended(done)).state is State.COMPLETED
        assert (await bench.find(waiting)).state is State.QUEUED


async def test_the_plan_says_what_the_model_could_not_do_by_itself(workshop):
    async with running(workshop, devices=[device(TINY)]) as bench:
        looped = await bench.submit("a boat", engine="diffusers/tiny", loop=True)
        told = json.loads((await bench.ended(looped)).plan)
        assert told["emulated"] == ["loop: ends with the picture it starts from, which is dropped"]
        assert told["adjusted"] == []


async def test_what_waits_for_a_device_that_cannot_be_used_goes_to_the_next(workshop):
    broken = device(TINY, command=BROKEN, successor=lambda _: "fake/1")
    async with running(workshop, devices=[broken]) as bench:
        moved = await bench.submit("a boat", engine="diffusers/tiny")
        ended = await bench.ended(moved)
        assert (ended.state, ended.engine, ended.failures) == (State.COMPLETED, "fake/1", 0)


async def test_why_a_model_is_not_made_is_told(workshop):
    async with running(workshop, devices=[device(TINY, command=BROKEN)]) as bench:
        await eventually_async(lambda: "it ended" in (bench.host.trouble_with("diffusers/tiny") or ""))
        assert bench.host.trouble_with("fake/1") is None
    async with running(workshop, devices=[device(TINY)]) as bench:
        await bench.ended(await bench.submit("a boat", engine="diffusers/tiny"))
        assert bench.host.trouble_with("diffusers/tiny") is None


def test_several_devices_start_with_different_models():
    made = devices_for([TINY, OTHER], ("cuda:0", "cuda:1", "cuda:2"))
    assert [each.engines[0] for each in made] == ["diffusers/tiny", "diffusers/other", "diffusers/tiny"]
    assert all(set(each.engines) == {"diffusers/tiny", "diffusers/other"} for each in made)
    assert [each.name for each in devices_for([TINY], ())] == ["device auto"]
    assert devices_for([], ("cuda:0",)) == []


def test_an_engine_from_outside_has_as_many_renderers_as_are_set_unless_it_has_a_device():
    drawn, held = (
        Entry(engine, engine, frozenset({Ability.FIRST}), options=options)
        for engine, options in (("kenburns", {"zoom": 1.2}), ("gan", {"device": "cuda:0"}))
    )
    made = devices_for([TINY, drawn, held], ("cuda:0",), renderers=3)
    names = ["device cuda:0", "engine kenburns", "engine kenburns 1", "engine kenburns 2", "engine gan"]
    assert [each.name for each in made] == names


async def test_lanes_of_one_engine_make_clips_side_by_side(workshop):
    names = {"engine tiny", "engine tiny 1"}
    lanes = [Device(name, lambda: RendererProcess(FAKE_RENDERER), (TINY,)) for name in sorted(names)]
    async with running(workshop, devices=lanes) as bench:
        ids = {await bench.submit("long slow slow", engine="diffusers/tiny") for _ in lanes}
        await eventually_async(lambda: {each.generation_id for each in bench.host.lanes} >= ids)
        assert {each.name for each in bench.host.lanes if each.generation_id} == names
