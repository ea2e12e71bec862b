"""Reads on the caller's own thread, each seeing what was committed last."""

import threading
import weakref
from pathlib import Path
from typing import Any

import apsw

from stillmotion.adapters.store.sqlite.connection import connect_reader, unavailable
from stillmotion.adapters.store.sqlite.rows import Row
from stillmotion.domain.errors import StoreUnavailable


class Reader:
    """One read-only connection for each thread that asks; statements stay prepared in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._gate = threading.Lock()
        # Weak: a thread that ends takes its connection with it.
        self._connections: weakref.WeakSet[apsw.Connection] = weakref.WeakSet()
        self._closed = False

    def rows(self, statement: str, bindings: tuple[Any, ...] = ()) -> list[Row]:
        """All rows of a statement. Raises `StoreUnavailable`."""
        try:
            cursor: apsw.Cursor = self._local.cursor
        except AttributeError:
            cursor = self._connect()
        try:
            return cursor.execute(statement, bindings).fetchall()
        except apsw.Error as error:
            trouble = unavailable(error)
            if trouble is None:
                raise
            raise trouble from error

    def close(self) -> None:
        """Close every thread's connection. Further reads are refused."""
        with self._gate:
            self._closed = True
            connections = list(self._connections)
        for connection in connections:
            connection.close()

    def _connect(self) -> apsw.Cursor:
        with self._gate:
            if self._closed:
                raise StoreUnavailable("the store is closed")
            connection = connect_reader(self._path)
            self._connections.add(connection)
        # All rows are fetched at once: one cursor does for every statement.
        self._local.cursor = cursor = connection.cursor()
        return cursor
