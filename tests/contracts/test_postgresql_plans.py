"""Plans of PostgreSQL's for statements that run all the time: none reads more rows than it needs."""

import re

import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

import psycopg

from stillmotion.adapters.store import postgresql
from stillmotion.adapters.store.postgresql.connections.opening import connect, conninfo
from stillmotion.adapters.store.postgresql.queries import claims, reads, submits
from stillmotion.adapters.store.postgresql.queries.dialect import translated
from stillmotion.adapters.store.sql.queries import callbacks, lines, operators
from tests import databases

MANY = """
    INSERT INTO products (id, name, submits_per_minute, reads_per_minute, concurrent_generations)
        VALUES ('p', 'p', 1, 1, 1);
    INSERT INTO subscriptions (id, name, product_id, created_at, callback_secret, state)
        SELECT 's' || n, 's', 'p', 0, '', 'active' FROM generate_series(1, 200) AS n;
    INSERT INTO generations (
        id, subscription_id, surface, request, model, resolution, video, engine, created_at, state, attempt, failures,
        losses, progress, plan, remote, metadata, key, traceparent, finished_at
    )
    SELECT
        s.id || '-' || n, s.id, '', '{}', 'm', 'r', 1, 'engine', n,
        CASE n WHEN 1 THEN 'queued' WHEN 2 THEN 'dreaming' ELSE 'completed' END, 1, 0, 0, 0, '', '', '{}', '', '',
        CASE WHEN n > 2 THEN n END
    FROM generate_series(1, 50) AS n, subscriptions s;
    INSERT INTO leases (generation_id, attempt, lease_until, progress)
        SELECT id, 1, 20, 0 FROM generations WHERE state = 'dreaming';
    INSERT INTO limits SELECT id, 0, 0, 2, 1, 1, 0, 0 FROM subscriptions;
    INSERT INTO idempotency_keys SELECT subscription_id, id, '', id, 0 FROM generations;
    INSERT INTO deliveries (
        id, generation_id, subscription_id, announces, url, endpoint, due_at, attempts, state, replays
    )
    SELECT
        id, id, subscription_id, 'completed', '', 'e' || created_at % 20, 1, 0,
        CASE WHEN created_at = 5 AND subscription_id < 's2' THEN 'pending' ELSE 'delivered' END, 0
    FROM generations;
"""
"""10,000 generations of 200 subscriptions, nearly all of them long over."""

ALL_THE_TIME = {
    "a look for work": (claims.LOOK, ()),
    "callbacks that are due": (callbacks.DUE_DELIVERIES, (10, 5)),
    "a callback": (callbacks.FIND_DUE_DELIVERY, ("s1-5",)),
    "polls": (reads.VIEWS, {"ids": ["s5-5", "s6-6"]}),
    "submits: the standings": (submits.STANDINGS, {"owners": ["s1", "s2"], "periods": ["2026-11"] * 2}),
    "submits: the earlier": (submits.EARLIER_BY_KEY, {"owners": ["s1"], "names": ["s1-1"]}),
    "counts": (lines.COUNT_UNDER_WAY, ()),
    "the depth of the queue": (operators.QUEUE_DEPTH, ()),
}
EAGER = """
    SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
    SET min_parallel_table_scan_size = 0; SET min_parallel_index_scan_size = 0
"""
"""A server that takes more processes for a statement wherever it may."""

LARGE = "generations|deliveries|idempotency_keys|attempts"


@pytest.fixture(scope="module")
def link():
    """A session of the service's, to a server of the oldest version: later ones plan some statements better."""
    url = databases.cluster().new_database()
    postgresql.open_store(url).close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(MANY)
    session = connect(conninfo(url))
    session.link.execute(EAGER)
    yield session.link
    session.link.close()


@pytest.mark.parametrize("is_known", [False, True], ids=["never analysed", "analysed"])
@pytest.mark.parametrize("name", ALL_THE_TIME)
def test_a_statement_that_runs_all_the_time_reads_what_it_needs_and_alone(link, name, is_known):
    if is_known:
        link.execute("ANALYZE")
    statement, bindings = ALL_THE_TIME[name]
    plan = "\n".join(row[0] for row in link.execute(b"EXPLAIN " + translated(statement), bindings or None))
    assert not re.search(rf"Seq Scan on ({LARGE})", plan), plan
    assert "Gather" not in plan
