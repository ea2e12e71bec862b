"""`CallbackStore`: the outbox, filled by the transactions that change generations."""

from dataclasses import replace
from datetime import timedelta

import pytest

from stillmotion.application.ports.store import Submission
from stillmotion.domain.callbacks import DeliveryAttempt, DeliveryState
from stillmotion.domain.errors import CallbackNotFound, GenerationFailed
from stillmotion.domain.lifecycle import State
from tests.builders import CALLBACK_URL, NOON, a_generation, some_assets
from tests.contracts.conftest import keep_subscription

UNTIL = NOON + timedelta(seconds=15)


async def submit(store, subscription, **parts):
    generation = a_generation(subscription, **{"callback_url": CALLBACK_URL} | parts)
    return (await store.submit(Submission(generation, subscription.product))).generation


async def claimed(store, generation):
    return await store.change(generation.id, lambda each: each.claimed(UNTIL))


async def test_each_announced_state_is_delivered_once(store, subscription, clock):
    """The `dreaming` of a second try is not announced again, and `queued` never is."""
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
    assert [each.created_at for each in announced] == [each.due_at for each in announced]


async def test_a_claim_announces_as_every_change_does(store, subscription, clock):
    first, again = [await submit(store, subscription, prompt=prompt) for prompt in ("first", "again")]
    await claimed(store, first)
    clock.advance(seconds=1)
    assert (await store.claim_next(lambda each: each.claimed(UNTIL))).id == again.id
    (by_change,), (by_claim,) = [await store.deliveries(each.id) for each in (first, again)]
    parts = {"id": by_claim.id, "generation_id": again.id, "created_at": clock.now(), "due_at": clock.now()}
    assert by_claim == replace(by_change, **parts)


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


async def announced(store, subscription, url=CALLBACK_URL):
    """A delivery that is due."""
    generation = await submit(store, subscription, callback_url=url)
    await claimed(store, generation)
    (delivery,) = await store.deliveries(generation.id)
    return delivery


async def attempted(store, delivery, status=500, at=NOON, **becomes):
    attempt = DeliveryAttempt(delivery.replays, delivery.attempts + 1, at, timedelta(milliseconds=12), status)
    tried = replace(delivery, attempts=attempt.number, last_answer=attempt.answer, **becomes)
    await store.record(tried, attempt)
    return tried, attempt


async def test_what_is_due_longest_comes_first(store, subscription, clock):
    early, late, future = [await submit(store, subscription) for _ in range(3)]
    await claimed(store, early)
    clock.advance(seconds=1)
    await claimed(store, late)
    clock.advance(seconds=1)
    await claimed(store, future)
    due = await store.due(NOON + timedelta(seconds=1), 10)
    assert [each.generation_id for each in due] == [early.id, late.id]
    assert [each.generation_id for each in await store.due(NOON + timedelta(seconds=1), 1)] == [early.id]


async def test_of_each_endpoint_only_so_many_are_due_at_once(store, subscription, clock):
    """A long backlog of one endpoint hides no other endpoint."""
    for url in ["https://dead.example/hook"] * 20 + ["https://alive.example:8443/a", "https://alive.example:8443/b"]:
        await announced(store, subscription, url)
        clock.advance(seconds=1)
    due = await store.due(clock.now(), 3)
    assert [each.endpoint for each in due] == ["dead.example"] * 3 + ["alive.example:8443"] * 2
    assert [each.due_at for each in due] == sorted(each.due_at for each in due)


async def test_what_is_to_be_delivered_comes_with_all_it_takes(store, subscription):
    generation = await submit(store, subscription)
    dreaming = await claimed(store, generation)
    (delivery,) = await store.due(NOON, 10)
    due = await store.find_due(delivery.id)
    assert (due.delivery, due.generation, due.secret) == (delivery, dreaming, subscription.callback_secret)
    assert await store.find_due("msg_of_nobody") is None


async def test_what_became_of_an_attempt_is_kept(store, subscription):
    delivery = await announced(store, subscription)
    later = NOON + timedelta(minutes=5)
    tried, attempt = await attempted(store, delivery, status=503, due_at=later)
    assert await store.deliveries(delivery.generation_id) == [tried]
    assert await store.find_delivery(delivery.id) == tried
    assert await store.attempts(delivery.id) == [attempt]
    assert await store.due(NOON, 10) == []
    assert await store.due(later, 10) == [tried]


