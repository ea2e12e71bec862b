"""`EverybodysStore`: everybody's generations by filter and page, and places in line."""

import re
from datetime import timedelta

import pytest

from stillmotion.adapters.store.sql.queries import everybodys
from stillmotion.adapters.store.sqlite.connections.database import connect_reader
from stillmotion.application.ports.administration import EverybodysFilter, QueuePlace
from stillmotion.application.ports.lists import Filter, Walk, folded
from stillmotion.application.ports.store import Engines, Submission
from stillmotion.domain.errors import GenerationFailed, GenerationNotFound, NotQueued
from stillmotion.domain.lifecycle import State
from stillmotion.domain.operators.queue_controls import WorkerName
from tests.builders import NOON, a_generation
from tests.contracts.conftest import keep_subscription

EVERYBODYS = EverybodysFilter()
HERE = WorkerName("box:17-ab12", "box")


def claim(generation):
    return generation.claimed(NOON + timedelta(seconds=15))


async def submit(store, subscription, seconds=0, **parts):
    made = a_generation(subscription, created_at=NOON + timedelta(seconds=seconds), **parts)
    return (await store.submit(Submission(made, subscription.product))).generation.id


@pytest.fixture
async def crowd(store):
    """Six generations of two subscriptions, by a word about each."""
    ada, bob = [await keep_subscription(store, name=name) for name in ("ada", "bob")]
    made = {
        "old": await submit(store, ada, 0, prompt="A Gull over the SEA"),
        "wan": await submit(store, ada, 1, engine="diffusers/wan"),
        "sora": await submit(store, bob, 2, model="sora-2"),
        "failed": await submit(store, bob, 3),
        "busy": await submit(store, bob, 4, prompt="Straße"),
        "new": await submit(store, ada, 5),
    }
    await store.change(made["failed"], claim)
    broken = GenerationFailed("engine", "It broke.")
    await store.change(made["failed"], lambda each: each.attempt_failed(each.lease, broken, NOON))
    for name in ("new", "busy", "sora"):
        await store.move(made[name], QueuePlace.FRONT, NOON)
    await store.claim_next(claim, worker=WorkerName("tower:1-ff00", "tower"))
    await store.claim_next(claim, worker=HERE)
    return made | {"ada": ada.id, "bob": bob.id}


@pytest.mark.parametrize(
    ("filter_of", "names"),
    [
        (lambda _: EVERYBODYS, ["new", "busy", "failed", "sora", "wan", "old"]),
        (lambda crowd: EverybodysFilter(subscription_id=crowd["bob"]), ["busy", "failed", "sora"]),
        (lambda _: EverybodysFilter(Filter(states=frozenset({State.FAILED}))), ["failed"]),
        (
            lambda _: EverybodysFilter(Filter(states=frozenset({State.QUEUED, State.FAILED}))),
            ["new", "failed", "wan", "old"],
        ),
        (lambda _: EverybodysFilter(engine="diffusers/wan"), ["wan"]),
        (lambda _: EverybodysFilter(Filter(model="sora-2")), ["sora"]),
        (lambda _: EverybodysFilter(Filter(search=folded("gull OVER"))), ["old"]),
        (lambda _: EverybodysFilter(Filter(search=folded("STRASSE"))), ["busy"]),
        (lambda crowd: EverybodysFilter(Filter(search=crowd["wan"])), ["wan"]),
        (lambda _: EverybodysFilter(Filter(created_before=NOON + timedelta(seconds=2))), ["wan", "old"]),
        (lambda crowd: EverybodysFilter(id=crowd["wan"]), ["wan"]),
        (lambda _: EverybodysFilter(worker=HERE.id), ["busy"]),
        (lambda _: EverybodysFilter(worker=HERE.host), ["busy"]),
        (lambda _: EverybodysFilter(worker="bo"), []),
        (lambda _: EverybodysFilter(engine="nobody's"), []),
    ],
)
async def test_a_filter_finds_those_that_pass_it(store, crowd, filter_of, names):
    asked = filter_of(crowd)
    found = await store.everybodys(asked, Walk(10))
    ids = {generation_id: name for name, generation_id in crowd.items()}
    assert [ids[each.id] for each in found] == names
    assert await store.count_everybodys(asked) == len(names)


