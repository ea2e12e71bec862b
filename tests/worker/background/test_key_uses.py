"""`UseKeeper`: the last uses of keys are written at its end at the latest, and trouble with the store is survived."""

import asyncio

from stillmotion.application.access import Access, key_digest
from stillmotion.domain.errors import StoreUnavailable
from stillmotion.testing.memory_store import MemoryStore
from stillmotion.worker.background.key_uses import UseKeeper
from tests.builders import NOON, ManualClock, a_key, a_product, a_subscription

PEPPER, KEY = b"pepper", "sm_key"


class Full(MemoryStore):
    """A store whose disk is full."""

    async def note_uses(self, uses):
        raise StoreUnavailable("the disk is full")


async def kept_by(store):
    """The key's last use after a keeper's life."""
    subscription = a_subscription(a_product())
    await store.add_subscription(subscription, [a_key(subscription, digest=key_digest(PEPPER, KEY))])
    access = Access(store, store.clock, PEPPER)
    keeper = asyncio.create_task(UseKeeper(access).run())
    await asyncio.sleep(0)
    await access.authenticate(KEY)
    keeper.cancel()
    await asyncio.gather(keeper, return_exceptions=True)
    _, (key,) = await store.find_with_keys(subscription.id)
    return keeper.cancelled(), key.used_at


async def test_a_server_that_stops_has_written_the_last_uses():
    assert await kept_by(MemoryStore(ManualClock())) == (True, NOON)


async def test_a_full_disk_costs_the_uses_and_nothing_else():
    assert await kept_by(Full(ManualClock())) == (True, None)
