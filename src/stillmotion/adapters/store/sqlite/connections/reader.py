"""Reads on the caller's own thread. Each sees the last commit."""

import asyncio
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Final

import apsw

from stillmotion.adapters.store.sql.connections import Given
from stillmotion.adapters.store.sql.generation_rows import Row
from stillmotion.adapters.store.sqlite.connections import transactions
from stillmotion.adapters.store.sqlite.connections.database import connect_reader, unavailable
from stillmotion.adapters.store.sqlite.connections.writer import SqliteWriter
from stillmotion.domain.errors import StoreUnavailable

HOLD_SECONDS: Final = 0.01
"""Longest time that reads of an event loop share a transaction. Commits of other processes show that much later."""

IDLE_SECONDS: Final = 0.25
"""Longest time that a shared transaction stays open without a further read."""


class SqliteReader:
    """Read-only connections, one for each thread; statements stay prepared in them."""

    def __init__(self, path: Path, writer: SqliteWriter) -> None:
        self._path = path
        self._writer = writer
        self._local = threading.local()
        self._gate = threading.Lock()
        # Weak references: a thread that ends takes its connection with it.
        self._views: weakref.WeakSet[_View] = weakref.WeakSet()
        self._closed = False

    async def rows(self, statement: str, bindings: Given = (), /) -> list[Row]:
        """All rows of a statement, without a suspension. Raises `StoreUnavailable`."""
        return self.read(statement, bindings)

    async def scan(self, statement: str, bindings: Given = (), /) -> list[Row]:
        """All rows of a statement, read on another thread. Raises `StoreUnavailable`."""
        return await asyncio.to_thread(self.read, statement, bindings)

    def read(self, statement: str, bindings: Given) -> list[Row]:
        """All rows of a statement, at once. Raises `StoreUnavailable`."""
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
        """A new connection to the writer's files. Raises `StoreUnavailable` if those were replaced."""
        if self._writer.displaced is not None:
            raise StoreUnavailable("the database's files were removed, moved or replaced while in use: see the log")
        try:
            return connect_reader(self._path)
        except apsw.Error as error:
            raise unavailable(error) or error from error


class _View:
    """Connection of one thread.

    To begin and end a transaction costs as much as reading a row, in locks on the file. So the reads of one event loop
    share a transaction, until the writer's next commit, and for `HOLD_SECONDS` at most. The next read ends it; a timer
    for each would wake an idle machine. While the log waits for a checkpoint, reads share no transaction: an open one
    would hold the checkpoint up, and the log would grow.
    """

    def __init__(self, connection: apsw.Connection, writer: SqliteWriter) -> None:
        self.connection = connection
        # One cursor serves every statement, since all rows are fetched at once.
        self.cursor = connection.cursor()
        self._writer = writer
        self._held_in: asyncio.AbstractEventLoop | None = None
        self._timed_in: asyncio.AbstractEventLoop | None = None
        self._seen = -1
        self._shared_until = 0.0

    def look(self) -> None:
        """Make the next read see the last commit."""
        commits, loop = self._writer.commits, self._held_in
        if loop is not None:
            # A thread runs one loop at most, so a running loop is this one. Asking asyncio would cost a system call.
            if commits == self._seen and loop.is_running() and loop.time() < self._shared_until:
                return
            self.let_go()
        loop = _running_loop()
        if loop is not None and not self._writer.log_is_long:
            self._seen, self._held_in, self._shared_until = commits, loop, loop.time() + HOLD_SECONDS
            self.cursor.execute(transactions.BEGIN_READING)
            if self._timed_in is not loop:
                self._timed_in = loop
                loop.call_later(IDLE_SECONDS, self._end)

    def let_go(self) -> None:
        """End the shared transaction, if one is open."""
        if self._held_in is not None:
            self._held_in = None
            with suppress(apsw.Error):  # A failed commit of a read ends the transaction too.
                self.cursor.execute(transactions.COMMIT)

    def _end(self) -> None:
        self._timed_in = None
        self.let_go()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
