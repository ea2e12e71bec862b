"""The background sweep survives temporary failures."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from stillmotion.adapters.objects import LocalObjects
from stillmotion.application.ports.store import Submission
from stillmotion.application.retention import Retention
from stillmotion.testing.memory_store import MemoryStore
from stillmotion.worker.background.sweeps import Sweeper
from tests.builders import ManualClock, a_generation, a_product, a_subscription, some_assets
from tests.waiting import eventually_async


async def test_what_expired_while_the_server_was_off_goes_at_its_start(tmp_path):
    clock = ManualClock()
    store, objects = MemoryStore(clock), LocalObjects(tmp_path)
    owner = a_subscription(a_product(retention_days=1))
    await store.add_product(owner.product)
    await store.add_subscription(owner, [])
    generation = a_generation(owner)
    await store.submit(Submission(generation, owner.product))
    claimed = await store.change(generation.id, lambda each: each.claimed(clock.now() + timedelta(seconds=15)))
    assets = some_assets(generation.id)
    for asset in assets:
        await objects.put(asset.key, b"clip")
    await store.change(generation.id, lambda each: each.completed(claimed.lease, assets, "{}", clock.now()))
    clock.advance(days=1)
    sweeping = asyncio.create_task(Sweeper(Retention(store, objects, clock)).run())

    async def is_gone():
        return await store.find(generation.id) is None and not await store.removals(1)

    await eventually_async(is_gone)
    sweeping.cancel()
    with suppress(asyncio.CancelledError):
        await sweeping
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
