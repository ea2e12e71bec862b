"""`RetentionStore`: a deletion covers all that belongs to a generation, and references to kept objects are found."""

from datetime import timedelta

import pytest

from stillmotion.application.ports.store import IdempotencyKey, Submission
from stillmotion.domain.callbacks import DeliveryAttempt
from stillmotion.domain.errors import (
    ConcurrencyLimitExceeded,
    GenerationFailed,
    GenerationNotFound,
    QuotaSpent,
)
from stillmotion.domain.generation import Deletion
from stillmotion.domain.lifecycle import State
from stillmotion.domain.request import Keyframe
from tests.builders import CALLBACK_URL, NOON, a_generation, some_assets
from tests.contracts.conftest import keep_subscription

UNTIL = NOON + timedelta(seconds=15)


async def submit(store, subscription, key=None, **parts):
    generation = a_generation(subscription, **parts)
    named = None if key is None else IdempotencyKey(key, b"digest")
    return (await store.submit(Submission(generation, subscription.product, named))).generation


async def complete(store, generation, at=NOON):
    lease = (await store.change(generation.id, lambda each: each.claimed(UNTIL))).lease
    return await store.change(generation.id, lambda each: each.completed(lease, some_assets(generation.id), "{}", at))


async def test_what_is_deleted_before_it_has_finished_is_told_of_as_cancelled(store, subscription, told):
    waiting, over = await submit(store, subscription), await submit(store, subscription)
    await complete(store, over)
    told.clear()
    assert await store.delete(waiting.id)
    assert await store.delete(over.id)
    cancelled, *gone = told
    assert (cancelled.id, cancelled.state) == (waiting.id, State.CANCELLED)
    assert gone == [Deletion(each.id, subscription.id) for each in (waiting, over)]


async def test_what_is_deleted_is_gone_and_cannot_be_deleted_again(store, subscription):
    generation = await complete(store, await submit(store, subscription, callback_url=CALLBACK_URL))
    delivery = (await store.deliveries(generation.id))[0]
    attempt = DeliveryAttempt(0, 1, NOON, timedelta(0), 500)
    await store.record(delivery.attempted(attempt, None, 0.0), attempt)
    assert await store.delete(generation.id)
    assert await store.find(generation.id) is None
    with pytest.raises(GenerationNotFound):
        await store.view(subscription.id, generation.id)
    assert await store.deliveries(generation.id) == []
    assert await store.attempts(delivery.id) == []
    assert await store.find_due(delivery.id) is None
    assert await store.due(UNTIL, 10) == []
    assert not await store.delete(generation.id)
    assert not await store.delete("never")


async def test_a_preview_is_named_as_long_as_its_attempt_goes_on(store, subscription):
    generation = await submit(store, subscription)
    lease = (await store.change(generation.id, lambda each: each.claimed(UNTIL))).lease
    key, other = f"generations/{generation.id}/shown.jpg", f"generations/{generation.id}/other.jpg"
    shown = await store.change(generation.id, lambda each: each.renewed(lease, UNTIL, 0.5, key))
    assert await store.find(generation.id) == shown
    assert (shown.preview, await store.named([key, other])) == (key, {key})
    await store.change(generation.id, lambda each: each.released(lease))
    assert (await store.find(generation.id)).preview is None
    assert await store.named([key, other]) == set()


async def test_what_belongs_to_others_stays(store, subscription):
    first, second = [await complete(store, await submit(store, subscription, callback_url=CALLBACK_URL)) for _ in "ab"]
    await store.delete(first.id)
    assert await store.find(second.id) == second
    assert len(await store.deliveries(second.id)) == 2


async def test_a_callback_that_was_under_way_leaves_nothing(store, subscription):
    generation = await complete(store, await submit(store, subscription, callback_url=CALLBACK_URL))
    delivery = (await store.deliveries(generation.id))[0]
    await store.delete(generation.id)
    attempt = DeliveryAttempt(0, 1, NOON, timedelta(0), 200)
    await store.record(delivery.attempted(attempt, None, 0.0), attempt)
    assert await store.find_delivery(delivery.id) is None
    assert await store.attempts(delivery.id) == []
    assert await store.replay(delivery.id, NOON) is None


