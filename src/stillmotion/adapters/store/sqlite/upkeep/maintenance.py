"""Maintenance of a SQLite database: an inspection, a copy for a backup, and the checks of a restore."""

import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import apsw

from stillmotion.adapters.store.sql.connections import StoreUnusable
from stillmotion.adapters.store.sql.generation_rows import objects_of
from stillmotion.adapters.store.sql.generations import delete_generation
from stillmotion.adapters.store.sql.migrations import SchemaStanding, upgrade
from stillmotion.adapters.store.sql.queries import deletions
from stillmotion.adapters.store.sql.queries.access import KEYS_BY_MARK
from stillmotion.adapters.store.sqlite.connections.database import (
    BUSY_TIMEOUT_MS,
    connect_reader,
    connect_writer,
    has_no_log,
    sqlite_name,
    unavailable,
    without_log,
)
from stillmotion.adapters.store.sqlite.schema import APPLICATION_ID, migrations, oldest_code, open_database
from stillmotion.adapters.store.sqlite.upkeep.secret import kept_fingerprint, wrong_secret

PROBLEMS_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Condition:
    """Result of an inspection. `trouble` is in SQLite's words, and empty for a sound file.

    `newest` is the package's schema, and `due` are contract steps. `fingerprint` is the kept one of the secret, if any.
    `key_marks` are numbers of keys by mark, where the schema is the newest.
    """

    trouble: tuple[str, ...]
    is_ours: bool
    standing: SchemaStanding
    newest: int
    due: Sequence[int] = ()
    fingerprint: bytes | None = None
    key_marks: Mapping[bytes, int] = field(default_factory=dict)


def refuse_without_log(folder: Path) -> None:
    """Raise `StoreUnusable` if SQLite cannot keep a write-ahead log in the folder. The trial file is removed."""
    path = folder / f"doctor-{secrets.token_hex(8)}.db"
    try:
        connection = connect_writer(path)
        try:
            connection.execute("CREATE TABLE tried (x)")
        finally:
            connection.close()
    except apsw.Error as error:
        if has_no_log(error, folder):
            raise without_log(folder) from error
        raise StoreUnusable(f"{folder} can keep no database: {error}; mend or change the disk") from error
    finally:
        for ending in ("", "-wal", "-shm", "-journal"):
            path.with_name(f"{path.name}{ending}").unlink(missing_ok=True)


def inspect(path: Path) -> Condition:
    """Inspect a database without a change. The whole file is read, which takes its time."""
    newest = migrations()[-1].version
    try:
        connection = connect_reader(path)
    except apsw.Error as error:
        return Condition((str(error),), False, SchemaStanding(0, 0), newest)
    try:
        trouble = [row[0] for row in connection.execute(f"PRAGMA quick_check({PROBLEMS_SHOWN})") if row[0] != "ok"]
        trouble += [
            f"{row[0]} row {row[1]} names no {row[2]}" for row in connection.execute("PRAGMA foreign_key_check")
        ]
        is_ours = connection.pragma("application_id") == APPLICATION_ID
        schema = int(connection.pragma("user_version"))
        standing = SchemaStanding(schema, oldest_code(connection, schema) if is_ours else 0)
        due = upgrade(migrations(), standing).due
        kept, shown = kept_fingerprint(connection), tuple(trouble[:PROBLEMS_SHOWN])
        marks = dict(connection.execute(KEYS_BY_MARK)) if is_ours and schema >= newest else {}
        return Condition(shown, is_ours, standing, newest, due, kept, marks)
    except apsw.Error as error:
        return Condition((str(error),), False, SchemaStanding(0, 0), newest)
    finally:
        connection.close()


ALL_PAGES = -1
"""The whole copy in one step, and so in one read transaction: a write in between would restart the copying."""


def copy_database(source: Path, destination: Path) -> None:
    """Copy a database as it is at this moment, while others write to it. Raises `StoreUnusable`.

    The copy is migrated to this version's schema, and its one file holds everything.
    """
    try:
        reading = apsw.Connection(sqlite_name(source), flags=apsw.SQLITE_OPEN_READWRITE)
        writing = apsw.Connection(sqlite_name(destination))
        reading.set_busy_timeout(BUSY_TIMEOUT_MS)
        try:
            with writing.backup("main", reading, "main") as copying:
                while not copying.done:
                    copying.step(ALL_PAGES)
        finally:
            writing.close()
            reading.close()
    except apsw.Error as error:
        trouble = unavailable(error)
        if trouble is None:
            raise
        raise StoreUnusable(f"{source} cannot be copied: {trouble}; mend that and try again") from error
    _close_whole(open_database(destination, migrations()))


def check_database(path: Path) -> None:
    """Check the integrity of a database, and migrate it to this version's schema. Raises `StoreUnusable`."""
    connection = open_database(path, migrations())
    verdict = connection.execute("PRAGMA integrity_check(1)").get
    _close_whole(connection)
    if verdict != "ok":
        raise StoreUnusable(f"{path} is damaged ({verdict})")


def check_secret(copy: Path, path: Path, fingerprint: bytes) -> None:
    """Raise `StoreUnusable` if the copy of the database at `path` was used with another secret."""
    connection = open_database(copy, migrations())
    kept = kept_fingerprint(connection)
    _close_whole(connection)
    if kept not in (None, fingerprint):
        raise StoreUnusable(wrong_secret(path))


def named_objects(path: Path) -> Iterator[tuple[str, str]]:
    """Generation id and key of every lasting object of a generation; previews do not last."""
    connection = open_database(path, migrations())
    try:
        for generation_id, *columns in connection.execute(deletions.ALL_OBJECTS):
            for key in objects_of(tuple(columns)):
                yield generation_id, key
    finally:
        connection.close()


def existing(path: Path, generation_ids: Collection[str]) -> set[str]:
    """The ids that belong to a generation."""
    connection = apsw.Connection(sqlite_name(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    try:
        return {each for each in generation_ids if connection.execute(deletions.GENERATION_EXISTS, (each,)).get}
    finally:
        connection.close()


def forget(path: Path, generation_ids: Collection[str], now: datetime) -> None:
    """Delete generations from a copy that no other connection has open."""
    connection = open_database(path, migrations())
    with connection:
        for generation_id in generation_ids:
            delete_generation(connection, generation_id, now)
    _close_whole(connection)


def _close_whole(connection: apsw.Connection) -> None:
    """Close after folding the log into the file, which leaves nothing beside it."""
    connection.pragma("journal_mode", "delete")
    connection.close()
