"""Threads that hold a session each, and run transactions and reads in it."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

import psycopg
import structlog
from psycopg import errors

from stillmotion.adapters.store.postgresql.connections.opening import Link, PostgresSession, connect, unavailable
from stillmotion.adapters.store.postgresql.queries.dialect import held, translated
from stillmotion.adapters.store.sql.connections import Given, Operation
from stillmotion.adapters.store.sql.generation_rows import Row
from stillmotion.application.ports.metrics import COMMIT_BUCKETS, Buckets
from stillmotion.domain.errors import StoreUnavailable

SESSIONS: Final = 8
"""Largest number of sessions of a store. A server has some hundreds for all processes together."""

PAUSES: Final = (0.0, 0.02, 0.1, None)
"""Seconds before a transaction that was undone is run again. After the last try its caller is told."""

_AGAIN: Final = (errors.DeadlockDetected, errors.SerializationFailure, errors.ReadOnlySqlTransaction)
"""Errors that undo a transaction which may do better in another try, the last on another server."""

FAILED_OVER: Final = "the database was replaced by another server"

T = TypeVar("T")

log = structlog.get_logger(__name__)


class _Lost(Exception):
    """A commit of which nobody knows if it was kept."""


class PipelinedRows:
    """Rows of a statement, waited for once they are looked at."""

    def __init__(self, cursor: psycopg.Cursor[Row], sync: Callable[[], None]) -> None:
        self._cursor = cursor
        self._sync = sync

    @property
    def get(self) -> Any:
        """See `sql.connections.Rows.get`."""
        simplest = [row[0] if len(row) == 1 else row for row in self.fetchall()]
        return simplest[0] if len(simplest) == 1 else simplest or None

    def fetchall(self) -> list[Row]:
        """See `sql.connections.Rows.fetchall`."""
        if self._cursor.pgresult is None:
            self._sync()
        return self._cursor.fetchall() if self._cursor.description else []

    def __iter__(self) -> Any:
        return iter(self.fetchall())


class Transaction:
    """`sql.connections.Connection`, inside a transaction of a session.

    Statements are sent one after another, and only an answer that is looked at is waited for: a round trip each takes
    longer than most of them, while rows are held.
    """

    def __init__(self, link: Link, pipeline: psycopg.Pipeline) -> None:
        self._link = link
        self._pipeline = pipeline
        self._last = link.cursor()

    def execute(self, statement: str, bindings: Given = (), /) -> PipelinedRows:
        """See `sql.connections.Connection.execute`."""
        self._last = self._link.execute(translated(statement), bindings or None)
        return PipelinedRows(self._last, self._pipeline.sync)

    def hold(self, statement: str, bindings: Given = (), /) -> None:
        """See `sql.connections.Connection.hold`. Other rows may still refer to the held ones."""
        self._link.execute(held(statement), bindings or None)

    def changes(self) -> int:
        """See `sql.connections.Connection.changes`."""
        if self._last.pgresult is None:
            self._pipeline.sync()
        return self._last.rowcount


class Threads:
    """Runs transactions and reads, each in a thread with a session of its own.

    It serves any number of event loops. Sessions are opened as they are needed, and a lost one is opened anew. Where
    that finds a server with another history, a new `epoch` begins: changes that were asked for before it are refused.
    """

    def __init__(self, parameters: str, first: PostgresSession, most: int = SESSIONS) -> None:
        self._parameters = parameters
        self._unused: list[PostgresSession] = [first]
        self._local = threading.local()
        self._gate = threading.Lock()
        self._timeline, self.epoch = first.timeline, 0
        self._sessions: set[PostgresSession] = set()
        self.commit_times = Buckets(COMMIT_BUCKETS)
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="stillmotion-store")

    async def run(self, operation: Operation[T], /) -> T:
        """See `sql.connections.Writer.run`."""
        return await self._in_thread(partial(self.transact, operation, self.epoch))

    async def rows(self, statement: str, bindings: Given = (), /) -> list[Row]:
        """See `sql.connections.Reader.rows`."""
        return await self.apart(partial(_read, statement, bindings))

    async def apart(self, work: Callable[[PostgresSession], T]) -> T:
        """`patiently`, in one of the threads."""
        return await self._in_thread(partial(self.patiently, work))

    scan = rows
    """See `sql.connections.Reader.scan`: no statement runs in the event loop's thread."""

    def transact(self, operation: Operation[T], epoch: int | None = None) -> T:
        """`run` in the calling thread; in that epoch only, where one is given."""
        return self.timed(partial(_transact, operation), epoch)

    def timed(self, work: Callable[[PostgresSession], T], epoch: int | None = None) -> T:
        """`patiently`, for work that is a transaction: the time until it is durable is observed."""
        began = time.monotonic()
        result = self.patiently(work, epoch)
        with self._gate:
            self.commit_times.observe(time.monotonic() - began)
        return result

    def close(self) -> None:
        """Finish what is under way, and close every session. Further work is refused; may be called twice."""
        self._threads.shutdown()
        with self._gate:
            sessions, self._sessions, self._unused = [*self._sessions, *self._unused], set(), []
        for session in sessions:
            session.link.close()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            under_way = asyncio.get_running_loop().run_in_executor(self._threads, work)
        except RuntimeError as error:  # The only sign of an executor that was shut down.
            raise StoreUnavailable("the store is closed") from error
        return await under_way

    def patiently(self, work: Callable[[PostgresSession], T], epoch: int | None = None) -> T:
        """The result of work with the calling thread's session. It is done again where it was undone, in that epoch.

        Raises `StoreUnavailable`.
        """
        for pause in PAUSES:
            try:
                session = self._session()
            except psycopg.Error as error:
                raise unavailable(error) or error from error
            if epoch not in (None, self.epoch):
                raise StoreUnavailable(FAILED_OVER)
            try:
                return work(session)
            except _Lost as error:
                self._drop(session)
                raise StoreUnavailable("the connection to the database was lost at the end of a change") from error
            except psycopg.Error as error:
                if session.is_lost or isinstance(error, errors.ReadOnlySqlTransaction):
                    self._drop(session)
                elif not isinstance(error, _AGAIN):
                    raise unavailable(error) or error from error
                if pause is None:
                    raise unavailable(error) or error from error
                time.sleep(pause)
        raise AssertionError

    def _session(self) -> PostgresSession:
        """This thread's session."""
        session: PostgresSession | None = getattr(self._local, "session", None)
        if session is not None and session.timeline != self._timeline:
            self._drop(session)
            session = None
        if session is None:
            with self._gate:
                session = self._unused.pop() if self._unused else None
            session = session or self._connected()
            self._local.session = session
            with self._gate:
                self._sessions.add(session)
        return session

    def _connected(self) -> PostgresSession:
        session = connect(self._parameters)
        with self._gate:
            if session.timeline != self._timeline:
                log.warning("database_failed_over", timeline=session.timeline, before=self._timeline)
                self._timeline = session.timeline
                self.epoch += 1
        return session

    def _drop(self, session: PostgresSession) -> None:
        self._local.session = None
        with self._gate:
            self._sessions.discard(session)
        with suppress(psycopg.Error):
            session.link.close()


def _transact(operation: Operation[T], session: PostgresSession) -> T:
    return finish(partial(_pipelined, operation, session), session, session.commit)


def _pipelined(operation: Operation[T], session: PostgresSession) -> T:
    """The result of an operation in a new transaction, once all of its statements were answered."""
    with session.pipelined() as pipeline:
        return operation(Transaction(session.link, pipeline))


def finish(work: Callable[[], T], session: PostgresSession, commit: Callable[[], None]) -> T:
    """The result of work in a transaction that was begun. It is committed, or undone where the work raises."""
    try:
        result = work()
    except BaseException:
        session.roll_back()
        raise
    try:
        commit()
    except psycopg.Error as error:
        if session.is_lost:
            raise _Lost from error
        raise
    return result


def _read(statement: str, bindings: Given, session: PostgresSession) -> list[Row]:
    return session.link.execute(translated(statement), bindings or None).fetchall()
