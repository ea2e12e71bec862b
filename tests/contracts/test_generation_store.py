"""`GenerationStore`: the contract of every store for generations and their queue."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from stillmotion.application.ports.store import IdempotencyKey, Submission
from stillmotion.domain.errors import (
    ConcurrencyLimitExceeded,
    GenerationFailed,
    GenerationNotFound,
    IdempotencyConflict,
    IllegalTransition,
    LeaseLost,
    QuotaSpent,
    RateLimitExceeded,
    Refused,
)
from stillmotion.domain.generation import Deletion
from stillmotion.domain.lifecycle import State
from stillmotion.domain.reframing import Placement
from stillmotion.domain.request import AspectRatio, Keyframe, Purpose, Resolution
from tests.builders import CALLBACK_URL, NOON, a_generation, some_assets
from tests.contracts.conftest import keep_subscription

UNTIL = NOON + timedelta(seconds=15)


def claim(generation):
    return generation.claimed(UNTIL)


async def submit(store, subscription, idempotency=None, **parts):
    generation = a_generation(subscription, **parts)
    return await store.submit(Submission(generation, subscription.product, idempotency))


async def accepted_of(store, subscription, count, **parts):
    """The number of accepted submits, of `count` at once."""
    results = await asyncio.gather(
        *(submit(store, subscription, **parts) for _ in range(count)), return_exceptions=True
    )
    unforeseen = [each for each in results if isinstance(each, Exception) and not isinstance(each, Refused)]
    assert unforeseen == []
    return sum(not isinstance(each, Exception) for each in results)


async def test_what_was_submitted_is_found_as_it_was(store, subscription):
    """Every field survives, those of the request included."""
    generation = a_generation(
        subscription,
        prompt='leaning "girl" 🌊\nand a second line',
        frame0=Keyframe(key="inputs/a/b"),
        frame1=Keyframe(id="0199-earlier"),
        aspect_ratio=AspectRatio.CINEMA,
        loop=True,
        seconds=7.25,
        resolution=Resolution.P1080,
        seed=2**63 - 1,
        concepts=("orbit_left", "handheld"),
        callback_url=CALLBACK_URL,
        model="ray-2",
        surface="dream_machine",
        created_at=NOON + timedelta(microseconds=123_456),
    )
    accepted = await store.submit(Submission(generation, subscription.product))
    assert accepted.generation == generation
    assert not accepted.replayed
    assert await store.find(generation.id) == generation


@pytest.mark.parametrize("named", [{"source": "0199-earlier"}, {"source_url": "https://example.com/film.webm"}])
async def test_a_request_to_reframe_is_found_as_it_was(store, subscription, named):
    generation = a_generation(
        subscription,
        prompt="",
        frame0=None,
        aspect_ratio=AspectRatio.TALL,
        purpose=Purpose.REFRAME,
        placement=Placement(left=-20, width=1280),
        negative_prompt="blur, text",
        **named,
    )
    await store.submit(Submission(generation, subscription.product))
    assert await store.find(generation.id) == generation


async def test_what_was_never_submitted_is_not_found(store):
    assert await store.find("01999999-0000-7000-8000-000000000000") is None
    assert await store.find("' OR 1=1 --") is None
    with pytest.raises(GenerationNotFound):
        await store.view("s", "01999999-0000-7000-8000-000000000000")


async def test_an_object_of_a_result_has_its_digest_and_no_other_has(store, subscription):
    generation = (await submit(store, subscription)).generation
    assets = some_assets(generation.id)
    claimed = await store.change(generation.id, claim)
    assert await store.digest_of(assets.video.key) is None
    await store.change(generation.id, lambda each: each.completed(claimed.lease, assets, "{}", NOON))
    assert await store.digest_of(assets.video.key) == assets.video.digest
    assert await store.digest_of(assets.thumbnail.key) == assets.thumbnail.digest
    assert await store.digest_of(f"{assets.video.key}x") is None
    assert await store.digest_of("inputs") is None


async def test_nobody_else_gets_a_view_of_a_generation(store, subscription):
    generation = (await submit(store, subscription)).generation
    with pytest.raises(GenerationNotFound):
        await store.view("another", generation.id)
    assert await store.owned("another", generation.id) is None
    assert await store.owned(subscription.id, generation.id) == generation


async def test_a_change_returns_and_keeps_what_became_of_it(store, subscription):
    generation = (await submit(store, subscription)).generation
    claimed = await store.change(generation.id, claim)
    assert claimed == generation.claimed(UNTIL)
    done = await store.change(
        generation.id, lambda each: each.completed(claimed.lease, some_assets(), '{"move": "lean"}', NOON)
    )
    assert done.state is State.COMPLETED
    assert await store.find(generation.id) == done


async def test_a_failure_is_kept_with_its_code_and_reason(store, subscription):
    generation = (await submit(store, subscription)).generation
    claimed = await store.change(generation.id, claim)
    failure = GenerationFailed("unreadable", "The picture could not be read.")
    failed = await store.change(generation.id, lambda each: each.attempt_failed(claimed.lease, failure, NOON))
    assert (failed.failure_code, failed.failure_reason) == ("unreadable", "The picture could not be read.")
    assert await store.find(generation.id) == failed


async def test_a_change_of_what_is_not_there_is_refused(store):
    with pytest.raises(GenerationNotFound):
        await store.change("01999999-0000-7000-8000-000000000000", claim)


async def test_a_change_that_raises_changes_nothing(store, subscription):
    generation = (await submit(store, subscription, callback_url=CALLBACK_URL)).generation
    await store.change(generation.id, lambda each: each.cancelled(NOON))
    with pytest.raises(IllegalTransition):
        await store.change(generation.id, claim)
    assert (await store.find(generation.id)).state is State.CANCELLED
    assert await store.deliveries(generation.id) == []


async def test_a_zombie_cannot_finish_what_another_has_claimed(store, subscription):
    """Fencing: the attempt number only grows, and a call with an old one changes nothing."""
    generation = (await submit(store, subscription)).generation
    first = (await store.change(generation.id, claim)).lease
    await store.change(generation.id, lambda each: each.released(first))
    second = await store.change(generation.id, claim)
    with pytest.raises(LeaseLost):
        await store.change(generation.id, lambda each: each.completed(first, some_assets(), "", NOON))
    assert await store.find(generation.id) == second


async def test_the_one_that_waits_longest_is_claimed_first(store, subscription):
    late = (await submit(store, subscription, created_at=NOON + timedelta(seconds=2))).generation
    early = (await submit(store, subscription, created_at=NOON + timedelta(seconds=1))).generation
    assert [(await store.claim_next(claim)).id for _ in range(2)] == [early.id, late.id]
    assert await store.claim_next(claim) is None


async def test_one_that_is_handed_back_keeps_its_place(store, subscription):
    first = (await submit(store, subscription)).generation
    await submit(store, subscription, created_at=NOON + timedelta(seconds=1))
    lease = (await store.claim_next(claim)).lease
    await store.change(first.id, lambda each: each.released(lease))
    assert (await store.claim_next(claim)).id == first.id


async def test_many_workers_never_claim_the_same_one(store, subscription):
    for _ in range(20):
        await submit(store, subscription)
    claimed = await asyncio.gather(*(store.claim_next(claim) for _ in range(30)))
    ids = [each.id for each in claimed if each is not None]
    assert len(ids) == len(set(ids)) == 20


async def test_leased_names_those_whose_lease_has_ended(store, subscription):
    ended, running, queued = [(await submit(store, subscription)).generation.id for _ in range(3)]
    await store.change(ended, claim)
    await store.change(running, lambda each: each.claimed(UNTIL + timedelta(seconds=1)))
    assert await store.leased(UNTIL) == [ended]
    assert sorted(await store.leased(UNTIL + timedelta(seconds=1))) == sorted([ended, running])
    assert await store.leased(UNTIL - timedelta(microseconds=1)) == []
    assert (await store.find(queued)).lease_until is None


async def test_what_is_under_way_is_counted(store, subscription):
    assert await store.counts() == {"queued": 0, "dreaming": 0}
    ids = [(await submit(store, subscription)).generation.id for _ in range(3)]
    await store.claim_next(claim)
    await store.change(ids[2], lambda each: each.cancelled(NOON))
    assert await store.counts() == {"queued": 1, "dreaming": 1}


async def test_a_hundred_a_minute_means_a_hundred(store):
    subscription = await keep_subscription(store, submits_per_minute=100)
    assert await accepted_of(store, subscription, 130) == 100
    with pytest.raises(RateLimitExceeded) as refused:
        await submit(store, subscription, created_at=NOON + timedelta(seconds=18.5))
    assert refused.value.retry_after == 42
    assert await accepted_of(store, subscription, 130, created_at=NOON + timedelta(minutes=1)) == 100


async def test_a_request_that_is_counted_late_does_not_begin_the_window_anew(store):
    """Requests may reach the store in another order than their times."""
    subscription = await keep_subscription(store, submits_per_minute=3)
    for seconds in (2, 1, 0):
        await submit(store, subscription, created_at=NOON + timedelta(seconds=seconds))
    with pytest.raises(RateLimitExceeded):
        await submit(store, subscription, created_at=NOON + timedelta(seconds=3))


async def test_the_window_tells_what_was_spent(store):
    subscription = await keep_subscription(store, submits_per_minute=10)
    await submit(store, subscription)
    accepted = await submit(store, subscription, created_at=NOON + timedelta(seconds=9))
    assert (accepted.window.started_at, accepted.window.spent) == (NOON, 2)


async def test_no_more_at_once_than_the_product_says(store):
    subscription = await keep_subscription(store, concurrent_generations=5)
    assert await accepted_of(store, subscription, 9) == 5
    with pytest.raises(ConcurrencyLimitExceeded):
        await submit(store, subscription)
    claimed = await store.claim_next(claim)
    with pytest.raises(ConcurrencyLimitExceeded):
        await submit(store, subscription)
    await store.change(claimed.id, lambda each: each.completed(claimed.lease, some_assets(), "", NOON))
    assert await accepted_of(store, subscription, 3) == 1


async def test_every_end_makes_room_once(store):
    """Completed, failed and cancelled count alike. A release makes no room."""
    subscription = await keep_subscription(store, concurrent_generations=3)
    ids = [(await submit(store, subscription)).generation.id for _ in range(3)]
    leases = [(await store.change(each, claim)).lease for each in ids]
    failure = GenerationFailed("unreadable", "No.")
    await store.change(ids[0], lambda each: each.attempt_failed(leases[0], failure, NOON))
    await store.change(ids[1], lambda each: each.cancelled(NOON))
    await store.change(ids[2], lambda each: each.released(leases[2]))
    assert await accepted_of(store, subscription, 5) == 2


async def test_limits_are_each_subscriptions_own(store):
    one = await keep_subscription(store, name="one", submits_per_minute=1)
    other = await keep_subscription(store, name="other", submits_per_minute=1)
    assert await accepted_of(store, one, 2) == 1
    assert await accepted_of(store, other, 2) == 1


async def test_a_refused_submit_leaves_nothing_and_counts_nothing(store):
    """A submit that its quota refuses has been counted against the rate before. That count is undone too."""
    subscription = await keep_subscription(store, submits_per_minute=2, video_seconds_per_month=6)
    await submit(store, subscription, seconds=5)
    key = IdempotencyKey("again", b"body")
    for _ in range(3):
        with pytest.raises(QuotaSpent):
            await submit(store, subscription, idempotency=key, seconds=5)
    accepted = await submit(store, subscription, idempotency=key, seconds=1)
    assert (accepted.replayed, accepted.window.spent) == (False, 2)
    assert (await store.counts())["queued"] == 2


async def test_a_quota_is_spent_to_the_last_second_and_comes_back_next_month(store):
    subscription = await keep_subscription(store, video_seconds_per_month=10)
    assert await accepted_of(store, subscription, 7, seconds=2.5) == 4
    with pytest.raises(QuotaSpent):
        await submit(store, subscription, seconds=1)
    await submit(store, subscription, seconds=10, created_at=NOON + timedelta(days=30))


async def test_what_fails_or_is_cancelled_is_refunded_to_the_second(store):
    subscription = await keep_subscription(store, video_seconds_per_month=10)
    for _ in range(5):
        generation = (await submit(store, subscription, seconds=9.9)).generation
        await store.change(generation.id, lambda each: each.cancelled(NOON))
    claimed = await store.change((await submit(store, subscription, seconds=3.3)).generation.id, claim)
    temporary = GenerationFailed("engine", "Once more.", permanent=False)
    await store.change(claimed.id, lambda each: each.attempt_failed(claimed.lease, temporary, NOON))
    assert await accepted_of(store, subscription, 3, seconds=3.3) == 2
    again = await store.change(claimed.id, claim)
    done = await store.change(claimed.id, lambda each: each.completed(again.lease, some_assets(), "", NOON))
    assert done.state is State.COMPLETED
    with pytest.raises(QuotaSpent):
        await submit(store, subscription, seconds=1)


async def test_a_refund_goes_to_the_month_that_paid(store):
    subscription = await keep_subscription(store, video_seconds_per_month=10)
    old = (await submit(store, subscription, seconds=10)).generation
    december = NOON + timedelta(days=30)
    await submit(store, subscription, seconds=8, created_at=december)
    await store.change(old.id, lambda each: each.cancelled(december))
    with pytest.raises(QuotaSpent):
        await submit(store, subscription, seconds=3, created_at=december)


async def test_all_that_becomes_of_a_generation_is_told_once_it_is_committed(store, subscription, told):
    made = (await submit(store, subscription)).generation
    claimed = await store.claim_next(claim)
    ended = await store.change(made.id, lambda each: each.cancelled(NOON))
    with pytest.raises(IllegalTransition):
        await store.change(made.id, claim)
    assert await store.claim_next(claim) is None
    await store.delete(made.id)
    assert told == [made, claimed, ended, Deletion(made.id, subscription.id)]


async def test_the_same_key_and_body_give_the_first_generation_again(store, subscription):
    key = IdempotencyKey("order-66", b"digest")
    first = await submit(store, subscription, idempotency=key)
    await store.change(first.generation.id, claim)
    again = await submit(store, subscription, idempotency=key, created_at=NOON + timedelta(hours=23.9))
    assert again.replayed
    assert again.generation == await store.find(first.generation.id)
    assert await store.counts() == {"queued": 0, "dreaming": 1}


async def test_a_replay_passes_every_limit_and_spends_nothing(store):
    subscription = await keep_subscription(
        store, submits_per_minute=1, concurrent_generations=1, video_seconds_per_month=5
    )
    key = IdempotencyKey("order-66", b"digest")
    await submit(store, subscription, idempotency=key)
    replays = [await submit(store, subscription, idempotency=key) for _ in range(3)]
    assert [(each.replayed, each.window.spent) for each in replays] == [(True, 1)] * 3


async def test_the_same_key_sent_many_times_at_once_makes_one_generation(store, subscription):
    key = IdempotencyKey("order-66", b"digest")
    results = await asyncio.gather(*(submit(store, subscription, idempotency=key) for _ in range(20)))
    assert len({each.generation.id for each in results}) == 1
    assert [each.replayed for each in results].count(False) == 1


async def test_the_same_key_with_another_body_is_a_conflict(store, subscription):
    await submit(store, subscription, idempotency=IdempotencyKey("order-66", b"digest"))
    with pytest.raises(IdempotencyConflict):
        await submit(store, subscription, idempotency=IdempotencyKey("order-66", b"another"))
    assert (await store.counts())["queued"] == 1


async def test_an_idempotency_key_is_its_subscriptions_own(store):
    one = await keep_subscription(store, name="one")
    other = await keep_subscription(store, name="other")
    key = IdempotencyKey("order-66", b"digest")
    first = await submit(store, one, idempotency=key)
    second = await submit(store, other, idempotency=key)
    assert not second.replayed
    assert second.generation.id != first.generation.id


async def test_changes_at_once_each_see_the_one_before(store, subscription):
    generation = (await submit(store, subscription)).generation
    claimed = await store.change(generation.id, claim)

    def further(each):
        return replace(each, progress=each.progress + 0.01)

    await asyncio.gather(*(store.change(claimed.id, further) for _ in range(50)))
    assert (await store.find(claimed.id)).progress == pytest.approx(0.5)
