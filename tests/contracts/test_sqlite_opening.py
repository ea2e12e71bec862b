"""Opening a database: creation, migration, or a refusal with its remedy."""

import asyncio
import os
import threading

import apsw
import pytest

from stillmotion.adapters.store.sql.migrations import Migration
from stillmotion.adapters.store.sqlite import StoreUnusable, open_store
from stillmotion.adapters.store.sqlite.connections.database import has_wal_reset_bug, refuse_unsafe_sqlite
from stillmotion.adapters.store.sqlite.schema import APPLICATION_ID, migrations, open_database
from stillmotion.domain.subscriptions import Usage
from tests.builders import NOON
from tests.contracts.conftest import keep_subscription


def pragma(database, name):
    connection = apsw.Connection(str(database))
    try:
        return connection.pragma(name)
    finally:
        connection.close()


def alter(database, sql):
    connection = apsw.Connection(str(database))
    connection.execute(sql)
    connection.close()


def test_a_new_database_has_the_newest_schema_and_is_marked_as_ours(database):
    open_store(database).close()
    assert pragma(database, "user_version") == migrations()[-1].version
    assert pragma(database, "application_id") == APPLICATION_ID
    assert pragma(database, "journal_mode") == "wal"


def test_migrations_are_numbered_in_order_without_a_gap():
    numbers = [each.version for each in migrations()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_commit_waits_for_the_disk_and_for_no_other_file(sqlite):
    async def settings(name):
        return await sqlite.writer.run(lambda connection: connection.pragma(name))

    assert asyncio.run(settings("synchronous")) == 2
    assert asyncio.run(settings("foreign_keys")) == 1
    assert asyncio.run(settings("temp_store")) == 2, "in memory: no transaction makes a file to undo its parts"


async def test_an_older_database_is_migrated_and_keeps_what_it_holds(database, clock):
    store = open_store(database, clock)
    subscription = await keep_subscription(store)
    store.close()
    further = [*migrations(), Migration(migrations()[-1].version + 1, "CREATE TABLE further (x INTEGER) STRICT")]
    open_database(database, further).close()
    assert pragma(database, "user_version") == further[-1].version
    rows = apsw.Connection(str(database)).execute("SELECT id FROM subscriptions").fetchall()
    assert rows == [(subscription.id,)]


async def test_what_was_kept_before_there_were_turns_and_terms_goes_on(database, clock):
    """A product that listed the only surface of its time has all surfaces, and its queued work is claimed."""
    old = open_database(database, migrations()[:1])
    old.execute(
        """
        INSERT INTO products VALUES ('p1', 'default', '["gateway"]', NULL, 60, 6000, 100, NULL),
                                    ('p2', 'closed', '[]', '["ray-2"]', 1, 2, 3, 4);
        INSERT INTO subscriptions VALUES ('s1', 'somebody', 'p1', 0, 'whsec_', 'active');
        INSERT INTO limits VALUES ('s1', 0, 2, 2);
        INSERT INTO generations (
            id, subscription_id, surface, request, engine, created_at, state, attempt, failures, progress, plan
        ) VALUES
            ('g1', 's1', 'gateway', '{"prompt":"p","seconds":5.0,"resolution":"720p","model":"m"}', 'parallax/1', 1,
             'queued', 0, 0, 0, ''),
            ('g2', 's1', 'gateway', '{"prompt":"p","seconds":5.0,"resolution":"720p","model":"m"}', 'parallax/1', 0,
             'dreaming', 1, 0, 0, '')
        """
    )
    old.close()
    store = open_store(database, clock)
    assert (await store.find_product("default")).surfaces is None
    closed = await store.find_product("closed")
    assert (closed.surfaces, closed.models, closed.price_per_second) == (frozenset(), frozenset({"ray-2"}), 0)
    (subscription, _) = await store.find_with_keys("s1")
    assert subscription.expires_at is None
    assert await store.usage("s1", "2026-11") == Usage(0.0, 2, 1)
    assert (await store.claim_next(lambda each: each.claimed(NOON))).id == "g1"
    assert await store.claim_next(lambda each: each.claimed(NOON)) is None
    store.close()


def test_a_migration_that_fails_changes_nothing(database):
    open_store(database).close()
    newest = migrations()[-1].version
    broken = Migration(newest + 1, "CREATE TABLE further (x INTEGER) STRICT; INSERT INTO nowhere VALUES (1)")
    with pytest.raises(apsw.SQLError):
        open_database(database, [*migrations(), broken])
    assert pragma(database, "user_version") == newest
    open_store(database).close()


def test_many_at_once_may_make_a_new_database(database):
    failures = []

    def make():
        try:
            open_store(database).close()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert pragma(database, "user_version") == migrations()[-1].version


def test_a_newer_database_is_refused(database):
    open_store(database).close()
    alter(database, "PRAGMA user_version = 9999; UPDATE meta SET oldest_code = 9998")
    with pytest.raises(StoreUnusable, match=r"too new for this Stillmotion.* knows schema 9998\. Upgrade") as refused:
        open_store(database)
    assert str(database) in str(refused.value)
    assert pragma(database, "user_version") == 9999


def test_another_programs_database_is_refused(database):
    alter(database, "CREATE TABLE theirs (x)")
    with pytest.raises(StoreUnusable, match="another program's database"):
        open_store(database)
    assert pragma(database, "user_version") == 0


def test_a_file_that_is_no_database_is_refused(database):
    database.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with pytest.raises(StoreUnusable, match=r"is damaged .*restore it from a backup") as refused:
        open_store(database)
    assert str(database) in str(refused.value)


@pytest.mark.parametrize("part", [0.15, 0.5, 0.9])
def test_a_damaged_database_is_refused(database, part):
    open_store(database).close()
    content = bytearray(database.read_bytes())
    start = int(len(content) * part) // 4096 * 4096
    content[start : start + 4096] = os.urandom(4096)
    database.write_bytes(content)
    with pytest.raises(StoreUnusable, match="is damaged"):
        open_store(database)


def test_a_database_cut_short_is_refused(database):
    open_store(database).close()
    database.write_bytes(database.read_bytes()[: 4096 * 5])
    with pytest.raises(StoreUnusable, match="is damaged"):
        open_store(database)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(StoreUnusable, match="cannot be opened"):
        open_store(tmp_path / "nowhere" / "stillmotion.db")


@pytest.mark.parametrize(
    ("version", "bug"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 44, 9), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 0), True),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 54, 1), False),
        ((4, 0, 0), False),
    ],
)
def test_releases_of_sqlite_with_the_wal_reset_bug_are_known(version, bug):
    assert has_wal_reset_bug(version) is bug


def test_a_sqlite_that_may_lose_commits_is_refused():
    with pytest.raises(StoreUnusable, match=r"SQLite 3\.40\.1 .*apsw that brings 3\.51\.3"):
        refuse_unsafe_sqlite((3, 40, 1))
