"""A look at a database that changes nothing, whether a server runs over it or not."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apsw

from stillmotion.adapters.store.sqlite.connection import connect_reader
from stillmotion.adapters.store.sqlite.schema import APPLICATION_ID, migrations

PROBLEMS_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Condition:
    """What was found: `trouble` in SQLite's words, none in a sound file; the schema it has and the newest there is."""

    trouble: tuple[str, ...]
    is_ours: bool
    schema: int
    newest: int


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
        return Condition(tuple(trouble[:PROBLEMS_SHOWN]), is_ours, int(connection.pragma("user_version")), newest)
    except apsw.Error as error:
        return Condition((str(error),), False, 0, newest)
    finally:
        connection.close()
