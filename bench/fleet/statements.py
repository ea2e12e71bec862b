"""The store over PostgreSQL against bare statements of the same rows: submits, claims, renewals."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle, islice
from typing import Any

import psycopg

from bench.fleet import claims, reads
from bench.fleet.servers import Durable, timed
from bench.history import PLENTY, queued
from bench.table import Figure, Sense, Spread, spread
from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.identifiers import new_callback_secret, new_uuid7
from stillmotion.adapters.store.postgresql.store import PostgresStore, open_store
from stillmotion.application.ports.store import Submission
from stillmotion.domain.generation import Generation
from stillmotion.domain.subscriptions import Product, Subscription
from tests.waiting import eventually_async

CALLERS, MANY = 16, 1_000
CLOCK = SystemClock()
LEASE = timedelta(seconds=15)

_COLUMNS = """
    SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = 'generations' AND is_identity = 'NO' AND is_generated = 'NEVER'
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of database processor that each statement took, and operations a second, for the model."""

    submit: float
    claims: Sequence[claims.Round]
    renewal: float
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
        await _submitted(store, owners[:100], claims.queued_for(rounds))
        claimed = await claims.measure(server, url, rounds)
        hot_share, renewal = await _renewals(server, store, url)
        constant = await reads.measure(server, store, await _leased(store))
    finally:
        store.close()
    figures = [
        Figure("whole submits/s, 16 callers ÷ bare inserts", whole, Sense.AT_LEAST, 0.5, "×", f"{rate:,.0f} submits/s"),
        Figure("the same on one subscription", hot, Sense.AT_LEAST, 0.4, "×"),
        Figure("database CPU of a submit ÷ of a bare insert", cost, Sense.AT_MOST, 1.2, "×", f"{submit * 1e6:.0f} µs"),
        claims.figure(claimed),
        Figure("HOT share of renewals", hot_share, Sense.AT_LEAST, 0.95, ""),
        Figure("deadlocks", spread([_deadlocks(url)]), Sense.AT_MOST, 0, ""),
    ]
    return figures, Measured(submit, claimed, renewal, constant)


async def _submits(
    server: Durable, store: PostgresStore, url: str, owners: Sequence[Subscription], rounds: int, submits: int
) -> tuple[Spread, Spread, Spread, float, float]:
    bare = await _BareInserts.connect(url, store, owners[0])
    try:
        await _submitted(store, owners, CALLERS * 10)
        whole, hot, cost, rates, costs = [], [], [], [], []
        for _ in range(rounds):
            floor, floor_cpu = await timed(server, lambda: bare.insert(owners, submits))
            taken, cpu = await timed(server, lambda: _submitted(store, owners, submits))
            one, _ = await timed(server, lambda: _submitted(store, owners[:1], submits))
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
            for _ in range(claims.CLAIMERS):
                group.create_task(work())

    _, cpu = await timed(server, all_of_them)

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
