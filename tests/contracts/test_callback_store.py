"""`CallbackStore`: the outbox, filled by the transactions that change generations."""

from dataclasses import replace
from datetime import timedelta

from stillmotion.application.ports import Submission
from stillmotion.domain.callbacks import DeliveryState
from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.lifecycle import State
from tests.builders import CALLBACK_URL, NOON, a_generation, some_assets

UNTIL = NOON + timedelta(seconds=15)


async def submit(store, subscription, **parts):
    generation = a_generation(subscription, **{"callback_url": CALLBACK_URL} | parts)
    return (await store.submit(Submission(generation, subscription.product))).generation


async def claimed(store, generation):
    return await store.change(generation.id, lambda each: each.claimed(UNTIL))


async def test_each_announced_state_is_delivered_once(store, subscription, clock):
    """A second try's `dreaming` is not announced again; `queued` never is."""
    generation = await submit(store, subscription)
    assert await store.deliveries(generation.id) == []
    first = await claimed(store, generation)
    await store.change(generation.id, lambda each: each.released(first.lease))
    clock.advance(seconds=3)
    second = await claimed(store, generation)
    await store.change(generation.id, lambda each: each.renewed(second.lease, UNTIL, 0.5))
    await store.change(generation.id, lambda each: each.completed(second.lease, some_assets(), "", NOON))
    announced = await store.deliveries(generation.id)
    assert [each.announces for each in announced] == [State.DREAMING, State.COMPLETED]
    assert [each.id for each in announced] == [f"msg_{generation.id}_dreaming", f"msg_{generation.id}_completed"]
    assert [each.due_at for each in announced] == [NOON, NOON + timedelta(seconds=3)]


async def test_a_failure_is_announced_and_a_cancellation_is_not(store, subscription):
    failing, leaving = [await submit(store, subscription) for _ in range(2)]
    lease = (await claimed(store, failing)).lease
    await store.change(failing.id, lambda each: each.attempt_failed(lease, GenerationFailed("a", "b"), NOON))
    await store.change(leaving.id, lambda each: each.cancelled(NOON))
    assert [each.announces for each in await store.deliveries(failing.id)] == [State.DREAMING, State.FAILED]
    assert await store.deliveries(leaving.id) == []


async def test_without_a_callback_url_nothing_is_announced(store, subscription):
    generation = await submit(store, subscription, callback_url=None)
    await claimed(store, generation)
    assert await store.deliveries(generation.id) == []


async def test_a_change_that_fails_announces_nothing(store, subscription):
    generation = await submit(store, subscription)

    def fails(each):
        each.claimed(UNTIL)
        raise RuntimeError("after the claim")

    for _ in range(2):
        try:
            await store.change(generation.id, fails)
        except RuntimeError:
            continue
    assert await store.due(UNTIL, 10) == []


async def test_what_is_due_comes_with_all_it_takes_the_longest_due_first(store, subscription, clock):
    early, late, future = [await submit(store, subscription) for _ in range(3)]
    await claimed(store, early)
    clock.advance(seconds=1)
    last = await claimed(store, late)
    clock.advance(seconds=1)
    await claimed(store, future)
    due = await store.due(NOON + timedelta(seconds=1), 10)
    assert [each.delivery.generation_id for each in due] == [early.id, late.id]
    assert [each.secret for each in due] == [subscription.callback_secret] * 2
    assert due[1].generation == last
    assert len(await store.due(NOON + timedelta(seconds=1), 1)) == 1


async def test_what_became_of_an_attempt_is_kept(store, subscription):
    generation = await submit(store, subscription)
    await claimed(store, generation)
    (due,) = await store.due(NOON, 10)
    later = NOON + timedelta(minutes=5)
    tried = replace(due.delivery, attempts=1, last_answer="503", due_at=later)
    await store.record(tried)
    assert await store.deliveries(generation.id) == [tried]
    assert await store.due(NOON, 10) == []
    assert [each.delivery for each in await store.due(later, 10)] == [tried]


async def test_what_was_delivered_or_given_up_is_due_no_more(store, subscription):
    for state in (DeliveryState.DELIVERED, DeliveryState.GAVE_UP):
        generation = await submit(store, subscription)
        await claimed(store, generation)
        (due,) = await store.due(UNTIL, 10)
        await store.record(replace(due.delivery, attempts=1, state=state, last_answer="200"))
        assert await store.due(UNTIL, 10) == []
        assert (await store.deliveries(generation.id))[0].state is state
