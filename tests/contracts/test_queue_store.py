"""`QueueStore` and `ActionStore`: pauses and drains hold claims back, and what operators do is kept."""

import asyncio
from datetime import timedelta

import pytest

from stillmotion.adapters.store.sqlite import open_store
from stillmotion.application.ports.administration import QueueDepth
from stillmotion.application.ports.store import EVERY_ENGINE, Engines, Submission
from stillmotion.domain.operators.actions import OperatorAction
from stillmotion.domain.operators.queue_controls import (
    EVERYTHING,
    NO_CONTROLS,
    ControlScope,
    ControlState,
    ControlTarget,
    QueueControl,
    WorkerName,
)
from tests.builders import NOON, a_generation
from tests.contracts.conftest import keep_subscription

HERE = WorkerName("box:17-ab12", "box")
ELSEWHERE = WorkerName("tower:9-cd34", "tower")
PARALLAX, WAN = (ControlTarget(ControlScope.MODEL, name) for name in ("parallax/1", "diffusers/wan"))


def claim(generation):
    return generation.claimed(NOON + timedelta(seconds=15))


def control(target=EVERYTHING, state=ControlState.PAUSED, **later):
    return QueueControl(target, state, NOON + timedelta(**later), "ada")


async def submit(store, subscription, **parts):
    return (await store.submit(Submission(a_generation(subscription, **parts), subscription.product))).generation


async def claimed(store, worker=HERE, engines=EVERY_ENGINE):
    found = await store.claim_next(claim, engines, worker=worker)
    return None if found is None else found.engine


@pytest.fixture
async def two(store, subscription):
    names, later = (PARALLAX.name, WAN.name), timedelta(seconds=1)
    return [
        await submit(store, subscription, engine=name, created_at=NOON + number * later)
        for number, name in enumerate(names)
    ]


async def test_a_pause_of_all_stops_every_claim_until_it_is_removed(store, two):
    await store.put_control(control())
    assert await claimed(store) is None
    assert await store.remove_control(EVERYTHING)
    assert await claimed(store) == "parallax/1"


async def test_a_paused_queue_accepts(store, subscription):
    await store.put_control(control())
    assert (await submit(store, subscription)).state == "queued"


@pytest.mark.parametrize("engines", [Engines(), Engines(frozenset({"parallax/1", "diffusers/wan"}), others=False)])
async def test_a_pause_of_a_model_leaves_the_others(store, two, engines):
    await store.put_control(control(PARALLAX))
    assert await claimed(store, engines=engines) == "diffusers/wan"
    assert await claimed(store, engines=engines) is None


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize("state", ControlState)
async def test_a_pause_or_drain_of_a_worker_stops_that_one_by_its_id_or_its_machine(store, two, name, state):
    await store.put_control(control(ControlTarget(ControlScope.WORKER, name), state))
    assert await claimed(store) is None
    assert await claimed(store, ELSEWHERE) == "parallax/1"


async def test_a_worker_without_a_name_is_nobodys(store, two):
    await store.put_control(control(ControlTarget(ControlScope.WORKER, "")))
    assert await claimed(store, WorkerName()) == "parallax/1"


async def test_what_is_drained_is_made(store, two):
    await store.put_control(control(state=ControlState.DRAINING))
    await store.put_control(control(PARALLAX, ControlState.DRAINING))
    assert [await claimed(store) for _ in range(3)] == ["parallax/1", "diffusers/wan", None]
    controls = await store.queue_controls()
    assert controls.refuse("parallax/1")
    assert controls.refuse("diffusers/wan"), "all is drained"


async def test_a_target_has_one_control_and_the_oldest_is_first(store):
    assert await store.queue_controls() == NO_CONTROLS
    for each in (control(seconds=2), control(WAN, seconds=1), control(state=ControlState.DRAINING, seconds=3)):
        await store.put_control(each)
    assert [*await store.queue_controls()] == [
        control(WAN, seconds=1),
        control(state=ControlState.DRAINING, seconds=3),
    ]
    assert not await store.remove_control(PARALLAX)


async def test_a_pause_survives_a_restart(database, clock):
    store = open_store(database, clock)
    subscription = await keep_subscription(store)
    await submit(store, subscription)
    await store.put_control(control())
    store.close()
    again = open_store(database, clock)
    assert await claimed(again) is None
    again.close()


async def test_no_claim_follows_a_pause_of_another_process(database, clock):
    """A claim reads the controls in its own transaction: one that was asked before the pause sees it too."""
    here, other = open_store(database, clock), open_store(database, clock)
    subscription = await keep_subscription(here)
    for _ in range(40):
        await submit(here, subscription)
    running = [asyncio.create_task(here.claim_next(claim, worker=HERE)) for _ in range(10)]
    await other.put_control(control())
    begun = [each.id for each in await asyncio.gather(*running) if each is not None]
    later = [await here.claim_next(claim, worker=HERE) for _ in range(3)]
    assert later == [None] * 3
    assert len(begun) == (await other.counts())["dreaming"]
    here.close()
    other.close()


async def test_the_depth_is_counted_by_engine(store, subscription, clock):
    assert list(await store.queue_depth()) == []
    for seconds in (3, 1, 2):
        await submit(store, subscription, created_at=NOON + timedelta(seconds=seconds))
    await submit(store, subscription, engine="diffusers/wan")
    await claimed(store)
    await claimed(store, engines=Engines(frozenset({"parallax/1"}), others=False))
    assert {each.engine: each for each in await store.queue_depth()} == {
        "diffusers/wan": QueueDepth("diffusers/wan", 0, 1, None),
        "parallax/1": QueueDepth("parallax/1", 2, 1, NOON + timedelta(seconds=2)),
    }


def an_action(number, **parts):
    given = {"details": {"model": "parallax", "worker": None}, "request_id": "run-000001"} | parts
    return OperatorAction(f"id-{number}", NOON + timedelta(seconds=number), "ada", "pauseQueue", "", **given)


async def test_actions_are_kept_and_listed_by_the_page_the_latest_first(store):
    for number in range(5):
        await store.add_action(an_action(number))
    assert list(await store.actions(None, 2)) == [an_action(4), an_action(3)]
    assert list(await store.actions("id-3", 10)) == [an_action(2), an_action(1), an_action(0)]


async def test_a_refused_action_says_why(store):
    await store.add_action(an_action(1))
    await store.refuse_action("id-1", "There is no such model.")
    assert list(await store.actions(None, 9)) == [an_action(1, refused="There is no such model.")]
