"""Copies of a database that is in use."""

from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path

import apsw

from stillmotion.adapters.store.sqlite import queries
from stillmotion.adapters.store.sqlite.database import BUSY_TIMEOUT_MS, StoreUnusable, sqlite_name, unavailable
from stillmotion.adapters.store.sqlite.generation_rows import objects_of
from stillmotion.adapters.store.sqlite.generations import delete_generation
from stillmotion.adapters.store.sqlite.schema import migrations, open_database
from stillmotion.adapters.store.sqlite.secret import kept_fingerprint, wrong_secret

ALL_PAGES = -1
"""In one step: the source is read in one transaction, so that no write makes the copying begin anew."""


def copy_database(source: Path, destination: Path) -> None:
    """Copy a database as it is at this moment, while others write to it. Raises `StoreUnusable`.

    The copy is brought up to this version's schema, and is whole in its one file.
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
    """Read a database through and bring it up to this version's schema. Raises `StoreUnusable`."""
    connection = open_database(path, migrations())
    verdict = connection.execute("PRAGMA integrity_check(1)").get
    _close_whole(connection)
    if verdict != "ok":
        raise StoreUnusable(f"{path} is damaged ({verdict})")


def check_secret(copy: Path, path: Path, fingerprint: bytes) -> None:
    """Raise `StoreUnusable` where a copy of the database at `path` was used with another secret."""
    connection = open_database(copy, migrations())
    kept = kept_fingerprint(connection)
    _close_whole(connection)
    if kept not in (None, fingerprint):
        raise StoreUnusable(wrong_secret(path))


def named_objects(path: Path) -> Iterator[tuple[str, str]]:
    """Every object that a generation names for good, so no preview: the generation's id and the object's key."""
    connection = open_database(path, migrations())
    try:
        for generation_id, *columns in connection.execute(queries.ALL_OBJECTS):
            for key in objects_of(tuple(columns)):
                yield generation_id, key
    finally:
        connection.close()


def existing(path: Path, generation_ids: Collection[str]) -> set[str]:
    """Those of the ids that there is a generation of."""
    connection = apsw.Connection(sqlite_name(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    try:
        return {each for each in generation_ids if connection.execute(queries.GENERATION_EXISTS, (each,)).get}
    finally:
        connection.close()


def forget(path: Path, generation_ids: Collection[str], now: datetime) -> None:
    """Delete these generations from a copy that nobody else has open."""
    connection = open_database(path, migrations())
    with connection:
        for generation_id in generation_ids:
            delete_generation(connection, generation_id, now)
    _close_whole(connection)


def _close_whole(connection: apsw.Connection) -> None:
    """Fold the log in, and leave nothing beside the file."""
    connection.pragma("journal_mode", "delete")
    connection.close()
