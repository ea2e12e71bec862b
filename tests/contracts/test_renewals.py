"""`GenerationStore.renew`: the contract of every store for the renewal of leases."""

from datetime import timedelta

import pytest

from stillmotion.domain.errors import LeaseLost
from stillmotion.domain.generation import WorkStage
from tests.builders import NOON, some_assets
from tests.contracts.test_generation_store import UNTIL, claim, submit


async def test_a_renewal_keeps_the_lease_and_what_is_shown_of_the_work(store, subscription):
    generation = (await submit(store, subscription)).generation
    claimed = await store.change(generation.id, claim)
    later = UNTIL + timedelta(seconds=5)
    await store.renew(claimed.lease, later, 0.5, "shown.jpg", WorkStage.RENDERING)
    renewed = await store.find(generation.id)
    assert renewed == claimed.renewed(claimed.lease, later, 0.5, "shown.jpg", WorkStage.RENDERING)
    view = await store.view(subscription.id, generation.id)
    assert (view.progress, view.preview, view.stage) == (0.5, "shown.jpg", WorkStage.RENDERING)
    assert (await store.leased(UNTIL), await store.leased(later)) == ([], [generation.id])


async def test_progress_never_goes_back(store, subscription):
    generation = (await submit(store, subscription)).generation
    lease = (await store.change(generation.id, claim)).lease
    await store.renew(lease, UNTIL, 0.5)
    await store.renew(lease, UNTIL, 0.25, None, WorkStage.STORING)
    found = await store.find(generation.id)
    assert (found.progress, found.stage) == (0.5, WorkStage.STORING)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda each: each.released(each.lease), id="released"),
        pytest.param(lambda each: each.completed(each.lease, some_assets(), "", NOON), id="completed"),
        pytest.param(lambda each: each.cancelled(NOON), id="cancelled"),
        pytest.param(lambda each: each.released(each.lease).claimed(UNTIL), id="claimed again"),
    ],
)
async def test_a_lost_lease_is_not_renewed(store, subscription, change):
    generation = (await submit(store, subscription)).generation
    lease = (await store.change(generation.id, claim)).lease
    after = await store.change(generation.id, change)
    with pytest.raises(LeaseLost):
        await store.renew(lease, UNTIL + timedelta(seconds=5), 0.5)
    assert await store.find(generation.id) == after


async def test_the_lease_of_a_deleted_generation_is_lost(store, subscription):
    generation = (await submit(store, subscription)).generation
    lease = (await store.change(generation.id, claim)).lease
    await store.delete(generation.id)
    with pytest.raises(LeaseLost):
        await store.renew(lease, UNTIL, 0.5)


async def test_what_a_renewal_told_stays_after_the_end(store, subscription):
    """A change reads what the last renewal wrote, wherever a store keeps it."""
    generation = (await submit(store, subscription)).generation
    lease = (await store.change(generation.id, claim)).lease
    await store.renew(lease, UNTIL + timedelta(seconds=5), 0.5, "shown.jpg")
    before = await store.find(generation.id)
    ended = await store.change(generation.id, lambda each: each.cancelled(NOON))
    assert ended == before.cancelled(NOON)
    assert await store.find(generation.id) == ended


async def test_a_renewal_tells_how_long_somebody_looks_at_the_previews(store, subscription):
    looked_at, other, queued = [(await submit(store, subscription)).generation for _ in range(3)]
    leases = [(await store.change(each.id, claim)).lease for each in (looked_at, other)]
    assert [await store.renew(each, UNTIL, 0.1) for each in leases] == [None, None]
    for seconds in (10, 20):
        until = NOON + timedelta(seconds=seconds)
        await store.watch_previews([looked_at.id, queued.id, "nobody's"], until)
        assert [await store.renew(each, UNTIL, 0.2) for each in leases] == [until, None]
    assert await store.find(queued.id) == queued
