"""A look at a database that changes nothing, whether a server runs over it or not."""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apsw

from stillmotion.adapters.store.sqlite.database import (
    StoreUnusable,
    connect_reader,
    connect_writer,
    has_no_log,
    without_log,
)
from stillmotion.adapters.store.sqlite.schema import APPLICATION_ID, migrations
from stillmotion.adapters.store.sqlite.secret import kept_fingerprint

PROBLEMS_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Condition:
    """What was found: `trouble` in SQLite's words, none in a sound file; the schema it has and the newest there is.

    `fingerprint` is that of the secret which it was used with; None where it knows of none yet.
    """

    trouble: tuple[str, ...]
    is_ours: bool
    schema: int
    newest: int
    fingerprint: bytes | None = None


def refuse_without_log(folder: Path) -> None:
    """Raise `StoreUnusable` where SQLite cannot keep a write-ahead log in the folder. What is tried is removed."""
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
    """Read the whole file through. It takes as long as that takes."""
    newest = migrations()[-1].version
    try:
        connection = connect_reader(path)
    except apsw.Error as error:
        return Condition((str(error),), False, 0, newest)
    try:
        trouble = [row[0] for row in connection.execute(f"PRAGMA quick_check({PROBLEMS_SHOWN})") if row[0] != "ok"]
        trouble += [
            f"{row[0]} row {row[1]} names no {row[2]}" for row in connection.execute("PRAGMA foreign_key_check")
        ]
        is_ours = connection.pragma("application_id") == APPLICATION_ID
        schema = int(connection.pragma("user_version"))
        return Condition(tuple(trouble[:PROBLEMS_SHOWN]), is_ours, schema, newest, kept_fingerprint(connection))
    except apsw.Error as error:
        return Condition((str(error),), False, 0, newest)
    finally:
        connection.close()
