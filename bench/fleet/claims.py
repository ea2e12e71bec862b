"""Claims of hosts against a queue without turns, and the parts of a claim that the model takes."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import psycopg

from bench.fleet.servers import Durable, timed
from bench.processes import machine_seconds
from bench.table import Figure, Sense, spread
from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.store.postgresql.store import PostgresStore, open_store

CLAIMERS, EACH_ROUND, FLUSHES = 8, 400, 50
ALONE: Final = EACH_ROUND // 2
CLOCK = SystemClock()
LEASE = timedelta(seconds=15)

_TAKE = """
    UPDATE generations SET state = 'dreaming', attempt = attempt + 1 WHERE id = (
        SELECT id FROM generations WHERE state = 'queued' LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING id
"""
"""Some queued row, whoever's: what a queue without turns would do."""

_HOLD = """
    BEGIN; SELECT time FROM virtual_clock WHERE "only" = 1 FOR NO KEY UPDATE; SET LOCAL synchronous_commit = off; COMMIT
"""

_SOFT = "&options=-csynchronous_commit%3Doff"
"""A part of the URL of a store whose commits wait for no disk."""


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds of a round of claims, each a mean.

    `bare` and `together` are a claim's of as many claimers: by SKIP LOCKED, and by stores. `processor` is the
    database's part of the latter and `host` the claiming process's, while other programs had the share `others` of the
    machine. `held` and `gap` are the same two for one claimer alone that waits for no disk: they take turns while it
    holds the clock. `hand_over` is a transaction of one of many that only holds the clock, less the others' share, and
    `flush` a wait for the disk.
    """

    bare: float
    together: float
    processor: float
    host: float
    others: float
    held: float
    gap: float
    hand_over: float
    flush: float


def queued_for(rounds: int) -> int:
    """Number of generations that the rounds claim."""
    return rounds * (2 * EACH_ROUND + ALONE)


def figure(rounds: Sequence[Round]) -> Figure:
    """Claims of turns as a share of claims without."""
    ratio = spread([each.bare / each.together for each in rounds])
    rate = spread([1 / each.together for each in rounds]).median
    return Figure("claims/s, 8 claimers ÷ bare SKIP LOCKED", ratio, Sense.AT_LEAST, 0.1, "×", f"{rate:,.0f}/s")


async def measure(server: Durable, url: str, rounds: int) -> Sequence[Round]:
    """The rounds. The queue holds what they claim."""
    async with AsyncExitStack() as stack:
        takers = [
            await stack.enter_async_context(await psycopg.AsyncConnection.connect(url, autocommit=True))
            for _ in range(CLAIMERS)
        ]
        # A store for each claimer, as in hosts of their own: claims of one store share a transaction.
        stores = [open_store(url, sessions=2) for _ in range(CLAIMERS)]
        soft = open_store(url + _SOFT, sessions=2)
        for store in (*stores, soft):
            stack.callback(store.close)
        return [await _round(server, takers, stores, soft) for _ in range(rounds)]


async def _round(
    server: Durable,
    takers: Sequence[psycopg.AsyncConnection[Any]],
    stores: Sequence[PostgresStore],
    soft: PostgresStore,
) -> Round:
    bare, _ = await timed(server, lambda: _each(takers, EACH_ROUND, _take))
    began, machine = time.process_time(), machine_seconds()
    together, processor = await timed(server, lambda: _each(stores, EACH_ROUND, _claim))
    host = time.process_time() - began
    others = _others(machine, together, processor + host)
    held_over, _ = await timed(server, lambda: _each(takers, EACH_ROUND, _hold))
    began = time.process_time()
    _, held = await timed(server, lambda: _each([soft], ALONE, _claim))
    gap = time.process_time() - began
    return Round(
        bare=bare / EACH_ROUND,
        together=together / EACH_ROUND,
        processor=processor / EACH_ROUND,
        host=host / EACH_ROUND,
        others=others,
        held=held / ALONE,
        gap=gap / ALONE,
        hand_over=held_over / EACH_ROUND * (1 - others),
        flush=await _flush(takers[0]),
    )


def _others(before: float, seconds: float, ours: float) -> float:
    """Share of the machine that other programs had since."""
    whole = seconds * (os.cpu_count() or 1)
    return min(0.95, max(0.0, (machine_seconds() - before - ours) / whole))


async def _flush(connection: psycopg.AsyncConnection[Any]) -> float:
    """Seconds that a commit waits for the disk: the smallest durable change, less the same where nobody waits."""
    taken = {}
    await connection.execute("CREATE TABLE IF NOT EXISTS flushed (number bigint)")
    await connection.execute("INSERT INTO flushed VALUES (0)")
    for waits in ("off", "on"):
        await connection.execute(f"SET synchronous_commit = {waits}".encode())
        began = time.perf_counter()
        for _ in range(FLUSHES):
            await connection.execute("UPDATE flushed SET number = number + 1", prepare=True)
        taken[waits] = (time.perf_counter() - began) / FLUSHES
    await connection.execute("TRUNCATE flushed")
    return max(1e-5, taken["on"] - taken["off"])


async def _take(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.execute(_TAKE, prepare=True)


async def _hold(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.execute(_HOLD)


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
