"""`RecordStore`: what the store keeps of a generation besides its state, and of its attempts."""

from datetime import timedelta
from decimal import Decimal

import pytest

from stillmotion.application.ports.store import Submission
from stillmotion.domain.failures import FailureKind
from stillmotion.domain.generation import WorkStage
from stillmotion.domain.operators.queue_controls import WorkerName
from stillmotion.domain.record.attempts import LOST_REASON, AttemptRecord, Outcome
from stillmotion.domain.request import FrameSize
from tests.builders import NOON, a_generation, some_assets

UNTIL = NOON + timedelta(seconds=15)


async def submitted(store, subscription, **parts):
    generation = a_generation(subscription_id=subscription.id, **parts)
    return (await store.submit(Submission(generation, subscription.product))).generation


async def claimed(store, clock):
    worker = WorkerName("mill-12-ab", "mill")
    return await store.claim_next(lambda each: each.claimed(UNTIL, clock.now()), worker=worker)


async def test_a_record_is_read_as_it_was_written(store, subscription, clock):
    generation = await submitted(store, subscription, cost=Decimal("0.0125"))
    begun = await claimed(store, clock)
    assert (begun.started_at, begun.stage, begun.cost) == (NOON, WorkStage.FETCHING, Decimal("0.0125"))
    await store.change(generation.id, lambda each: each.renewed(begun.lease, UNTIL, 0.5, "p.jpg", WorkStage.RENDERING))
    view = await store.view(subscription.id, generation.id)
    assert (view.stage, view.preview, view.started_at) == (WorkStage.RENDERING, "p.jpg", NOON)
    size = FrameSize(1280, 720)
    done = await store.change(
        generation.id, lambda each: each.completed(begun.lease, some_assets(), "{}", UNTIL, size, 2**40)
    )
    assert await store.find(generation.id) == done
    view = await store.view(subscription.id, generation.id)
    assert (view.stage, view.size, view.seed, view.finished_at) == (None, size, 2**40, UNTIL)


@pytest.mark.parametrize("end", ["cancelled", "failed"])
async def test_a_clip_that_was_never_made_costs_nothing(store, subscription, clock, end):
    generation = await submitted(store, subscription, cost=Decimal(2))
    begun = await claimed(store, clock)
    broken = FailureKind.IMAGE_EMPTY.error()
    ends = {
        "cancelled": lambda each: each.cancelled(NOON),
        "failed": lambda each: each.attempt_failed(begun.lease, broken, NOON),
    }
    await store.change(generation.id, ends[end])
    assert (await store.find(generation.id)).cost == 0


async def test_each_claim_is_an_attempt_with_its_outcome(store, subscription, clock):
    generation = await submitted(store, subscription)
    crash = FailureKind.RENDERER_CRASHED.error()
    ends = [
        lambda each: each.attempt_failed(each.lease, crash, clock.now()),
        lambda each: each.released(each.lease),
        lambda each: each.abandoned(clock.now()),
        lambda each: each.completed(each.lease, some_assets(), "{}", clock.now()),
    ]
    for end in ends:
        await claimed(store, clock)
        clock.advance(seconds=2)
        await store.change(generation.id, end)
    kept = await store.attempts_of(generation.id)
    assert kept == [
        AttemptRecord(generation.id, number, "parallax/1", "mill-12-ab", begun, begun + timedelta(seconds=2), *ended)
        for number, (begun, ended) in enumerate(
            [
                (NOON, (Outcome.ATTEMPT_FAILED, crash.reason)),
                (NOON + timedelta(seconds=2), (Outcome.HANDED_BACK, None)),
                (NOON + timedelta(seconds=4), (Outcome.LOST, LOST_REASON)),
                (NOON + timedelta(seconds=6), (Outcome.COMPLETED, None)),
            ],
            1,
        )
    ]


async def test_attempts_go_with_their_generation(store, subscription, clock):
    generation = await submitted(store, subscription)
    await claimed(store, clock)
    assert len(await store.attempts_of(generation.id)) == 1
    await store.delete(generation.id)
    assert list(await store.attempts_of(generation.id)) == []