async def test_every_attempt_is_kept_with_why_there_was_no_answer(store, subscription):
    delivery = await announced(store, subscription)
    delivery, first = await attempted(store, delivery)
    reason = "callback_timeout: no answer came in time"
    second = DeliveryAttempt(0, 2, NOON + timedelta(seconds=5), timedelta(seconds=15), None, reason)
    await store.record(replace(delivery, attempts=2, last_answer=reason), second)
    assert await store.attempts(delivery.id) == [first, second]
    assert await store.attempts("msg_of_nobody") == []


async def test_of_two_processes_with_one_attempt_the_delivered_one_counts_and_else_the_first(store, subscription):
    first, second = [await announced(store, subscription) for _ in range(2)]
    later, much_later = NOON + timedelta(minutes=5), NOON + timedelta(minutes=25)
    kept, _ = await attempted(store, first, state=DeliveryState.DELIVERED, status=204)
    await attempted(store, first, due_at=later)
    assert await store.find_delivery(first.id) == kept
    once, _ = await attempted(store, second, due_at=later)
    await attempted(store, second, due_at=much_later)
    assert await store.find_delivery(second.id) == once
    delivered, _ = await attempted(store, second, state=DeliveryState.DELIVERED, status=204)
    assert await store.find_delivery(second.id) == delivered


async def test_what_was_delivered_or_given_up_is_due_no_more(store, subscription):
    for state in (DeliveryState.DELIVERED, DeliveryState.GAVE_UP):
        delivery = await announced(store, subscription)
        await attempted(store, delivery, state=state)
        assert await store.due(UNTIL, 10) == []
        assert await store.find_due(delivery.id) is None
        assert (await store.find_delivery(delivery.id)).state is state


async def test_a_replay_is_due_now_under_the_same_id_and_the_log_stays(store, subscription, clock):
    delivery = await announced(store, subscription)
    spent, first = await attempted(store, delivery, state=DeliveryState.GAVE_UP)
    now = clock.advance(days=1)
    again = await store.replay(delivery.id, now)
    assert again == spent.replayed(now)
    assert await store.due(now, 10) == [again]
    _, second = await attempted(store, again, status=200, at=now, state=DeliveryState.DELIVERED)
    assert await store.attempts(delivery.id) == [first, second]
    assert (first.replay, second.replay, second.number) == (0, 1, 1)
    assert await store.replay("msg_of_nobody", now) is None


async def test_an_attempt_that_a_replay_overtook_is_logged_and_changes_nothing(store, subscription, clock):
    delivery = await announced(store, subscription)
    again = await store.replay(delivery.id, clock.now())
    _, late = await attempted(store, delivery, state=DeliveryState.GAVE_UP)
    assert await store.find_delivery(delivery.id) == again
    assert await store.attempts(delivery.id) == [late]


async def test_a_subscriptions_deliveries_are_its_own(store, subscription):
    other = await keep_subscription(store, name="of another")
    own = [await announced(store, subscription) for _ in range(3)]
    theirs = await announced(store, other)
    every = tuple(DeliveryState)
    latest = await store.owned_deliveries(subscription.id, every, None, 2)
    assert [each.delivery.id for each in latest] == [own[2].id, own[1].id]
    assert [each.generation.id for each in latest] == [own[2].generation_id, own[1].generation_id]
    following = await store.owned_deliveries(subscription.id, every, own[1].id, 2)
    assert [each.delivery.id for each in following] == [own[0].id]
    assert list(await store.owned_deliveries("nobody", every, None, 2)) == []
    for cursor in (theirs.id, "msg_none"):
        with pytest.raises(CallbackNotFound):
            await store.owned_deliveries(subscription.id, every, cursor, 2)


async def test_a_subscriptions_deliveries_are_found_by_state(store, subscription):
    pending, gone = [await announced(store, subscription) for _ in range(2)]
    await attempted(store, gone, state=DeliveryState.GAVE_UP)
    found = {}
    for state in DeliveryState:
        owned = await store.owned_deliveries(subscription.id, (state,), None, 10)
        found[state] = [each.delivery.id for each in owned]
    assert found == {DeliveryState.PENDING: [pending.id], DeliveryState.DELIVERED: [], DeliveryState.GAVE_UP: [gone.id]}