async def test_deleting_what_is_queued_gives_back_what_it_took(store):
    subscription = await keep_subscription(store, name="one", concurrent_generations=1, video_seconds_per_month=5)
    generation = await submit(store, subscription, seconds=5)
    with pytest.raises(ConcurrencyLimitExceeded):
        await submit(store, subscription, seconds=5)
    await store.delete(generation.id)
    await complete(store, await submit(store, subscription, seconds=5))
    with pytest.raises(QuotaSpent):
        await submit(store, subscription, seconds=5)


async def test_deleting_a_result_does_not_give_back_its_seconds(store):
    subscription = await keep_subscription(store, name="one", video_seconds_per_month=5)
    await store.delete((await complete(store, await submit(store, subscription, seconds=5))).id)
    with pytest.raises(QuotaSpent):
        await submit(store, subscription, seconds=5)


async def test_a_render_under_way_has_lost_what_it_was_for(store, subscription):
    generation = await submit(store, subscription)
    claimed = await store.change(generation.id, lambda each: each.claimed(UNTIL))
    await store.delete(generation.id)
    with pytest.raises(GenerationNotFound):
        await store.change(generation.id, lambda each: each.renewed(claimed.lease, UNTIL, 0.5))
    assert await store.leased(UNTIL) == []
    assert await store.claim_next(lambda each: each.claimed(UNTIL)) is None


async def test_the_idempotency_key_of_what_was_deleted_is_free_again(store, subscription):
    generation = await submit(store, subscription, key="mine")
    await store.delete(generation.id)
    another = a_generation(subscription)
    accepted = await store.submit(Submission(another, subscription.product, IdempotencyKey("mine", b"of another body")))
    assert (accepted.generation.id, accepted.replayed) == (another.id, False)


async def test_what_was_deleted_is_remembered_until_its_objects_are_gone(store, subscription, clock):
    first, second = await submit(store, subscription), await submit(store, subscription)
    await store.delete(first.id)
    clock.advance(seconds=1)
    await store.delete(second.id)
    assert list(await store.removals(10)) == [first.id, second.id]
    assert list(await store.removals(1)) == [first.id]
    await store.removed(first.id)
    await store.removed(first.id)
    assert list(await store.removals(10)) == [second.id]


async def test_what_is_finished_expires_after_its_products_time(store, subscription):
    kept = await keep_subscription(store, name="a week", retention_days=7)
    for_ever = await complete(store, await submit(store, subscription))
    done = await complete(store, await submit(store, kept))
    failed = await submit(store, kept)
    lease = (await store.change(failed.id, lambda each: each.claimed(UNTIL))).lease
    later = NOON + timedelta(days=1)
    await store.change(failed.id, lambda each: each.attempt_failed(lease, GenerationFailed("a", "b"), later))
    await submit(store, kept)
    week = timedelta(days=7)
    assert list(await store.expired(NOON + week - timedelta(seconds=1), 10)) == []
    assert list(await store.expired(NOON + week, 10)) == [done.id]
    assert sorted(await store.expired(later + week, 10)) == sorted([done.id, failed.id])
    assert len(await store.expired(later + week, 1)) == 1
    assert for_ever.id not in await store.expired(NOON + timedelta(days=40_000), 10)


async def test_a_product_says_how_long_it_keeps(store):
    subscription = await keep_subscription(store, name="a month", retention_days=30)
    assert (await store.find_product("a month")).retention_days == 30
    [(found, _)] = await store.subscriptions()
    assert found.product == subscription.product


async def test_objects_that_a_generation_names_are_known(store, subscription):
    frame0 = Keyframe(key="inputs/there/picture")
    made = await submit(store, subscription, id="there", frame0=frame0)
    await complete(store, made)
    keys = ["inputs/there/picture", "inputs/there/other", "generations/there/v.mp4", "generations/there/t.jpg"]
    assert await store.named([*keys, "generations/gone/v.mp4", "generations/there/x.mp4", "elsewhere"]) == {
        keys[0],
        *keys[2:],
    }
    await store.delete("there")
    assert await store.named(keys) == set()
