"""Rows of a SQLite database that moves to another database. Nobody else may write to it meanwhile."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from stillmotion.adapters.store.sql.connections import StoreUnusable
from stillmotion.adapters.store.sql.generation_rows import Row
from stillmotion.adapters.store.sqlite.connections.database import connect_reader

_ORDERS: Final[Mapping[str, str]] = {"generations": "sequence", "deliveries": "sequence", "subscriptions": "rowid"}
"""Order of the rows whose numbers tell the order in which they came."""

_OF_REQUESTS: Final[Mapping[tuple[str, str], str]] = {("generations", "resolution"): "request ->> 'resolution'"}
"""Columns that SQLite takes out of another."""


class Departure:
    """The tables of a database."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def count(self, table: str) -> int:
        """Number of a table's rows."""
        return int(self._connection.execute(f'SELECT count(*) FROM "{table}"').get)  # noqa: S608 - a table's name

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[Row]:
        """The rows of a table, the oldest first where their order tells something."""
        wanted = ", ".join(_OF_REQUESTS.get((table, each), f'"{each}"') for each in columns)
        order = f" ORDER BY {_ORDERS[table]}" if table in _ORDERS else ""
        yield from self._connection.execute(f'SELECT {wanted} FROM "{table}"{order}')  # noqa: S608 - names of the schema

    def fates(self) -> Iterator[Row]:
        """Id, state and attempt of every generation, in the order of ids."""
        yield from self._connection.execute("SELECT id, state, attempt FROM generations ORDER BY id")


@contextmanager
def departure(path: Path) -> Iterator[Departure]:
    """The tables of the database at `path`, which is up to date. Raises `StoreUnusable`."""
    connection = connect_reader(path)
    try:
        yield Departure(connection)
    except apsw.Error as error:
        raise StoreUnusable(f"{path} cannot be read: {error}; check it with `stillmotion doctor`") from error
    finally:
        connection.close()
