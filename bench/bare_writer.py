"""The lower bound of a durable submit's cost: rows bound beforehand, one thread, one transaction a batch."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import apsw

from stillmotion.adapters.store.sql.generation_rows import Bindings
from stillmotion.adapters.store.sql.queries.generations import INSERT_GENERATION


@contextmanager
def bare_connection(database: Path) -> Iterator[apsw.Connection]:
    """A connection to a database that has the store's tables; every commit waits for the disk."""
    connection = apsw.Connection(str(database))
    try:
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "full")
        yield connection
    finally:
        connection.close()


def write(connection: apsw.Connection, rows: Sequence[Bindings], batch: int) -> float:
    """Insert all rows, `batch` of them in a transaction, and return the seconds that it took."""
    remaining = iter(rows)
    began = time.perf_counter()
    while together := list(islice(remaining, batch)):
        connection.execute("BEGIN IMMEDIATE")
        for row in together:
            connection.execute(INSERT_GENERATION, row)
        connection.execute("COMMIT")
    return time.perf_counter() - began
