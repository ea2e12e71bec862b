"""The database's tables, brought up to date by numbered migrations."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import apsw

from stillmotion.adapters.private_files import create_private, keep_private
from stillmotion.adapters.store.sql.connections import StoreUnusable
from stillmotion.adapters.store.sql.migrations import Migration, packaged
from stillmotion.adapters.store.sqlite.connections.database import (
    SqliteConnection,
    connect_writer,
    has_no_log,
    unavailable,
    without_log,
)
from stillmotion.application.ports.lists import folded

APPLICATION_ID: Final = 0x534D4F54
"""`SMOT` in ASCII: tells our files from other programs' databases."""

QUICK_CHECK_BYTES: Final = 128 * 1024 * 1024
"""Largest file that is checked as a whole at every start, in about 0.1 s. Of a larger one the head is read."""

_PATIENCE_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.1


def migrations() -> Sequence[Migration]:
    """The package's migrations, in order."""
    return packaged(__package__)


def open_database(path: Path, steps: Sequence[Migration]) -> SqliteConnection:
    """A writing connection to the database at `path`, made or migrated as needed. Raises `StoreUnusable`.

    Only this user can read the database. SQLite gives the files beside it the same mode.
    """
    create_private(path)
    for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        keep_private(each)
    try:
        connection = _connect_patiently(path)
        try:
            _migrate(connection, path, steps)
            _check_sound(connection, path)
        except BaseException:
            connection.close()
            raise
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise _damaged(path, str(error)) from error
    except apsw.Error as error:
        if has_no_log(error, path.parent):
            raise without_log(path) from error
        trouble = unavailable(error)
        if trouble is None:
            raise
        raise StoreUnusable(f"{path} cannot be used: {trouble}; mend that and start again") from error
    return connection


def _connect_patiently(path: Path) -> SqliteConnection:
    # Two processes may switch the log of a new database on at once. SQLite's busy timeout does not cover that.
    patient_until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return connect_writer(path)
        except (apsw.BusyError, apsw.LockedError) as error:
            if time.monotonic() > patient_until or has_no_log(error, path.parent):
                raise
            time.sleep(_PAUSE_SECONDS)


def _migrate(connection: apsw.Connection, path: Path, steps: Sequence[Migration]) -> None:
    newest = steps[-1].version
    if _version(connection, path, newest) == newest:
        return
    connection.create_scalar_function("folded", _folded, 1, deterministic=True)
    connection.execute("BEGIN IMMEDIATE")
    try:
        # The version is read again under the lock: another process may have migrated meanwhile.
        version = _version(connection, path, newest)
        for step in steps:
            if step.version > version:
                connection.execute(step.sql)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {newest}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _folded(*given: object) -> str:
    """`folded` for a migration."""
    return folded(str(given[0]))


def _version(connection: apsw.Connection, path: Path, newest: int) -> int:
    version = int(connection.pragma("user_version"))
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").get
    owner = int(connection.pragma("application_id"))
    if tables and owner != APPLICATION_ID:
        raise StoreUnusable(f"{path} is another program's database: choose another data directory")
    if version > newest:
        raise StoreUnusable(
            f"{path} was written by a newer Stillmotion (schema {version}, this one knows {newest}): "
            "upgrade Stillmotion, or choose another data directory"
        )
    return version


def _check_sound(connection: apsw.Connection, path: Path) -> None:
    if path.stat().st_size <= QUICK_CHECK_BYTES:
        verdict = connection.execute("PRAGMA quick_check(1)").get
        if verdict != "ok":
            raise _damaged(path, str(verdict))


def _damaged(path: Path, found: str) -> StoreUnusable:
    return StoreUnusable(
        f"{path} is damaged ({found.splitlines()[-1]}): restore it from a backup, or move it and its -wal and -shm "
        "files away and start with an empty one"
    )
