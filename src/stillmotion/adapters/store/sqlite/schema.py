"""The database's tables, brought up to date by numbered migrations."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import apsw

from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.private_files import create_private, keep_private
from stillmotion.adapters.store.sql.connections import StoreUnusable
from stillmotion.adapters.store.sql.generation_rows import microseconds
from stillmotion.adapters.store.sql.migrations import (
    Migration,
    SchemaStanding,
    Upgrade,
    older_code,
    packaged,
    refuse_outgrown,
    upgrade,
)
from stillmotion.adapters.store.sqlite.connections.database import (
    SqliteConnection,
    connect_writer,
    has_no_log,
    unavailable,
    without_log,
)
from stillmotion.application.ports.lists import folded
from stillmotion.domain.operators.processes import SILENT_AFTER

APPLICATION_ID: Final = 0x534D4F54
"""`SMOT` in ASCII: tells our files from other programs' databases."""

QUICK_CHECK_BYTES: Final = 128 * 1024 * 1024
"""Largest file that is checked as a whole at every start, in about 0.1 s. Of a larger one the head is read."""

_OLDEST_CODE_SINCE: Final = 29
"""Version of the tables from which they tell the oldest code. Older code runs over no newer tables."""

_STANDS: Final = "UPDATE meta SET oldest_code = max(oldest_code, ?)"

_OLDER_CODE: Final = "SELECT id, version, schema FROM processes WHERE schema < ? AND seen_at >= ? ORDER BY id"

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
    with _explained(path):
        connection = _connect_patiently(path)
        try:
            _migrate(connection, path, steps)
            _check_sound(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def migrate(path: Path, steps: Sequence[Migration], *, contract: bool = False) -> Upgrade:
    """Bring the tables of a database up to date, with `contract` through the contract steps too.

    Nothing is changed where nothing is to be done. Raises `StoreUnusable`, also where older code lives that a contract
    step would disturb.
    """
    with _explained(path), closing(_connect_patiently(path)) as connection:
        return _migrate(connection, path, steps, contract=contract)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """SQLite's errors as `StoreUnusable`, but for mistakes of ours."""
    try:
        yield
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise _damaged(path, str(error)) from error
    except apsw.Error as error:
        if has_no_log(error, path.parent):
            raise without_log(path) from error
        trouble = unavailable(error)
        if trouble is None:
            raise
        raise StoreUnusable(f"{path} cannot be used: {trouble}; mend that and start again") from error


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


def _migrate(connection: apsw.Connection, path: Path, steps: Sequence[Migration], *, contract: bool = False) -> Upgrade:
    way = upgrade(steps, _standing(connection, path, steps), contract=contract)
    if way.after == way.before:
        return way
    connection.create_scalar_function("folded", _folded, 1, deterministic=True)
    connection.execute("BEGIN IMMEDIATE")
    try:
        # The standing is read again under the lock: another process may have migrated meanwhile.
        way = upgrade(steps, _standing(connection, path, steps), contract=contract)
        for step in way.steps:
            if step.is_contract and way.before is not None:
                _refuse_older_code(connection, path, step)
            connection.execute(step.sql)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {way.after.schema}")
        if way.after.schema >= _OLDEST_CODE_SINCE:
            connection.execute(_STANDS, (way.after.oldest_code,))
            way = way._replace(after=SchemaStanding(way.after.schema, oldest_code(connection, way.after.schema)))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return way


def _refuse_older_code(connection: apsw.Connection, path: Path, step: Migration) -> None:
    since = microseconds(SystemClock().now() - SILENT_AFTER)
    living = connection.execute(_OLDER_CODE, (step.version, since)).fetchall()
    if living:
        raise older_code(path, living)


def _folded(*given: object) -> str:
    """`folded` for a migration."""
    return folded(str(given[0]))


def _standing(connection: apsw.Connection, path: Path, steps: Sequence[Migration]) -> SchemaStanding | None:
    """Standing of the tables; None for a database without them. Raises `StoreUnusable` for one that is too new."""
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").get
    owner = int(connection.pragma("application_id"))
    if tables and owner != APPLICATION_ID:
        raise StoreUnusable(f"{path} is another program's database: choose another data directory")
    if not tables:
        return None
    schema = int(connection.pragma("user_version"))
    standing = SchemaStanding(schema, oldest_code(connection, schema))
    refuse_outgrown(path, standing, steps)
    return standing


def oldest_code(connection: apsw.Connection, schema: int) -> int:
    """The oldest code that may run over tables of a version; 0 for tables that do not tell it."""
    return int(connection.execute("SELECT oldest_code FROM meta").get) if schema >= _OLDEST_CODE_SINCE else 0


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
