"""Claims of several processes on PostgreSQL, and what they read of a long queue."""

import asyncio
import re
from datetime import timedelta

import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

import psycopg

from stillmotion.adapters.store import postgresql
from stillmotion.adapters.store.postgresql.queries import claims
from stillmotion.adapters.store.postgresql.queries.dialect import translated
from stillmotion.application.ports.store import Submission
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


async def test_a_claim_reads_no_more_of_a_long_queue_than_of_a_short_one(stores, url):
    owners = [(await keep_subscription(stores[0], name=f"product {number}")).id for number in range(20)]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            """
            INSERT INTO generations (
                id, subscription_id, surface, request, model, resolution, video, engine, created_at, state, attempt,
                failures, losses, progress, plan, remote, metadata, key, traceparent
            )
            SELECT
                owner || n, owner, '', '{}', '', '', 1, 'engine', n, 'queued', 0, 0, 0, 0, '', '', '{}', '', ''
            FROM generate_series(1, 500) AS n, unnest(%s::text[]) AS owner
            """,
            (owners,),
        )
        connection.execute(
            "INSERT INTO limits SELECT owner, 0, 0, 500, 500, 1, 0, 0 FROM unnest(%s::text[]) AS owner", (owners,)
        )
        connection.execute("ANALYZE generations; ANALYZE limits")
        statement = f"EXPLAIN {translated(claims.NEXT_QUEUED).decode()}"
        plan = "\n".join(row[0] for row in connection.execute(statement, ("[]", "[]", 1)))
        connection.execute("DELETE FROM limits; TRUNCATE generations CASCADE")
    assert "Index Scan using generations_queued on generations g" in plan
    assert "Seq Scan on generations" not in plan
    assert re.findall(r"Sort Key: (.*)", plan) in ([], ["l.turn, l.turn_since, l.subscription_id"])  # of the limits
