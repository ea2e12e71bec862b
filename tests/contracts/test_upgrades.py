"""Upgrades of both databases: what is added disturbs no older code, and what it needs stays while it lives."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

import psycopg

from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.store import postgresql, sqlite
from stillmotion.adapters.store.postgresql import schema as of_postgresql
from stillmotion.adapters.store.postgresql.connections.opening import conninfo
from stillmotion.adapters.store.sql.connections import StoreUnusable
from stillmotion.adapters.store.sql.migrations import Migration, SchemaStanding
from stillmotion.adapters.store.sqlite import schema as of_sqlite
from stillmotion.domain.errors import StoreOutgrown
from stillmotion.domain.operators.processes import SILENT_AFTER, ProcessReport, ProcessRole
from stillmotion.domain.operators.queue_controls import WorkerName
from tests import databases
from tests.builders import a_product


class Database:
    """A new database, and this version's code for it. Further steps make a newer version's."""

    def __init__(self, kind, tmp_path):
        is_local = kind == "sqlite"
        self.place = tmp_path / "stillmotion.db" if is_local else _server(kind)
        self.known = (of_sqlite if is_local else of_postgresql).migrations()
        self.open = partial((sqlite if is_local else postgresql).open_store, self.place)
        migrate = of_sqlite.migrate if is_local else of_postgresql.migrate
        self.migrate = partial(migrate, self.place if is_local else conninfo(self.place))
        self.newest = self.known[-1].version

    def further(self, *steps, contract=()):
        """The steps of a newer version."""
        numbers = range(self.newest + 1, self.newest + 1 + len(steps))
        return [
            *self.known,
            *(Migration(number, sql, sql in contract) for number, sql in zip(numbers, steps, strict=True)),
        ]


def _server(kind):
    """The URL of a new database on the machine's own PostgreSQL, on 18, or behind a pooler."""
    url = databases.cluster(18 if kind == "postgresql-18" else None).new_database()
    return databases.pooled(url) if kind == "postgresql-pooled" else url


@pytest.fixture(
    params=[
        "sqlite",
        "postgresql",
        pytest.param("postgresql-18", marks=pytest.mark.slow),
        pytest.param("postgresql-pooled", marks=pytest.mark.slow),
    ]
)
def database(request, tmp_path):
    return Database(request.param, tmp_path)


ADD = """
    ALTER TABLE products ADD COLUMN colour TEXT;
    CREATE TABLE colours (name TEXT PRIMARY KEY);
    CREATE INDEX products_colour ON products (colour);
"""
TAKE = "ALTER TABLE products DROP COLUMN price_per_second"


def heartbeat(name, ago=timedelta()):
    now = SystemClock().now() - ago
    return ProcessReport(WorkerName(name, "gpu1"), ProcessRole.WORKER, 17, "0.4.0", now, now, is_able=True)


def test_a_new_database_takes_every_step_and_a_second_time_there_is_nothing_to_do(database):
    newer = database.further(ADD, TAKE, contract=[TAKE])
    first, second = database.migrate(newer), database.migrate(newer, contract=True)
    assert (first.before, first.after) == (None, SchemaStanding(database.newest + 2, database.newest + 2))
    assert (second.before, second.after, second.steps, second.due) == (first.after, first.after, [], [])


async def test_older_code_goes_on_over_a_newer_schema_and_starts_over_it(database):
    running = database.open()
    way = database.migrate(database.further(ADD))
    assert [each.sql for each in way.steps] == [ADD]
    await running.add_product(a_product(name="while it runs"))
    running.close()
    started = database.open()
    await started.add_product(a_product(name="started after"))
    assert len(await started.products()) == 2
    started.close()
    assert database.migrate(database.known).steps == []


async def test_a_contract_step_waits_for_older_code_and_refuses_it_from_then_on(database):
    older, newer = database.open(), database.further(ADD, TAKE, contract=[TAKE])
    await older.beat(heartbeat("gpu1:17-ab"))
    await older.beat(heartbeat("gpu2:9-cd", SILENT_AFTER * 2))
    expanded = database.migrate(newer)
    assert (expanded.after.oldest_code, expanded.due) == (expanded.before.oldest_code, [database.newest + 2])
    with pytest.raises(StoreUnusable) as refused:
        database.migrate(newer, contract=True)
    assert f"gpu1:17-ab (version 0.4.0, schema {database.newest}). Upgrade or stop them" in str(refused.value)
    assert "gpu2" not in str(refused.value)
    await older.add_product(a_product(name="nothing was taken"))

    await older.forget_process("gpu1:17-ab")
    contracted = database.migrate(newer, contract=True)
    assert (contracted.after, contracted.due) == (SchemaStanding(database.newest + 2, database.newest + 2), [])
    with pytest.raises(StoreUnusable, match=rf"works knows schema {database.newest + 2}. Upgrade Stillmotion here"):
        database.open()
    with pytest.raises(StoreOutgrown, match=f"schema {database.newest + 2}, and this one knows {database.newest}"):
        await older.beat(heartbeat("it was between its start and its first heartbeat"))
    assert [each.name.id for each in await older.processes()] == ["gpu2:9-cd"]
    older.close()


def test_several_that_migrate_at_once_take_each_step_once(database):
    database.open().close()
    newer = database.further(ADD)
    with ThreadPoolExecutor(4) as threads:
        ways = [each.result() for each in [threads.submit(database.migrate, newer) for _ in range(4)]]
    assert sorted(len(each.steps) for each in ways) == [0, 0, 0, 1]


def test_a_step_that_waits_for_a_table_lets_others_pass_and_tries_again():
    database = Database("postgresql", None)
    database.open().close()
    newer = database.further(ADD)
    with psycopg.connect(database.place) as dump, ThreadPoolExecutor(1) as threads:
        dump.execute("SELECT count(*) FROM products")
        with pytest.raises(StoreUnusable, match="another transaction keeps a table locked, such as a long dump"):
            database.migrate(newer, patience=timedelta())
        going = threads.submit(database.migrate, newer)
        with psycopg.connect(database.place, options="-cstatement_timeout=4s") as service:
            for _ in range(3):
                service.execute("SELECT count(*) FROM products")
                service.commit()
        dump.commit()
        assert len(going.result(30).steps) == 1
