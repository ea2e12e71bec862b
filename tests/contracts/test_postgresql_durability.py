"""Claims on PostgreSQL that wait for the disk: the clock's row is free meanwhile, and nobody is told too early.

A standby that is not there stands for a slow disk: a durable commit waits for both alike.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

import psycopg

from stillmotion.adapters.store import postgresql
from stillmotion.application.ports.store import Submission
from stillmotion.domain.errors import StoreUnavailable
from tests.builders import NOON, a_generation
from tests.contracts.conftest import keep_subscription
from tests.waiting import eventually, eventually_async

UNTIL = NOON + timedelta(seconds=15)
COMMITTING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep'"


@pytest.fixture
def stores(url):
    opened = [postgresql.open_store(url) for _ in range(2)]
    yield opened
    for store in opened:
        store.close()


def a_commit_waits(beside, url):
    """True for a durable commit that waits. A process of the server's own takes the setting up, some time after it."""
    with psycopg.connect(url, autocommit=True) as other, ThreadPoolExecutor(1) as thread:
        commit = thread.submit(other.execute, "SELECT pg_logical_emit_message(true, 'probe', '')")
        eventually(lambda: commit.done() or beside.execute(COMMITTING).fetchall())
        waits = not commit.done()
        beside.execute("SELECT pg_cancel_backend(%s)", (other.info.backend_pid,))
        commit.result()
    return waits


@contextmanager
def nobody_confirms(beside, url):
    """A time in which every durable commit waits."""
    ask = "SELECT current_setting('synchronous_standby_names')"

    def set_to(name):
        beside.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        beside.execute("SELECT pg_reload_conf()")
        eventually(lambda: beside.execute(ask).fetchone() == (name,))

    set_to("nobody")
    try:
        eventually(lambda: a_commit_waits(beside, url))
        yield
    finally:
        set_to("")


def claim(generation):
    return generation.claimed(UNTIL, NOON)


async def queue(store, count):
    subscription = await keep_subscription(store)
    given = [a_generation(subscription) for _ in range(count)]
    for each in given:
        await store.submit(Submission(each, subscription.product))
    return {each.id for each in given}


async def test_claims_go_on_while_earlier_ones_wait_for_the_disk_and_are_told_once_durable(stores, beside, url):
    waiting = await queue(stores[0], 3)
    with nobody_confirms(beside, url):
        asked = [asyncio.create_task(store.claim_next(claim)) for store in stores]
        await eventually_async(lambda: len(beside.execute(COMMITTING).fetchall()) == len(stores))
        assert await stores[0].counts() == {"queued": 1, "dreaming": 2}
        assert not any(each.done() for each in asked)
    claimed = {each.id for each in await asyncio.gather(*asked)}
    assert len(claimed) == len(stores)
    assert claimed < waiting


async def test_a_claim_of_which_nobody_knows_if_it_is_durable_is_told_so_and_not_made_again(stores, beside, url):
    await queue(stores[0], 2)
    with nobody_confirms(beside, url):
        asked = asyncio.create_task(stores[0].claim_next(claim))
        ((pid,),) = await eventually_async(lambda: beside.execute(COMMITTING).fetchall())
        beside.execute("SELECT pg_terminate_backend(%s)", (pid,))
        with pytest.raises(StoreUnavailable, match="lost at the end of a change"):
            await asked
    assert await stores[0].counts() == {"queued": 1, "dreaming": 1}
    assert await stores[0].claim_next(claim) is not None
