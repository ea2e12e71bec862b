"""Contract of the store of wishes, holdings and pulls."""

from dataclasses import replace
from datetime import timedelta

from stillmotion.domain.models.holdings import SILENT_AFTER, Holding, ModelWish, Wish, merged
from stillmotion.domain.models.pulls import Pull, PullState
from stillmotion.domain.models.states import ModelStateName
from tests.builders import NOON

READY = Holding("device 0", "diffusers/wan", ModelStateName.READY)
IDLE = Holding("device 0", "diffusers/ltx", ModelStateName.IDLE)
UNFIT = Holding("device 1", "diffusers/ltx", ModelStateName.UNFIT, "it needs 24 GB")
BEGUN = Pull("wan", PullState.PULLING, 100, 1000, 100, NOON, NOON)


async def test_the_latest_wish_of_each_engine_is_kept(store):
    load = ModelWish("diffusers/wan", Wish.LOAD, NOON, "administrator")
    unload = replace(load, wish=Wish.UNLOAD, at=NOON + timedelta(seconds=1))
    other = replace(load, engine="diffusers/ltx")
    for each in (load, other, unload):
        await store.put_wish(each)
    assert await store.wishes() == [other, unload]


async def test_each_worker_tells_its_own_holdings(store):
    await store.tell_holdings("a", [READY, IDLE], NOON)
    await store.tell_holdings("b", [UNFIT], NOON)
    assert await store.holdings(NOON) == [IDLE, READY, UNFIT]
    await store.tell_holdings("a", [replace(READY, state=ModelStateName.IDLE)], NOON)
    assert await store.holdings(NOON) == [replace(READY, state=ModelStateName.IDLE), UNFIT]
    await store.tell_holdings("a", [], NOON)
    assert await store.holdings(NOON) == [UNFIT]


async def test_a_worker_that_is_silent_is_not_counted(store):
    later = NOON + SILENT_AFTER + timedelta(seconds=1)
    await store.tell_holdings("gone", [READY], NOON)
    await store.tell_holdings("here", [UNFIT], later)
    assert await store.holdings(later - SILENT_AFTER) == [UNFIT]


async def test_a_pull_goes_on_until_it_ends_or_is_cancelled(store):
    await store.begin_pull(BEGUN)
    further = replace(BEGUN, there=600, told_at=NOON + timedelta(seconds=5))
    assert await store.advance_pull(further)
    assert await store.pulls() == [further]
    assert await store.cancel_pull("wan", NOON + timedelta(seconds=6))
    assert not await store.advance_pull(replace(further, there=700))
    assert not await store.cancel_pull("wan", NOON + timedelta(seconds=7))
    (kept,) = await store.pulls()
    assert (kept.state, kept.there) == (PullState.CANCELLED, 600)


async def test_a_pull_that_was_begun_anew_is_another(store):
    await store.begin_pull(BEGUN)
    await store.begin_pull(replace(BEGUN, started_at=NOON + timedelta(seconds=9)))
    assert not await store.advance_pull(replace(BEGUN, state=PullState.FAILED, error="it broke"))
    assert not await store.cancel_pull("other", NOON)


def test_a_model_is_as_ready_as_its_readiest_lane():
    assert merged([IDLE, UNFIT, READY])["diffusers/ltx"].name is ModelStateName.IDLE
    assert merged([UNFIT])["diffusers/ltx"].reason == "it needs 24 GB"


def test_the_time_left_is_that_of_the_bytes_of_this_pull():
    told = replace(BEGUN, there=400, told_at=NOON + timedelta(seconds=3))
    assert told.seconds_left == 6.0
    assert BEGUN.seconds_left is None
    assert told.at(NOON + timedelta(seconds=60)).state is PullState.INTERRUPTED
    assert told.at(NOON + timedelta(seconds=5)) == told
