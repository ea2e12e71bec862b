"""Durable submits in the application against a bare writer of the same rows, alternately in one process."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.bare_writer import bare_connection, write
from bench.history import PICTURE, PROMPT, queued, unlimited
from bench.table import Figure, Sense, spread
from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.fetch.addresses import AddressPolicy
from stillmotion.adapters.fetch.urls import UrlGuard
from stillmotion.adapters.identifiers import new_callback_secret, new_token, new_uuid7
from stillmotion.adapters.models.catalogue import read_catalogue
from stillmotion.adapters.notifications import InProcessSignal
from stillmotion.adapters.objects import open_objects
from stillmotion.adapters.store.sql.generation_rows import Bindings, from_generation
from stillmotion.adapters.store.sqlite import SqliteStore, open_store
from stillmotion.application.generations import Generations
from stillmotion.application.subscriptions import Subscriptions
from stillmotion.application.uploads import Uploads
from stillmotion.domain.request import GenerationRequest, Keyframe
from stillmotion.domain.subscriptions import Subscription

CALLERS = 32
CLOCK = SystemClock()


async def measure(folder: Path, rounds: int, submits: int) -> Sequence[Figure]:
    """The ratio of the two, which take turns, each with a database of its own on the same disk."""
    ratios, rates, ceilings = [], [], []
    with _application(folder / "application") as (generations, store):
        subscription = await _subscribe(store)
        bare = folder / "bare.db"
        owner = await _empty_store(bare)
        await _per_second(generations, subscription, submits // 10)
        with bare_connection(bare) as connection:
            for _ in range(rounds):
                rates.append(await _per_second(generations, subscription, submits))
                ceilings.append(submits / write(connection, _rows(owner, submits), CALLERS))
                ratios.append(rates[-1] / ceilings[-1])
    note = (
        f"{spread(rates).median:,.0f} submits/s against {spread(ceilings).median:,.0f} rows/s in batches of {CALLERS}, "
        "both synchronous=FULL"
    )
    return [Figure("durable submits/s, application ÷ bare writer", spread(ratios), Sense.AT_LEAST, 0.1, "×", note)]


@contextmanager
def _application(folder: Path) -> Iterator[tuple[Generations, SqliteStore]]:
    folder.mkdir()
    store = open_store(folder / "stillmotion.db")
    try:
        objects = open_objects("local", folder / "objects")
        yield (
            Generations(
                store,
                objects,
                InProcessSignal(),
                UrlGuard(AddressPolicy()),
                CLOCK,
                new_uuid7,
                new_token,
                read_catalogue(),
                Uploads(store, objects, CLOCK, new_uuid7, new_token),
            ),
            store,
        )
    finally:
        store.close()


async def _subscribe(store: SqliteStore) -> Subscription:
    office = Subscriptions(store, CLOCK, new_uuid7, new_token, new_callback_secret, pepper=b"bench")
    product = unlimited(new_uuid7())
    await store.add_product(product)
    return (await office.issue(product.name, "caller")).subscription


async def _empty_store(database: Path) -> str:
    """A database with the store's tables and one subscription, whose id is returned."""
    store = open_store(database)
    try:
        return (await _subscribe(store)).id
    finally:
        store.close()


def _rows(owner: str, count: int) -> list[Bindings]:
    return [from_generation(queued(new_uuid7(), owner, CLOCK.now())) for _ in range(count)]


async def _per_second(generations: Generations, subscription: Subscription, count: int) -> float:
    """Submits a second by callers that each wait for their answer before they ask again."""
    remaining = iter(range(count))

    async def call() -> None:
        for _ in remaining:
            request = GenerationRequest(PROMPT, Keyframe(url=PICTURE))
            await generations.submit(subscription, "gateway", request)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(CALLERS):
            group.create_task(call())
    return count / (time.perf_counter() - began)
