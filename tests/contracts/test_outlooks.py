"""`RecordStore.outlooks`: the places of what waits, and the time until the end."""

import asyncio
import random
from contextlib import closing
from datetime import timedelta

import pytest

from stillmotion.adapters.store.sql.outlooks import SharedOutlooks
from stillmotion.adapters.store.sql.queries.records import PICTURE_OF_QUEUE
from stillmotion.adapters.store.sqlite import open_store
from stillmotion.adapters.store.sqlite.connections.reader import SqliteReader
from stillmotion.application.ports.administration import QueuePlace
from stillmotion.application.ports.store import Engines, Submission
from stillmotion.domain.errors import StoreUnavailable
from stillmotion.domain.generation import WorkStage
from stillmotion.domain.operators.queue_controls import (
    EVERYTHING,
    ControlScope,
    ControlState,
    ControlTarget,
    QueueControl,
)
from stillmotion.domain.record.outlook import Outlook
from tests.builders import NOON, a_generation, some_assets
from tests.contracts.conftest import keep_subscription

UNTIL = NOON + timedelta(days=1)
PARALLAX, OTHER = "parallax/1", "wan/1"


async def submitted(store, subscription, clock, **parts):
    parts = {"created_at": clock.advance(milliseconds=1)} | parts
    generation = a_generation(subscription_id=subscription.id, **parts)
    return (await store.submit(Submission(generation, subscription.product))).generation


async def claimed(store, clock, engine=PARALLAX):
    now = clock.advance(milliseconds=1)
    return await store.claim_next(lambda each: each.claimed(UNTIL, now), Engines(frozenset({engine}), others=False))


async def outlook(store, generation):
    return (await store.outlooks([generation.view])).get(generation.id)


async def rendered(store, clock, seconds):
    """A generation that was made in so many seconds."""
    begun = await claimed(store, clock)
    clock.advance(seconds=seconds)
    done = clock.now()
    return await store.change(begun.id, lambda each: each.completed(begun.lease, some_assets(), "{}", done))


@pytest.mark.parametrize("seed", range(8))
async def test_places_are_the_order_of_the_claims_that_follow(store, clock, seed):
    """Each owner's clips have one length. Lines are joined and left at any time, and operators move what waits."""
    chance = random.Random(seed)
    owners = [await keep_subscription(store, name=f"p{number}") for number in range(5)]
    lengths = {owner.id: chance.choice((2.0, 5.0, 5.0, 9.0)) for owner in owners}
    waiting = {}
    for _ in range(60):
        owner = chance.choice(owners)
        chosen = chance.random()
        if chosen < 0.7 or not waiting:
            made = await submitted(store, owner, clock, seconds=lengths[owner.id])
            waiting[made.id] = made
        elif chosen < 0.8:
            waiting.pop((await claimed(store, clock)).id)
        elif chosen < 0.85:
            moved = chance.choice(list(waiting))
            await store.move(moved, chance.choice(list(QueuePlace)), clock.advance(milliseconds=1))
        elif chosen < 0.9:
            left = waiting.pop(chance.choice(list(waiting)))
            await store.change(left.id, lambda each: each.cancelled(NOON))
        else:
            begun = await claimed(store, clock)
            await store.change(begun.id, lambda each, lease=begun.lease: each.released(lease))
    views = [each.view for each in waiting.values()]
    places = {id_: seen.position for id_, seen in (await store.outlooks(views)).items()}
    order = [(await claimed(store, clock)).id for _ in waiting]
    assert [places[each] for each in order] == list(range(1, len(order) + 1))


async def test_a_place_counts_what_waits_for_the_same_engine(store, subscription, clock):
    first = await submitted(store, subscription, clock, engine=OTHER)
    second = await submitted(store, subscription, clock)
    third = await submitted(store, subscription, clock, engine=OTHER)
    seen = await store.outlooks([each.view for each in (first, second, third)])
    assert {id_: each.position for id_, each in seen.items()} == {first.id: 1, second.id: 1, third.id: 2}


async def test_a_line_that_is_rerouted_is_counted_for_the_other_engine(store, subscription, clock):
    moved = await submitted(store, subscription, clock, engine=OTHER)
    behind = await submitted(store, subscription, clock)
    assert (await outlook(store, behind)).position == 1
    await store.change(moved.id, lambda each: each.rerouted(PARALLAX))
    assert (await outlook(store, behind)).position == 2


async def test_what_has_begun_or_ended_has_no_place(store, subscription, clock):
    generation = await submitted(store, subscription, clock)
    begun = await claimed(store, clock)
    assert (await outlook(store, begun)).position is None
    ended = await store.change(generation.id, lambda each: each.cancelled(NOON))
    assert await outlook(store, ended) is None


async def test_without_a_measured_time_there_is_a_place_and_no_estimate(store, subscription, clock):
    generation = await submitted(store, subscription, clock)
    assert await outlook(store, generation) == Outlook(1, None)


