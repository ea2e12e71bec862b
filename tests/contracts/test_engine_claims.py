"""`GenerationStore`: a worker claims work for its engines, and the name of a job at another server is kept."""

from datetime import timedelta

from stillmotion.application.ports.store import EngineLimit, Engines
from stillmotion.domain.lifecycle import State
from stillmotion.domain.operators.queue_controls import WorkerName
from tests.builders import NOON
from tests.contracts.conftest import keep_subscription
from tests.contracts.test_generation_store import claim, submit


async def test_a_worker_claims_only_what_its_engines_make(store, subscription):
    here = (await submit(store, subscription)).generation
    there = (
        await submit(store, subscription, engine="forward/studio", created_at=NOON - timedelta(seconds=1))
    ).generation
    studio = frozenset({"forward/studio"})
    assert (await store.claim_next(claim, Engines(studio, others=True))).id == here.id
    assert await store.claim_next(claim, Engines(studio, others=True)) is None
    assert await store.claim_next(claim, Engines(frozenset({"forward/other"}), others=False)) is None
    assert (await store.claim_next(claim, Engines(studio, others=False))).id == there.id


async def test_whose_turn_it_is_counts_among_those_with_work_for_the_engine(store):
    """One subscription's work for a remote server delays nobody whose work is for this machine."""
    one, other = await keep_subscription(store, name="one"), await keep_subscription(store, name="other")
    await submit(store, one, engine="forward/studio")
    await submit(store, other, created_at=NOON + timedelta(seconds=1))
    claimed = await store.claim_next(claim, Engines(frozenset({"forward/studio"}), others=True))
    assert claimed.subscription_id == other.id


async def test_what_another_server_calls_it_is_kept_until_another_engine_has_it(store, subscription):
    generation = (await submit(store, subscription, engine="forward/studio")).generation
    lease = (await store.change(generation.id, claim)).lease
    await store.change(generation.id, lambda each: each.remembered(lease, "video_1"))
    released = await store.change(generation.id, lambda each: each.released(lease))
    assert (await store.find(generation.id)).remote == released.remote == "video_1"
    assert list(await store.queued_for("forward/studio")) == [generation.id]
    await store.change(generation.id, lambda each: each.rerouted("parallax/1"))
    found = await store.find(generation.id)
    assert (found.engine, found.remote, found.state) == ("parallax/1", "", State.QUEUED)
    assert list(await store.queued_for("forward/studio")) == []
    assert (await store.view(subscription.id, generation.id)).engine == "parallax/1"


async def test_no_more_of_an_engine_are_leased_than_its_limit_whoever_claims(store, subscription):
    for number in range(3):
        await submit(store, subscription, engine="forward/studio", created_at=NOON + timedelta(seconds=number))
    studio, limit = Engines(frozenset({"forward/studio"}), others=False), EngineLimit("forward/studio", 2)

    async def claimed_by(worker):
        return await store.claim_next(claim, studio, (), WorkerName(worker, ""), limit)

    first, second = await claimed_by("one"), await claimed_by("another")
    assert None not in (first, second)
    assert await claimed_by("one") is None
    assert await claimed_by("a third") is None
    await store.change(first.id, lambda each: each.released(first.lease))
    assert (await claimed_by("a third")).id == first.id


async def test_leases_of_other_engines_do_not_count_for_an_engines_limit(store, subscription):
    await submit(store, subscription, engine="forward/other")
    await submit(store, subscription, engine="forward/studio", created_at=NOON + timedelta(seconds=1))
    assert (await store.claim_next(claim)).engine == "forward/other"
    claimed = await store.claim_next(claim, Engines(), (), WorkerName("one", ""), EngineLimit("forward/studio", 1))
    assert claimed.engine == "forward/studio"
