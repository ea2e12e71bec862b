"""SqliteWriter thread with group commit: many operations, one transaction, one wait for the disk."""

import asyncio
import queue
import threading
import time
from collections import defaultdict
from contextlib import suppress
from typing import Any, Final, TypeVar

import apsw

from stillmotion.adapters.store.sql.connections import Operation
from stillmotion.adapters.store.sqlite.connections import transactions
from stillmotion.adapters.store.sqlite.connections.database import CHECKPOINT_PAGES, SqliteConnection, unavailable
from stillmotion.adapters.store.sqlite.connections.open_files import OpenFiles
from stillmotion.application.ports.metrics import COMMIT_BUCKETS, Buckets
from stillmotion.domain.errors import StoreUnavailable

MAX_BATCH: Final = 256
"""Largest number of operations in a transaction: the first waits for the last."""

T = TypeVar("T")


class _Waiting:
    """An operation in the queue, the future that its caller awaits, and its outcome."""

    __slots__ = ("error", "future", "loop", "operation", "result")

    def __init__(self, operation: Operation[Any]) -> None:
        self.operation = operation
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.result: Any = None
        self.error: Exception | None = None

    def hand_over(self) -> None:
        """Resolve the future, on its loop's thread, unless the caller was cancelled meanwhile."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)
            self.error = None  # Breaks a reference cycle: the traceback holds a frame that holds this object.


class SqliteWriter:
    """Runs operations from any number of event loops on one thread, in their order of arrival.

    Operations that arrive during a commit share the next one. `commits` counts the transactions that changed the
    database, `durations` those by their time up to the disk. `log_is_long` is set while the write-ahead log waits for a
    checkpoint. No commit goes to `files` that were moved or replaced.
    """

    def __init__(self, connection: SqliteConnection, files: OpenFiles) -> None:
        self._files = files
        self.commits = 0
        self.durations = Buckets(COMMIT_BUCKETS)
        self.log_is_long = False
        self._connection = connection
        # The pages that undo one operation stay in memory. SQLite would make a file for them in each transaction.
        connection.pragma("temp_store", "memory")
        connection.set_wal_hook(self._committed)
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="stillmotion-store-writer", daemon=True)
        self._thread.start()

    async def run(self, operation: Operation[T], /) -> T:
        """The operation's result, once it is on disk.

        Raises the operation's exception, or `StoreUnavailable` if the database cannot keep the result.
        """
        waiting = _Waiting(operation)
        with self._gate:
            if self._closed:
                raise StoreUnavailable("the store is closed")
            self._queue.put(waiting)
        result: T = await waiting.future
        return result

    @property
    def displaced(self) -> str | None:
        """See `OpenFiles.trouble`."""
        return self._files.trouble()

    def close(self) -> None:
        """Finish the queued operations, then close the connection. Further operations are refused."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            batch = [first]
            open_ = self._write(batch)
            _hand_over(batch)
            if not open_:
                break
        self._connection.close()

    def _write(self, batch: list[_Waiting]) -> bool:
        """Run and commit the batch and the operations that arrive meanwhile. False after the end of the queue."""
        open_, began = True, time.monotonic()
        try:
            self._connection.execute(transactions.BEGIN)
            for waiting in batch:  # The batch grows while it is walked.
                self._attempt(waiting)
                if open_ and waiting is batch[-1]:
                    open_ = self._take_up(batch)
            self._refuse_displaced()
            self._connection.execute(transactions.COMMIT)
            self.durations.observe(time.monotonic() - began)
        except Exception as error:  # This thread must survive any error: all writes go through it.
            if isinstance(error, apsw.BusyError):
                open_ = open_ and self._take_up(batch)  # Else each of them would wait for the lock anew, in turn.
            _refuse(batch, error)
            self._roll_back()
        return open_

    def _refuse_displaced(self) -> None:
        """Raise `StoreUnavailable` if the files were displaced: a commit would be lost with this process."""
        if self.displaced is not None:
            raise StoreUnavailable("the database's files were removed, moved or replaced while in use: see the log")

    def _take_up(self, batch: list[_Waiting]) -> bool:
        """Add the operations that arrived meanwhile to the batch. False at the end of the queue."""
        while len(batch) < MAX_BATCH:
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                return True
            if waiting is None:
                return False
            batch.append(waiting)
        return True

    def _attempt(self, waiting: _Waiting) -> None:
        """Run one operation. Raises only if the whole transaction is lost."""
        execute = self._connection.execute
        execute(transactions.OPEN_OPERATION)
        try:
            waiting.result = waiting.operation(self._connection)
        except Exception as error:  # Any exception of an operation is its caller's.
            waiting.error = _as_unavailable(error) or error
            if not self._connection.in_transaction:
                raise
            execute(transactions.UNDO_OPERATION)
        execute(transactions.KEEP_OPERATION)

    def _committed(self, connection: apsw.Connection, _database: str, log_pages: int) -> int:
        """Count the commit, and run the checkpoint. SQLite's own hook would hide the length of the log."""
        self.commits += 1
        self.log_is_long = log_pages >= CHECKPOINT_PAGES
        if self.log_is_long:
            with suppress(apsw.Error):  # The commit itself is durable; the next one tries the checkpoint again.
                connection.wal_checkpoint()
        return apsw.SQLITE_OK

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            # If this fails, the next BEGIN fails too, and the rollback is repeated after it.
            with suppress(apsw.Error):
                self._connection.execute(transactions.ROLLBACK)


def _refuse(batch: list[_Waiting], error: Exception) -> None:
    for waiting in batch:
        refusal = _as_unavailable(error) or StoreUnavailable(f"the database refuses: {error}")
        refusal.__cause__ = error
        waiting.error = refusal


def _as_unavailable(error: Exception) -> StoreUnavailable | None:
    if isinstance(error, StoreUnavailable):
        return StoreUnavailable(str(error))
    return unavailable(error) if isinstance(error, apsw.Error) else None


def _hand_over(batch: list[_Waiting]) -> None:
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[_Waiting]] = defaultdict(list)
    for waiting in batch:
        by_loop[waiting.loop].append(waiting)
    for loop, of_loop in by_loop.items():
        try:
            loop.call_soon_threadsafe(_wake, of_loop)
        except RuntimeError:
            continue  # The loop is closed: no caller waits there.


def _wake(batch: list[_Waiting]) -> None:
    for waiting in batch:
        waiting.hand_over()
