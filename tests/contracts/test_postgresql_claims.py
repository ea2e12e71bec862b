"""Claims of several processes on PostgreSQL, and what they read of a long queue."""

import asyncio
import json
from datetime import timedelta

import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

import psycopg

from stillmotion.adapters.store import postgresql
from stillmotion.adapters.store.sql.generation_rows import from_progress
from stillmotion.application.ports.store import Submission
from stillmotion.domain.operators.queue_controls import ControlScope, ControlState, ControlTarget, QueueControl
from tests.builders import NOON, a_generation
from tests.contracts.conftest import keep_subscription

PROCESSES = 4


@pytest.fixture
def stores(url):
    """Stores of as many processes, as far as the database can tell."""
    opened = [postgresql.open_store(url) for _ in range(PROCESSES)]
    yield opened
    for store in opened:
        store.close()


def claim(generation):
    return generation.claimed(NOON + timedelta(seconds=15), NOON)


async def queue(store, owners, each):
    subscriptions = [await keep_subscription(store, name=f"product {number}") for number in range(owners)]
    waiting = [a_generation(subscription) for subscription in subscriptions for _ in range(each)]
    products = {subscription.id: subscription.product for subscription in subscriptions}
    await asyncio.gather(*(store.submit(Submission(given, products[given.subscription_id])) for given in waiting))
    return waiting


async def test_nobody_comes_away_empty_while_something_waits(stores):
    waiting = await queue(stores[0], owners=10, each=10)
    claimed = []

    async def claimer(store):
        while (found := await store.claim_next(claim)) is not None:
            claimed.append(found.id)
        assert (await store.counts())["queued"] == 0

    await asyncio.gather(*(claimer(store) for store in stores for _ in range(2)))
    assert sorted(claimed) == sorted(each.id for each in waiting)


async def test_what_another_transaction_holds_is_passed_over(stores, url):
    first, second = await queue(stores[0], owners=2, each=1)
    with psycopg.connect(url) as beside:
        beside.execute("SELECT 1 FROM generations WHERE id = %s FOR UPDATE", (first.id,))
        claimed = await stores[0].claim_next(claim)
        assert claimed.id == second.id
        assert await stores[0].claim_next(claim) is None
    assert (await stores[0].claim_next(claim)).id == first.id


async def test_a_claim_that_raises_spoils_no_other(stores):
    waiting = await queue(stores[0], owners=1, each=2)

    def broken(generation):
        raise ValueError(generation.id)

    given = [claim, broken, claim]
    answers = await asyncio.gather(*(stores[0].claim_next(each) for each in given), return_exceptions=True)
    assert sorted(each.id for each in answers if not isinstance(each, Exception) and each) == sorted(
        each.id for each in waiting
    )


async def test_a_pause_of_another_process_stops_the_very_next_claim(stores):
    waiting = await queue(stores[0], owners=1, each=3)
    await stores[0].claim_next(claim)
    paused = QueueControl(ControlTarget(ControlScope.MODEL, waiting[0].engine), ControlState.PAUSED, NOON, "somebody")
    await stores[1].put_control(paused)
    assert await stores[0].claim_next(claim) is None
    await stores[1].remove_control(paused.target)
    assert await stores[0].claim_next(claim) is not None


async def test_a_claim_of_a_row_that_has_changed_is_not_kept(stores, url):
    (waiting,) = await queue(stores[0], owners=1, each=1)
    given = from_progress(claim(waiting)) | {"fence": waiting.attempt + 1}
    with psycopg.connect(url) as beside, pytest.raises(psycopg.errors.RaiseException, match="past attempt"):
        beside.execute("SELECT keep_claim(%s)", (json.dumps(given),))
    assert await stores[0].counts() == {"queued": 1, "dreaming": 0}


@pytest.mark.parametrize("is_known", [False, True], ids=["never analysed", "analysed"])
async def test_a_claim_reads_no_more_of_a_long_queue_than_of_a_short_one(stores, url, is_known):
    """Neither of many generations nor of many subscriptions, whether the server has counted them or not."""
    with psycopg.connect(url, autocommit=True) as connection:
        short = await blocks_of_a_claim(stores[0], connection, owners=2, each=2, is_known=is_known)
        assert short < 60
        assert await blocks_of_a_claim(stores[0], connection, owners=2_000, each=10, is_known=is_known) < short + 20


async def blocks_of_a_claim(store, connection, owners, each, *, is_known):
    """Blocks that the server reads for the look under the clock, once its plans are made. Empties the queue again."""
    owner = await keep_subscription(store, name=f"product of {owners}")
    connection.execute(MANY_OWNERS, {"owners": owners, "product": owner.product.id})
    connection.execute(MANY_GENERATIONS, {"each": each})
    connection.execute("INSERT INTO limits SELECT id, 0, 0, 9, 9, 1, 0, 0 FROM subscriptions WHERE name = 'many'")
    if is_known:
        connection.execute("ANALYZE")
    blocks = []
    for _ in range(10):
        with connection.transaction(force_rollback=True):
            ((plan,),) = connection.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT next_claim(%s)", (ASKED,))
            blocks.append(plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"])
    connection.execute("DELETE FROM limits; TRUNCATE generations CASCADE")
    connection.execute("DELETE FROM subscriptions WHERE name = 'many'")
    return min(blocks)


ASKED = json.dumps({"controls": "[]", "passed_over": [], "named": [], "others": 1, "may_wait": True})
MANY_OWNERS = """
    INSERT INTO subscriptions (id, name, product_id, created_at, callback_secret, state)
    SELECT 'many' || n, 'many', %(product)s, 0, '', 'active' FROM generate_series(1, %(owners)s) AS n
"""
MANY_GENERATIONS = """
    INSERT INTO generations (
        id, subscription_id, surface, request, model, resolution, video, engine, created_at, state, attempt,
        failures, losses, progress, plan, remote, metadata, key, traceparent
    )
    SELECT s.id || '-' || n, s.id, '', '{}', '', '', 1, 'engine', n, 'queued', 0, 0, 0, 0, '', '', '{}', '', ''
    FROM generate_series(1, %(each)s) AS n, subscriptions s WHERE s.name = 'many'
"""
