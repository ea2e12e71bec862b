"""The store over PostgreSQL against bare statements of the same rows: submits, claims, renewals."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle, islice
from typing import Any

import psycopg

from bench.fleet import reads
from bench.fleet.servers import Durable
from bench.history import PLENTY, queued
from bench.table import Figure, Sense, Spread, spread
from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.identifiers import new_callback_secret, new_uuid7
from stillmotion.adapters.store.postgresql.store import PostgresStore, open_store
from stillmotion.application.ports.store import Submission
from stillmotion.domain.generation import Generation
from stillmotion.domain.subscriptions import Product, Subscription
from tests.waiting import eventually_async

CALLERS, CLAIMERS, MANY = 16, 8, 1_000
CLOCK = SystemClock()
LEASE = timedelta(seconds=15)

_COLUMNS = """
    SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = 'generations' AND is_identity = 'NO' AND is_generated = 'NEVER'
"""

_TAKE = """
    UPDATE generations SET state = 'dreaming', attempt = attempt + 1 WHERE id = (
        SELECT id FROM generations WHERE state = 'queued' LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING id
"""
"""Some queued row, whoever's: what a queue without turns would do."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of database processor that each statement took, and operations a second, for the model."""

    submit: float
    submits_a_second: float
    claim: float
    alone_a_second: float
    claims_a_second: float
    renewal: float
    flush: float
    constant: reads.ConstantCosts


async def subscribe(store: PostgresStore, count: int) -> list[Subscription]:
    """New subscriptions of one product without limits."""
    product = Product(
        new_uuid7(), f"bench {new_uuid7()}",
        submits_per_minute=PLENTY, reads_per_minute=PLENTY, concurrent_generations=PLENTY,
    )  # fmt: skip
    await store.add_product(product)
    made = [Subscription(new_uuid7(), "caller", product, CLOCK.now(), new_callback_secret()) for _ in range(count)]
    for each in made:
        await store.add_subscription(each, [])
    return made


async def measure(server: Durable, rounds: int, submits: int) -> tuple[Sequence[Figure], Measured]:
    """The figures, and the costs that the model takes."""
    url = server.new_database()
    store = open_store(url)
    try:
        owners = await subscribe(store, MANY)
        whole, hot, cost, rate, submit = await _submits(server, store, url, owners, rounds, submits)
        claims, alone, claim_rate, claim = await _claims(server, store, url, owners[:100], rounds)
        hot_share, renewal = await _renewals(server, store, url)
        constant = await reads.measure(server, store, await _leased(store))
    finally:
        store.close()
    figures = [
        Figure("whole submits/s, 16 callers ÷ bare inserts", whole, Sense.AT_LEAST, 0.5, "×", f"{rate:,.0f} submits/s"),
        Figure("the same on one subscription", hot, Sense.AT_LEAST, 0.4, "×"),
        Figure("database CPU of a submit ÷ of a bare insert", cost, Sense.AT_MOST, 1.2, "×", f"{submit * 1e6:.0f} µs"),
        Figure("claims/s, 8 claimers ÷ bare SKIP LOCKED", claims, Sense.AT_LEAST, 0.1, "×", f"{claim_rate:,.0f}/s"),
        Figure("HOT share of renewals", hot_share, Sense.AT_LEAST, 0.95, ""),
        Figure("deadlocks", spread([_deadlocks(url)]), Sense.AT_MOST, 0, ""),
    ]
    return figures, Measured(submit, rate, claim, alone, claim_rate, renewal, await _flush(url), constant)


async def _submits(
    server: Durable, store: PostgresStore, url: str, owners: Sequence[Subscription], rounds: int, submits: int
) -> tuple[Spread, Spread, Spread, float, float]:
    bare = await _BareInserts.connect(url, store, owners[0])
    try:
        await _submitted(store, owners, CALLERS * 10)
        whole, hot, cost, rates, costs = [], [], [], [], []
        for _ in range(rounds):
            floor, floor_cpu = await _timed(server, lambda: bare.insert(owners, submits))
            taken, cpu = await _timed(server, lambda: _submitted(store, owners, submits))
            one, _ = await _timed(server, lambda: _submitted(store, owners[:1], submits))
            whole.append(floor / taken)
            hot.append(floor / one)
            cost.append(cpu / floor_cpu)
            rates.append(submits / taken)
            costs.append(cpu / submits)
    finally:
        await bare.close()
    return spread(whole), spread(hot), spread(cost), spread(rates).median, spread(costs).median


async def _submitted(store: PostgresStore, owners: Sequence[Subscription], count: int) -> None:
    turn = iter(islice(cycle(owners), count))

    async def caller() -> None:
        for owner in turn:
            await store.submit(Submission(queued(new_uuid7(), owner.id, CLOCK.now()), owner.product))

    async with asyncio.TaskGroup() as group:
        for _ in range(CALLERS):
            group.create_task(caller())


class _BareInserts:
    """A connection for each caller, and one autocommitted INSERT of a whole row of the same table at a time."""

    def __init__(self, connections: list[psycopg.AsyncConnection[Any]], columns: str, row: dict[str, Any]) -> None:
        self._connections, self._row = connections, row
        named = ", ".join(f"%({name.strip(chr(34))})s" for name in columns.split(", "))
        self._insert = f"INSERT INTO generations ({columns}) VALUES ({named})".encode()  # noqa: S608 - names of our own table's columns

    @classmethod
    async def connect(cls, url: str, store: PostgresStore, owner: Subscription) -> "_BareInserts":
        """Copy a row that the store itself has written."""
        await store.submit(Submission(queued(new_uuid7(), owner.id, CLOCK.now()), owner.product))
        opened = [await psycopg.AsyncConnection.connect(url, autocommit=True) for _ in range(CALLERS)]
        found = await (await opened[0].execute(_COLUMNS)).fetchone()
        assert found is not None
        columns = str(found[0])
        read = await opened[0].execute(f"SELECT {columns} FROM generations LIMIT 1".encode())  # noqa: S608 - as above
        values = await read.fetchone()
        assert values is not None
        names = [name.strip('"') for name in columns.split(", ")]
        return cls(opened, columns, dict(zip(names, values, strict=True)))

    async def insert(self, owners: Sequence[Subscription], count: int) -> None:
        turn = iter(islice(cycle(owners), count))

        async def caller(connection: psycopg.AsyncConnection[Any]) -> None:
            for owner in turn:
                row = self._row | {"id": new_uuid7(), "subscription_id": owner.id, "state": "completed"}
                await connection.execute(self._insert, row, prepare=True)

        async with asyncio.TaskGroup() as group:
            for each in self._connections:
                group.create_task(caller(each))

    async def close(self) -> None:
        for each in self._connections:
            await each.close()


async def _claims(
    server: Durable, store: PostgresStore, url: str, owners: Sequence[Subscription], rounds: int
) -> tuple[Spread, float, float, float]:
    each_round = 400
    await _submitted(store, owners, 3 * rounds * each_round)
    ratios, alone, rates, costs = [], [], [], []
    takers = [await psycopg.AsyncConnection.connect(url, autocommit=True) for _ in range(CLAIMERS)]
    # A store for each claimer, as in hosts of their own: claims of one store share a transaction.
    stores = [open_store(url, sessions=2) for _ in range(CLAIMERS)]
    try:
        for _ in range(rounds):
            bare, _ = await _timed(server, lambda: _each(takers, each_round, _take))
            single, _ = await _timed(server, lambda: _each(stores[:1], each_round // 2, _claim))
            taken, cpu = await _timed(server, lambda: _each(stores, each_round, _claim))
            alone.append(each_round / 2 / single)
            ratios.append(bare / taken)
            rates.append(each_round / taken)
            costs.append(cpu / each_round)
    finally:
        for each in takers:
            await each.close()
        for one in stores:
            one.close()
    return spread(ratios), spread(alone).median, spread(rates).median, spread(costs).median


async def _flush(url: str) -> float:
    """Seconds that a commit waits for the disk: the smallest durable change, less the same where nobody waits."""
    taken = {}
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("CREATE TABLE IF NOT EXISTS flushed (number bigint)")
        await connection.execute("INSERT INTO flushed VALUES (0)")
        for waits in ("on", "off"):
            await connection.execute(f"SET synchronous_commit = {waits}".encode())
            began = time.perf_counter()
            for _ in range(100):
                await connection.execute("UPDATE flushed SET number = number + 1", prepare=True)
            taken[waits] = (time.perf_counter() - began) / 100
    return max(1e-5, taken["on"] - taken["off"])


async def _take(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.execute(_TAKE, prepare=True)


async def _claim(store: PostgresStore) -> None:
    now = CLOCK.now()
    if await store.claim_next(lambda each: each.claimed(now + LEASE, now)) is None:
        raise RuntimeError("the queue ran dry")


async def _each(using: Sequence[Any], count: int, once: Callable[[Any], Awaitable[None]]) -> None:
    left = iter(range(count))

    async def work(one: Any) -> None:
        for _ in left:
            await once(one)

    async with asyncio.TaskGroup() as group:
        for one in using:
            group.create_task(work(one))


async def _renewals(server: Durable, store: PostgresStore, url: str) -> tuple[Spread, float]:
    """Renew every lease some times. The leases of the claims before are the rows."""
    leased = await _leased(store)
    times = 10
    before = _updates(url)

    async def renew(index: int) -> None:
        lease = leased[index % len(leased)].lease
        assert lease is not None
        await store.renew(lease, CLOCK.now() + LEASE, index / (times * len(leased)), None)

    began = iter(range(times * len(leased)))

    async def work() -> None:
        for index in began:
            await renew(index)

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(CLAIMERS):
                group.create_task(work())

    _, cpu = await _timed(server, all_of_them)

    def counted() -> tuple[int, int] | None:
        """The counts since; None before a session has told them, which it does ten seconds later at the latest."""
        updates, hot = (after - earlier for after, earlier in zip(_updates(url), before, strict=True))
        return (updates, hot) if updates >= times * len(leased) else None

    found = await eventually_async(counted, 30)
    assert found is not None
    updates, hot = found
    return spread([hot / updates]), cpu / (times * len(leased))


async def _leased(store: PostgresStore) -> list[Generation]:
    found = [await store.find(each) for each in await store.leased(CLOCK.now() + 10 * LEASE)]
    return [each for each in found if each is not None]


def _updates(url: str) -> tuple[int, int]:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'leases'"
        ).fetchone()
    assert found is not None
    return int(found[0]), int(found[1])


def _deadlocks(url: str) -> float:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    assert found is not None
    return float(found[0])


async def _timed(server: Durable, work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """Seconds that the work took, and seconds of the database's processor."""
    before, began = server.cpu_seconds(), time.perf_counter()
    await work()
    return time.perf_counter() - began, server.cpu_seconds() - before