async def test_the_time_left_follows_from_measured_times(store, subscription, clock):
    await submitted(store, subscription, clock)
    await rendered(store, clock, 4)
    begun, *waiting = [await submitted(store, subscription, clock) for _ in range(3)]
    lease = (await claimed(store, clock)).lease
    await store.change(begun.id, lambda each: each.renewed(lease, UNTIL, 0.25, None, WorkStage.RENDERING))
    views = [(await store.find(each.id)).view for each in (begun, *waiting)]
    seen = await store.outlooks(views)
    # One lane, 4 s a clip: three quarters of the first are left, and the others come after it.
    assert [seen[each.id].eta_seconds for each in (begun, *waiting)] == pytest.approx([3, 7, 11], abs=0.2)


async def test_a_render_of_another_kind_is_estimated_by_its_length(store, subscription, clock):
    await submitted(store, subscription, clock, seconds=5.0)
    await rendered(store, clock, 4)
    longer = await submitted(store, subscription, clock, seconds=10.0)
    assert (await outlook(store, longer)).eta_seconds == pytest.approx(8, abs=0.1)


async def test_estimates_follow_a_machine_that_became_faster(store, subscription, clock):
    for seconds in [10] + [1] * 40:
        await submitted(store, subscription, clock)
        await rendered(store, clock, seconds)
    assert (await outlook(store, await submitted(store, subscription, clock))).eta_seconds < 2.5


@pytest.mark.parametrize("target", [EVERYTHING, ControlTarget(ControlScope.MODEL, PARALLAX)])
async def test_while_the_queue_is_paused_there_is_no_estimate(store, subscription, clock, target):
    await submitted(store, subscription, clock)
    await rendered(store, clock, 4)
    generation = await submitted(store, subscription, clock)
    await store.put_control(QueueControl(target, ControlState.PAUSED, NOON, "somebody"))
    assert await outlook(store, generation) == Outlook(1, None)
    await store.remove_control(target)
    assert (await outlook(store, generation)).eta_seconds is not None


@pytest.mark.parametrize("seed", range(4))
async def test_a_forecast_is_the_place_that_a_submit_gets(store, clock, seed):
    chance = random.Random(seed)
    owners = [await keep_subscription(store, name=f"p{number}") for number in range(3)]
    for _ in range(chance.randrange(12)):
        await submitted(store, chance.choice(owners), clock)
        if chance.random() < 0.3:
            await claimed(store, clock)
    for owner in owners:
        asked = a_generation(owner).request
        expected = await store.forecast(owner.id, PARALLAX, asked)
        made = await submitted(store, owner, clock)
        assert (await outlook(store, made)).position == expected.position


async def test_a_forecast_tells_the_time_of_its_own_render(store, subscription, clock):
    await submitted(store, subscription, clock)
    await rendered(store, clock, 4)
    asked = a_generation(subscription).request
    assert await store.forecast(subscription.id, PARALLAX, asked) == Outlook(1, pytest.approx(4, abs=0.1))
    assert await store.forecast("nobody yet", OTHER, asked) == Outlook(1, None)


async def three_queued(store, clock):
    owner = await keep_subscription(store)
    return [(await submitted(store, owner, clock)).view for _ in range(3)]


async def test_outlooks_that_are_asked_for_together_tell_each_caller_its_own(store, clock):
    views = await three_queued(store, clock)
    told = await asyncio.gather(*(store.outlooks([view]) for view in views))
    assert told == [{view.id: Outlook(1 + number)} for number, view in enumerate(views)]


async def test_a_caller_that_leaves_takes_no_other_along(store, clock):
    views = await three_queued(store, clock)
    first, *others = [asyncio.ensure_future(store.outlooks([view])) for view in views]
    await asyncio.sleep(0)
    first.cancel()
    assert await asyncio.gather(*others) == [{views[1].id: Outlook(2)}, {views[2].id: Outlook(3)}]


class Counted:
    """Reader that keeps a list of the statements that go to another one."""

    def __init__(self, reader) -> None:
        self.reader, self.statements = reader, []

    async def rows(self, statement, bindings=()):
        self.statements.append(statement)
        return await self.reader.rows(statement, bindings)


async def test_one_statement_reads_the_outlooks_of_a_turn(database, clock):
    with closing(open_store(database, clock)) as store, closing(open_store(database, clock)) as beside:
        views = await three_queued(store, clock)
        reader = Counted(SqliteReader(database, beside.writer))
        shared = SharedOutlooks(reader, clock)
        told = await asyncio.gather(*(shared.of([view]) for view in views))
        assert [seen[view.id].position for seen, view in zip(told, views, strict=True)] == [1, 2, 3]
        assert reader.statements == [PICTURE_OF_QUEUE]
        reader.reader.close()
        refused = await asyncio.gather(*(shared.of([view]) for view in views), return_exceptions=True)
        assert [type(each) for each in refused] == [StoreUnavailable] * 3


def test_a_loop_that_was_stopped_keeps_nobody_waiting(database, clock):
    with closing(open_store(database, clock)) as store:
        views = asyncio.run(three_queued(store, clock))
        stopped = asyncio.new_event_loop()
        asked = stopped.create_task(store.outlooks(views))
        stopped.call_soon(stopped.stop)
        stopped.run_forever()
        assert asyncio.run(store.outlooks(views[1:])) == {views[1].id: Outlook(2), views[2].id: Outlook(3)}
        stopped.run_until_complete(asked)
        stopped.close()