async def test_pages_are_walked_both_ways_over_deleted_edges(store, crowd):
    ids = [crowd[name] for name in ("new", "busy", "failed", "sora", "wan", "old")]

    async def page(edge, *, newest_first=True):
        return [each.id for each in await store.everybodys(EVERYBODYS, Walk(2, edge, newest_first))]

    assert await page(None) == ids[:2]
    assert await page(ids[1]) == ids[2:4]
    assert await page(ids[4], newest_first=False) == [ids[3], ids[2]]
    await store.delete(ids[1])
    assert await page(ids[1]) == ids[2:4]


async def order(store):
    claimed = []
    while (found := await store.claim_next(claim)) is not None:
        claimed.append(found.id)
    return claimed


async def test_the_front_is_before_everybodys_turn_and_the_last_moved_first(store):
    ada, bob = [await keep_subscription(store, name=name) for name in ("ada", "bob")]
    first, second, third = [await submit(store, ada, seconds) for seconds in range(3)]
    other = await submit(store, bob, 3)
    await store.move(third, QueuePlace.FRONT, NOON)
    await store.move(second, QueuePlace.FRONT, NOON)
    claimed = await order(store)
    assert claimed[:2] == [second, third]
    assert set(claimed[2:]) == {first, other}


async def test_the_front_takes_no_turn_from_those_who_come_later(store):
    greedy, modest, late = [await keep_subscription(store, name=name) for name in ("greedy", "modest", "late")]
    for seconds in range(6):
        await submit(store, modest, seconds)
    for seconds in range(6, 12):
        await store.move(await submit(store, greedy, seconds), QueuePlace.FRONT, NOON)
    assert {(await store.claim_next(claim)).subscription_id for _ in range(6)} == {greedy.id}
    await submit(store, late, 12)
    assert late.id in [(await store.claim_next(claim)).subscription_id for _ in range(2)]


async def test_the_back_is_behind_all_that_its_owner_has_queued(store):
    ada = await keep_subscription(store, name="ada")
    first, second, third = [await submit(store, ada, seconds) for seconds in range(3)]
    await store.move(first, QueuePlace.FRONT, NOON)
    await store.move(first, QueuePlace.BACK, NOON + timedelta(seconds=9))
    fourth = await submit(store, ada, 10)
    assert await order(store) == [second, third, first, fourth]


async def test_what_is_handed_back_keeps_the_place_that_it_was_given(store):
    ada = await keep_subscription(store, name="ada")
    await submit(store, ada, 0)
    late = await submit(store, ada, 1)
    await store.move(late, QueuePlace.FRONT, NOON)
    lease = (await store.claim_next(claim)).lease
    assert lease.generation_id == late
    await store.change(late, lambda each: each.released(lease))
    assert (await order(store))[0] == late


async def test_a_front_place_is_nothing_to_a_lane_of_another_engine(store):
    ada = await keep_subscription(store, name="ada")
    wan = await submit(store, ada, 0, engine="diffusers/wan")
    other = await submit(store, ada, 1)
    await store.move(wan, QueuePlace.FRONT, NOON)
    claimed = await store.claim_next(claim, Engines(frozenset({"parallax/1"}), others=False))
    assert claimed.id == other
    assert await store.claim_next(claim, passed_over=[ada.id]) is None


async def test_only_a_queued_generation_is_moved(store, crowd):
    with pytest.raises(NotQueued, match="is failed"):
        await store.move(crowd["failed"], QueuePlace.FRONT, NOON)
    with pytest.raises(GenerationNotFound):
        await store.move("nobody's", QueuePlace.BACK, NOON)


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize(
    "asked",
    [
        EVERYBODYS,
        EverybodysFilter(Filter(states=frozenset({State.FAILED}))),
        EverybodysFilter(Filter(model="m", search="s", created_before=NOON), engine="e"),
        EverybodysFilter(subscription_id="s"),
    ],
)
def test_a_page_is_walked_in_the_order_of_ids_and_never_sorted(sqlite, database, asked, newest_first):
    """The walk stops with the page. Only a filter that nothing passes has every row looked at."""
    connection = connect_reader(database)
    statement = everybodys.page(asked, newest_first=newest_first)
    names = dict.fromkeys(re.findall(r":(\w+)", statement), 0)
    steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", names)]
    connection.close()
    walked = r"SEARCH g USING INDEX (sqlite_autoindex_generations_1|generations_owned) \(.*id>\? AND id<\?\)"
    assert re.fullmatch(walked, steps[0])
    assert not [step for step in steps if "TEMP B-TREE" in step]
