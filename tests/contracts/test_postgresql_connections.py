"""Connections of the PostgreSQL store: what is refused at a start, and what becomes of a change that is cut off."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

import psycopg

from stillmotion.adapters.store import postgresql
from stillmotion.adapters.store.postgresql.condition import server_condition
from stillmotion.adapters.store.postgresql.connections.opening import connect, sentence_of
from stillmotion.adapters.store.sql.connections import StoreUnusable
from stillmotion.domain.errors import StoreUnavailable
from tests import databases
from tests.builders import a_product

ADD_REMOVAL = "INSERT INTO removals (generation_id, deleted_at) VALUES (?, 1)"


@pytest.fixture
def store(url):
    opened = postgresql.open_store(url)
    yield opened
    opened.close()


def removals(beside):
    return [row[0] for row in beside.execute("SELECT generation_id FROM removals").fetchall()]


def test_a_url_that_is_none_is_refused_without_its_password():
    with pytest.raises(StoreUnusable) as refused:
        postgresql.open_store("postgresql://role:very secret@host:port:5432/x")
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert "postgresql://role:password@" in str(refused.value)


def test_a_database_that_is_not_there_is_named_without_the_password():
    nowhere = databases.cluster().url("nowhere")
    with pytest.raises(StoreUnusable) as refused:
        postgresql.open_store(nowhere)
    assert "/nowhere cannot be used: " in str(refused.value)
    assert 'database "nowhere" does not exist; check the role, password, host and database' in str(refused.value)
    assert databases.PASSWORD not in str(refused.value)


def test_a_server_that_has_not_started_yet_is_to_be_waited_for():
    starting = psycopg.OperationalError("connection failed: FATAL:  the database system is starting up")
    assert sentence_of(starting) == "FATAL:  the database system is starting up; wait until it has started"


def test_a_role_that_may_make_no_tables_is_told_what_it_needs():
    url = databases.cluster().new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS poor")
        connection.execute("CREATE ROLE poor LOGIN")
    poor = url.replace(f"//{databases.ROLE}:", "//poor:")
    with pytest.raises(StoreUnusable, match="the role poor may make none: run `stillmotion migrate`") as refused:
        postgresql.open_store(poor)
    assert "CREATE TABLE" not in str(refused.value), "a statement of ours explains nothing"
    assert not server_condition(poor).may_migrate
    assert server_condition(url).may_migrate


def test_a_server_that_is_not_there_is_named(tmp_path):
    with pytest.raises(StoreUnusable, match=r"cannot be used: .*; see that PostgreSQL runs there, and check"):
        postgresql.open_store(f"postgresql://stillmotion@/x?host={tmp_path}")


def test_another_programs_tables_are_left_alone():
    theirs = databases.cluster().new_database()
    with psycopg.connect(theirs, autocommit=True) as connection:
        connection.execute("CREATE TABLE products (id int)")
    with pytest.raises(StoreUnusable, match="holds another program's tables: give Stillmotion a database of its own"):
        postgresql.open_store(theirs)
    with psycopg.connect(theirs) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (1,)


def test_another_secret_is_refused_and_while_it_is_changed_both_are_accepted(url):
    def opens_with(*fingerprints):
        postgresql.open_store(url, fingerprints=fingerprints).close()

    old, new = b"o" * 32, b"n" * 32
    opens_with(old)
    opens_with(old)
    with pytest.raises(StoreUnusable, match=r"secret: is not the one that postgresql://.* was used with"):
        opens_with(new)
    opens_with(new, old)
    opens_with(new)
    with pytest.raises(StoreUnusable, match="secret_before"):
        opens_with(old)


def test_processes_that_start_at_once_make_the_tables_once():
    fresh = databases.cluster().new_database()
    with ThreadPoolExecutor(4) as threads:
        for store in threads.map(postgresql.open_store, [fresh] * 4):
            store.close()


async def test_a_change_whose_connection_is_cut_is_made_once(store, beside):
    runs = []

    def operation(connection):
        runs.append(connection.execute("SELECT pg_backend_pid()").get)
        connection.execute(ADD_REMOVAL, ("a",))
        if len(runs) == 1:
            beside.execute("SELECT pg_terminate_backend(%s)", runs)
        connection.execute(ADD_REMOVAL, ("b",))

    await store.writer.run(operation)
    assert len(runs) == 2
    assert removals(beside) == ["a", "b"]


async def test_a_connection_that_was_cut_while_idle_is_replaced(store, beside):
    await store.check()
    beside.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'stillmotion'")
    await store.check()


async def test_a_change_that_may_have_been_kept_is_not_made_again(store, beside):
    """The connection is cut in the commit itself: nobody knows what became of it."""
    beside.execute(
        """
        CREATE OR REPLACE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql
            AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON removals DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION cut()
        """
    )
    runs = []

    def operation(connection):
        runs.append(1)
        connection.execute(ADD_REMOVAL, ("a",))

    try:
        with pytest.raises(StoreUnavailable, match="lost at the end of a change"):
            await store.writer.run(operation)
    finally:
        beside.execute("DROP TRIGGER cut ON removals; DROP FUNCTION cut")
    assert runs == [1]
    await store.check()


async def test_of_two_changes_that_wait_for_each_other_both_are_made(store, beside):
    for name in ("a", "b"):
        beside.execute("INSERT INTO removals VALUES (%s, 0)", (name,))
    met = asyncio.Barrier(2)
    loop = asyncio.get_running_loop()
    runs = []

    def in_order(*names):
        def operation(connection):
            runs.append(names)
            for name in names:
                connection.execute("UPDATE removals SET deleted_at = deleted_at + 1 WHERE generation_id = ?", (name,))
                assert connection.changes() == 1
                if name == names[0] and runs.count(names) == 1:
                    asyncio.run_coroutine_threadsafe(met.wait(), loop).result()

        return store.writer.run(operation)

    await asyncio.gather(in_order("a", "b"), in_order("b", "a"))
    assert len(runs) > 2
    assert beside.execute("SELECT sum(deleted_at) FROM removals").fetchone() == (4,)


async def test_a_mistake_undoes_the_change_and_is_told_as_it_is(store, beside):
    def operation(connection):
        connection.execute(ADD_REMOVAL, ("a",))
        connection.execute("SELECT nonsense")

    with pytest.raises(psycopg.errors.UndefinedColumn):
        await store.writer.run(operation)
    assert removals(beside) == []


async def test_a_database_that_is_gone_is_unavailable():
    server = databases.cluster()
    gone = server.new_database()
    store = postgresql.open_store(gone)
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {gone.partition('?')[0].rpartition('/')[2]} WITH (FORCE)")
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        await store.add_product(a_product())
    store.close()


async def test_a_closed_store_refuses_everything(store):
    store.close()
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.check()
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.find("x")


@pytest.mark.parametrize("pooled", [False, pytest.param(True, marks=pytest.mark.slow)])
async def test_no_change_waits_or_idles_for_long(url, pooled):
    store = postgresql.open_store(databases.pooled(url) if pooled else url)
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "transaction_isolation")

    def operation(connection):
        return [connection.execute(f"SHOW {name}").get for name in names]

    assert await store.writer.run(operation) == ["15s", "5s", "20s", "read committed"]
    store.close()


def test_a_transaction_behind_a_pooler_that_has_another_server_by_now_is_not_begun(url):
    session = connect(databases.pooled(url))
    session.begin()
    session.commit()
    session.timeline += 1  # As it would be, had this session begun before a failover.
    with pytest.raises(psycopg.OperationalError, match="another server"):
        session.begin()
    assert session.is_lost
