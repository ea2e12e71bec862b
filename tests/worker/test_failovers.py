"""A failover of the database: what a host claimed before is no longer its own, even under the same attempt."""

import pytest

from stillmotion.domain.errors import LeaseLost
from stillmotion.domain.lifecycle import State
from tests.worker.conftest import running


async def test_a_render_of_before_is_dropped_and_made_anew(workshop):
    async with running(workshop) as bench:
        generation_id = await bench.submit("slow")
        before = await bench.rendering(generation_id)
        bench.store.epoch += 1
        await bench.emptied()
        dropped = await bench.find(generation_id)
        assert (dropped.state, dropped.attempt) == (State.DREAMING, before.attempt), "its row may be another's by now"
        await workshop.work.reclaim_all()
        ended = await bench.ended(generation_id)
    assert (ended.state, ended.attempt, ended.losses) == (State.COMPLETED, 2, 1)


async def test_a_lease_of_before_changes_nothing(workshop):
    async with running(workshop) as bench:
        generation_id = await bench.submit("slow")
        claimed = await bench.rendering(generation_id)
        work, lease = workshop.work, workshop.work.lease_of(claimed)
        assert await work.holds(lease)
        bench.store.epoch += 1
        assert not await work.holds(lease)
        for refused in (
            work.renew(lease, 0.5),
            work.release(lease),
            work.remember(lease, "x"),
            work.hand_on(lease, "y"),
        ):
            with pytest.raises(LeaseLost, match="claimed before a failover"):
                await refused
        assert (await bench.find(generation_id)).attempt == claimed.attempt
