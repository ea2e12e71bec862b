"""`ActivityStore`: what happened since a time."""

from datetime import timedelta

from stillmotion.application.operators.service_status import by_minute, spread
from stillmotion.application.ports.store import Submission
from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.record.attempts import Outcome
from tests.builders import NOON, a_generation, some_assets

BROKEN = GenerationFailed("engine_failed", "It broke.")


async def submit(store, subscription, at):
    made = a_generation(subscription, created_at=at)
    return (await store.submit(Submission(made, subscription.product))).generation.id


def later(clock, **by):
    return clock.advance(**by)


async def test_submits_and_ends_since_a_time_are_told(store, subscription, clock):
    await submit(store, subscription, NOON - timedelta(seconds=1))
    made, broken = [await submit(store, subscription, NOON) for _ in range(2)]
    for each in (made, broken):
        await store.change(each, lambda one: one.claimed(NOON + timedelta(seconds=15), NOON + timedelta(seconds=3)))
    end = later(clock, seconds=10)
    await store.change(made, lambda one: one.completed(one.lease, some_assets(), "", end))
    await store.change(broken, lambda one: one.attempt_failed(one.lease, BROKEN, end))
    happened = await store.activity(NOON)
    assert sorted(happened.submitted) == [NOON, NOON]
    told = {each.outcome: each for each in happened.ended}
    assert set(told) == {Outcome.COMPLETED, Outcome.FAILED}
    assert (told[Outcome.COMPLETED].waited, told[Outcome.COMPLETED].ended_at) == (3.0, end)
    assert (await store.activity(end + timedelta(seconds=1))).ended == []


async def test_failures_are_counted_by_code(store, subscription, clock):
    ids = [await submit(store, subscription, NOON) for _ in range(3)]
    for each, code in zip(ids, ("engine_failed", "out_of_memory", "engine_failed"), strict=True):
        await store.change(each, lambda one: one.claimed(NOON + timedelta(seconds=15), NOON))
        failure = GenerationFailed(code, f"It broke: {code}.")
        await store.change(each, lambda one, of=failure: one.attempt_failed(one.lease, of, clock.now()))
    counted = await store.failure_counts(NOON)
    assert [(each.code, each.count, each.latest) for each in counted] == [
        ("engine_failed", 2, ids[2]),
        ("out_of_memory", 1, ids[1]),
    ]
    assert counted[1].sentence == "It broke: out_of_memory."
    assert await store.failure_counts(NOON + timedelta(seconds=1)) == []


def test_a_spread_is_of_measured_numbers():
    assert spread([]).p50 is None
    assert (spread([3.0]).p50, spread([3.0]).p95) == (3.0, 3.0)
    numbers = [float(number) for number in range(1, 101)]
    assert (spread(numbers).p50, spread(numbers).p95) == (50.0, 95.0)


def test_minutes_are_counted_back_from_now():
    line = by_minute(
        [NOON, NOON - timedelta(seconds=59), NOON - timedelta(minutes=59), NOON - timedelta(hours=1)], NOON
    )
    assert (line[-1], line[0], sum(line)) == (2, 1, 3)
