"""Reads on the caller's own thread, each seeing what was committed last."""

import asyncio
import threading
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import apsw

from stillmotion.adapters.store.sqlite import queries
from stillmotion.adapters.store.sqlite.database import connect_reader, unavailable
from stillmotion.adapters.store.sqlite.generation_rows import Row
from stillmotion.adapters.store.sqlite.writer import Writer
from stillmotion.domain.errors import StoreUnavailable

HOLD_SECONDS: Final = 0.01
"""How long reads of an event loop may share a transaction: another process's commit is seen this much later."""

IDLE_SECONDS: Final = 0.25
"""How long a transaction stays open at most that no read came to end."""


class Reader:
    """One read-only connection for each thread that asks; statements stay prepared in it."""

    def __init__(self, path: Path, writer: Writer) -> None:
        self._path = path
        self._writer = writer
        self._local = threading.local()
        self._gate = threading.Lock()
        # Weak: a thread that ends takes its connection with it.
        self._views: weakref.WeakSet[_View] = weakref.WeakSet()
        self._closed = False

    def rows(self, statement: str, bindings: tuple[Any, ...] | Mapping[str, Any] = ()) -> list[Row]:
        """All rows of a statement. Raises `StoreUnavailable`."""
        try:
            view: _View = self._local.view
        except AttributeError:
            view = self._connect()
        try:
            view.look()
            return view.cursor.execute(statement, bindings).fetchall()
        except apsw.Error as error:
            view.let_go()
            trouble = unavailable(error)
            if trouble is None:
                raise
            raise trouble from error

    def close(self) -> None:
        """Close every thread's connection. Further reads are refused."""
        with self._gate:
            self._closed = True
            views = list(self._views)
        for view in views:
            view.connection.close()

    def _connect(self) -> "_View":
        with self._gate:
            if self._closed:
                raise StoreUnavailable("the store is closed")
            view = _View(self._open(), self._writer)
            self._views.add(view)
        self._local.view = view
        return view

    def _open(self) -> apsw.Connection:
        """One more connection to the files that the writer has. Raises `StoreUnavailable` where they are others now."""
        if self._writer.displaced is not None:
            raise StoreUnavailable("the database's files were removed, moved or replaced while in use: see the log")
        try:
            return connect_reader(self._path)
        except apsw.Error as error:
            raise unavailable(error) or error from error


class _View:
    """A thread's connection. To begin and to end a transaction costs as much as to read a row, in locks on the file.

    So the reads of one event loop share a transaction, until the writer commits the next one, and for no longer than
    `HOLD_SECONDS`. Then the next read ends it: a timer of its own for each would wake a machine that has better to do.
    While the log waits to be folded into the database reads share none: it could not be, and would grow.
    """

    def __init__(self, connection: apsw.Connection, writer: Writer) -> None:
        self.connection = connection
        # All rows are fetched at once: one cursor does for every statement.
        self.cursor = connection.cursor()
        self._writer = writer
        self._held_in: asyncio.AbstractEventLoop | None = None
        self._timed_in: asyncio.AbstractEventLoop | None = None
        self._seen = -1
        self._shared_until = 0.0

    def look(self) -> None:
        """See what was committed last."""
        commits, loop = self._writer.commits, self._held_in
        if loop is not None:
            # A thread that has one loop running can have no other; to ask which it is costs a call of the system.
            if commits == self._seen and loop.is_running() and loop.time() < self._shared_until:
                return
            self.let_go()
        loop = _running_loop()
        if loop is not None and not self._writer.log_is_long:
            self._seen, self._held_in, self._shared_until = commits, loop, loop.time() + HOLD_SECONDS
            self.cursor.execute(queries.BEGIN_READING)
            if self._timed_in is not loop:
                self._timed_in = loop
                loop.call_later(IDLE_SECONDS, self._end)

    def let_go(self) -> None:
        """End the transaction that is held, if there is one."""
        if self._held_in is not None:
            self._held_in = None
            with suppress(apsw.Error):  # It is over then, one way or another.
                self.cursor.execute(queries.COMMIT)

    def _end(self) -> None:
        self._timed_in = None
        self.let_go()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
