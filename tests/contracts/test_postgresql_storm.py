"""Everything at once from several processes on PostgreSQL: nobody waits in a circle, and every count is right."""

import asyncio
import random
import time
from datetime import timedelta

import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

import psycopg

from stillmotion.adapters.store import postgresql
from stillmotion.application.ports.administration import QueuePlace
from stillmotion.application.ports.store import Submission
from stillmotion.domain.errors import AlreadyOver, GenerationNotFound, IllegalTransition, LeaseLost, NotQueued
from tests import databases
from tests.builders import CALLBACK_URL, NOON, a_generation, some_assets
from tests.contracts.conftest import keep_subscription

SECONDS = 8
UNTIL = NOON + timedelta(seconds=15)
REFUSED = (LeaseLost, GenerationNotFound, AlreadyOver, NotQueued, IllegalTransition)

COUNTS = {
    "limits": """
        SELECT l.subscription_id FROM limits l LEFT JOIN generations g USING (subscription_id)
        GROUP BY l.subscription_id HAVING (l.unfinished, l.queued, l.waiting = 1) IS DISTINCT FROM (
            count(*) FILTER (WHERE g.state IN ('queued', 'dreaming')), count(*) FILTER (WHERE g.state = 'queued'),
            count(*) FILTER (WHERE g.state = 'queued') > 0
        )
    """,
    "lengths of lines": """
        SELECT l.engine FROM line_lengths l FULL JOIN (
            SELECT subscription_id, engine, count(*) AS n, sum(video) AS v FROM generations
            WHERE state = 'queued' AND coalesce(moved_to, 0) >= 0 GROUP BY subscription_id, engine
        ) AS g USING (subscription_id, engine) WHERE (l.queued, l.video) IS DISTINCT FROM (g.n, g.v)
    """,
    "leases": """
        SELECT l.generation_id FROM leases l FULL JOIN (SELECT id FROM generations WHERE state = 'dreaming') AS g
            ON g.id = l.generation_id WHERE g.id IS NULL OR l.generation_id IS NULL
    """,
    "entries of lists": """
        SELECT e.generation_id FROM list_entries e FULL JOIN generations g ON g.id = e.generation_id
        WHERE e.state IS DISTINCT FROM g.state
    """,
}
"""By what is counted: a statement of the rows that differ."""


class Actor:
    """A task that does one thing after another, by the dice."""

    def __init__(self, seed, store, subscriptions, ids, leases):
        self.dice = random.Random(seed)
        self.store, self.subscriptions, self.ids, self.leases = store, subscriptions, ids, leases

    async def act(self):
        deeds = [self.submit] * 3 + [self.claim] * 3
        if self.ids:
            deeds += [self.cancel, self.delete, self.move]
        if self.leases:
            deeds += [self.renew, self.complete, self.release]
        await self.dice.choice(deeds)()

    async def submit(self):
        subscription = self.dice.choice(self.subscriptions)
        given = a_generation(subscription, engine=self.dice.choice("ab"), callback_url=CALLBACK_URL)
        await self.store.submit(Submission(given, subscription.product))
        self.ids.append(given.id)

    async def claim(self):
        claimed = await self.store.claim_next(lambda each: each.claimed(UNTIL, NOON))
        self.leases += [claimed.lease] if claimed else []

    async def renew(self):
        await self.store.renew(self.dice.choice(self.leases), UNTIL, self.dice.random())

    async def complete(self):
        lease = self.dice.choice(self.leases)
        await self.store.change(lease.generation_id, lambda each: each.completed(lease, some_assets(), "", NOON))

    async def release(self):
        lease = self.dice.choice(self.leases)
        await self.store.change(lease.generation_id, lambda each: each.released(lease))

    async def cancel(self):
        await self.store.change(self.dice.choice(self.ids), lambda each: each.cancelled(NOON))

    async def delete(self):
        await self.store.delete(self.dice.choice(self.ids))

    async def move(self):
        await self.store.move(self.dice.choice(self.ids), self.dice.choice(list(QueuePlace)), NOON)


@pytest.mark.slow
async def test_every_count_is_that_of_the_rows_and_nobody_waits_in_a_circle():
    url = databases.cluster().new_database()
    stores = [postgresql.open_store(url) for _ in range(3)]
    endless = {"submits_per_minute": 10**6, "concurrent_generations": 10**6}
    subscriptions = [await keep_subscription(stores[0], name=f"product {number}", **endless) for number in range(6)]
    ids, leases = [], []
    until = time.monotonic() + SECONDS

    async def actor(seed):
        acts = Actor(seed, stores[seed % len(stores)], subscriptions, ids, leases)
        while time.monotonic() < until:
            try:
                await acts.act()
            except REFUSED:
                continue

    await asyncio.gather(*(actor(seed) for seed in range(14)))
    for store in stores:
        store.close()
    assert len(ids) > 100
    with psycopg.connect(url, autocommit=True) as connection:
        differing = {name: connection.execute(statement).fetchall() for name, statement in COUNTS.items()}
        assert differing == {name: [] for name in COUNTS}
        circles = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert connection.execute(circles).fetchone() == (0,)
