"""Arrival of another database's rows in an empty PostgreSQL database, all of them or none."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg.sql import SQL, Identifier

from stillmotion.adapters.store.postgresql.connections.opening import PostgresSession, conninfo, named
from stillmotion.adapters.store.postgresql.schema import migrations, open_database
from stillmotion.adapters.store.postgresql.secret import agree_on_secret
from stillmotion.adapters.store.sql.connections import StoreUnusable
from stillmotion.adapters.store.sql.generation_rows import Row

PASSING: Final = frozenset({"duties", "leases", "model_holdings", "processes", "read_windows", "stillmotion"})
"""Tables about running processes, and the one that each database has for itself: their rows stay where they are."""

_FIRST_ROWS: Final = frozenset({"access_version", "virtual_clock"})
"""Tables that a new database has a row in."""

_COLUMNS: Final = """
    SELECT t.relname, c.column_name
    FROM pg_class t JOIN information_schema.columns c
        ON c.table_schema = current_schema() AND c.table_name = t.relname AND c.is_identity = 'NO'
    WHERE t.relnamespace = to_regnamespace(current_schema()) AND t.relkind = 'r'
    ORDER BY t.oid, c.ordinal_position
"""
"""In the order in which the tables were made: those that others refer to come first. Numbers of rows are given anew."""

_PIECE: Final = 10_000


class Arrival:
    """A transaction that fills the tables."""

    def __init__(self, session: PostgresSession, place: str) -> None:
        self._link = session.link
        columns: defaultdict[str, list[str]] = defaultdict(list)
        for table, column in self._link.execute(_COLUMNS.encode()):
            if table not in PASSING:
                columns[table].append(column)
        self.columns: Mapping[str, Sequence[str]] = columns
        for table in columns:
            if table not in _FIRST_ROWS and self.count(table):
                raise StoreUnusable(f"{place} has rows already, in {table}: give an empty database")
            # Triggers count what arrives counted. Those of references stay.
            self._each("ALTER TABLE {} DISABLE TRIGGER USER", table)
        for table in _FIRST_ROWS:
            self._each("DELETE FROM {}", table)

    def copy(self, table: str, rows: Iterable[Row]) -> None:
        """Write rows into a table, with its `columns`."""
        names = SQL(", ").join(map(Identifier, self.columns[table]))
        statement = SQL("COPY {} ({}) FROM STDIN").format(Identifier(table), names)
        with self._link.cursor() as cursor, cursor.copy(statement) as copying:
            for row in rows:
                copying.write_row(row)

    def count(self, table: str) -> int:
        """Number of a table's rows."""
        counted = self._link.execute(SQL("SELECT count(*) FROM {}").format(Identifier(table)))
        return int(counted.fetchall()[0][0])

    def fates(self) -> Iterator[Row]:
        """Id, state and attempt of every generation, in the order of ids."""
        with self._link.cursor("fates") as cursor:
            cursor.itersize = _PIECE
            yield from cursor.execute("SELECT id, state, attempt FROM generations ORDER BY id")

    def end(self) -> None:
        """Let the triggers run again."""
        for table in self.columns:
            self._each("ALTER TABLE {} ENABLE TRIGGER USER", table)

    def _each(self, statement: str, table: str) -> None:
        self._link.execute(statement.format(f'"{table}"').encode())


@contextmanager
def arrival(url: str, fingerprints: Sequence[bytes]) -> Iterator[Arrival]:
    """The tables of an empty database, made where they are missing. An error leaves them empty.

    Raises `StoreUnusable`.
    """
    parameters = conninfo(url)
    place, session = named(parameters), open_database(parameters, migrations())
    try:
        session.begin()
        # One transaction takes as long as there is something to copy.
        session.link.execute(
            b"SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; "
            b"SET LOCAL idle_in_transaction_session_timeout = 0"
        )
        tables = Arrival(session, place)
        # Only then: of a database that another installation uses its rows are to be told, not its secret.
        agree_on_secret(session, place, fingerprints)
        yield tables
        tables.end()
        session.commit()
        session.link.execute(b"ANALYZE")
    except psycopg.Error as error:
        is_refused = isinstance(error, psycopg.errors.InsufficientPrivilege)
        remedy = "move with the role that owns the tables" if is_refused else "mend that and move again"
        raise StoreUnusable(f"{place} does not take the rows: {str(error).strip()}; {remedy}") from error
    finally:
        # Also undoes what was not committed.
        session.link.close()
