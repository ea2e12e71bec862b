"""Costs of what a fleet does all the time and nobody waits for: polls, looks into an empty queue, and completions."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle, islice
from typing import TypeVar

from bench.fleet.servers import Durable
from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.store.postgresql.store import PostgresStore, open_store
from stillmotion.domain.assets import Asset, AssetKind, Assets
from stillmotion.domain.generation import Generation

POLLERS, WORKERS = 16, 8
POLLS, LOOKS = 20_000, 4_000
CLOCK = SystemClock()
LEASE = timedelta(seconds=15)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ConstantCosts:
    """Seconds of database processor of one of each."""

    poll: float
    look: float
    completion: float


async def measure(server: Durable, store: PostgresStore, leased: Sequence[Generation]) -> ConstantCosts:
    """The costs, over generations that are leased. They are completed by it."""

    async def poll(each: Generation) -> None:
        await store.view(each.subscription_id, each.id)

    async def complete(each: Generation) -> None:
        lease, now = each.lease, CLOCK.now()
        assert lease is not None
        await store.change(each.id, lambda current: current.completed(lease, _assets(each.id), "{}", now))

    polled = islice(cycle(leased), POLLS)
    return ConstantCosts(
        poll=await _cost(server, polled, POLLS, poll, POLLERS),
        look=await _looks(server),
        completion=await _cost(server, leased, len(leased), complete, WORKERS),
    )


async def _looks(server: Durable) -> float:
    """Looks of hosts: each has a store of its own, as looks of one store go together."""
    url = server.new_database()
    stores = [open_store(url, sessions=2) for _ in range(WORKERS)]

    async def look(store: PostgresStore) -> None:
        now = CLOCK.now()
        assert await store.claim_next(lambda each: each.claimed(now + LEASE, now)) is None

    try:
        return await _cost(server, islice(cycle(stores), LOOKS), LOOKS, look, WORKERS)
    finally:
        for each in stores:
            each.close()


async def _cost(
    server: Durable, things: Iterable[T], count: int, once: Callable[[T], Awaitable[None]], at_once: int
) -> float:
    """Seconds of the server's processor for each thing, so many at once."""
    left = iter(things)

    async def work() -> None:
        for each in left:
            await once(each)

    before = server.cpu_seconds()
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
    return (server.cpu_seconds() - before) / count


def _assets(generation_id: str) -> Assets:
    """A clip and its thumbnail that no file stands for."""
    video, thumbnail = f"generations/{generation_id}/clip.mp4", f"generations/{generation_id}/clip.jpg"
    return Assets(
        Asset(AssetKind.VIDEO, video, 1_000_000, "0" * 64), Asset(AssetKind.THUMBNAIL, thumbnail, 50_000, "0" * 64)
    )
