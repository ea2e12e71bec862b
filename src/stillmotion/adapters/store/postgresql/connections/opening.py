"""Connections to a PostgreSQL database, set up alike, and the translation of PostgreSQL's errors."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, LiteralString

import psycopg
from psycopg import errors
from psycopg.adapt import Buffer, Loader
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Escaping, TransactionStatus
from psycopg.types.numeric import Int8Dumper

from stillmotion.adapters.store.sql.connections import StoreUnusable
from stillmotion.domain.errors import StoreUnavailable

OLDEST: Final = 15
"""Oldest major version of PostgreSQL that is tested."""

Link = psycopg.Connection[tuple[Any, ...]]
"""Connection of one thread, in autocommit: a transaction begins and ends by its own statements."""

_DEFAULTS: Final = {
    "application_name": "stillmotion",
    "connect_timeout": "10",
    "target_session_attrs": "read-write",
    "tcp_user_timeout": "15000",
}
"""Parameters of a connection that the URL may set otherwise. Of several hosts the writable one is taken."""

_LIMITS: Final = {
    "statement_timeout": "15s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "20s",
    "max_parallel_workers_per_gather": "0",
}
"""Limits of every transaction. No statement takes as long, and a process that hangs holds its rows no longer.

To start more processes for one takes longer than any of ours.
"""

_BEGIN: Final[LiteralString] = "BEGIN ISOLATION LEVEL READ COMMITTED"

_COMMIT_EARLY: Final = (
    "SET LOCAL synchronous_commit = off",
    "COMMIT",
    "SELECT pg_logical_emit_message(true, 'stillmotion', '')",
)
"""A commit that waits for no disk, and an empty change of the same session that does.

The log is flushed in its order: once the empty change is durable, so is all that was committed before it. One message
holds both, so that a pooler cannot lend another server for the second.
"""

_TIMELINE: Final[LiteralString] = "SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int"
"""Number of the server's history. A standby that is promoted begins another one.

`pg_control_checkpoint()` names it too, but after a promotion only from the next checkpoint on.
"""

_TROUBLE: Final[tuple[tuple[type[psycopg.Error], str], ...]] = (
    (errors.LockNotAvailable, "another transaction keeps a row locked"),
    (errors.DeadlockDetected, "other transactions keep rows locked"),
    (errors.SerializationFailure, "other transactions change the same rows"),
    (errors.QueryCanceled, "a statement takes too long"),
    (errors.DiskFull, "the database's disk is full"),
    (errors.OutOfMemory, "the database is out of memory"),
    (errors.TooManyConnections, "the database has too many connections"),
    (errors.ReadOnlySqlTransaction, "the database cannot be written to"),
    (errors.InsufficientPrivilege, "the role may not do this in the database"),
    (errors.IoError, "the database's disk does not read or write"),
    (psycopg.OperationalError, "the database cannot be reached"),
    (psycopg.InterfaceError, "the database cannot be reached"),
)


class _WholeLoader(Loader):
    """Loads `numeric` values, which here are sums of integers only."""

    def load(self, data: Buffer) -> int:
        """The sum."""
        return int(bytes(data))


def conninfo(url: str) -> str:
    """Parameters of a connection, from a URL as it is set. Raises `StoreUnusable`, without a part of the URL."""
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # The cause would show the password.
        raise StoreUnusable(
            "store: is not a URL of a PostgreSQL database: write it as "
            "postgresql://role:password@host:5432/database, with %XX for special characters of the password"
        ) from None
    return make_conninfo("", **(_DEFAULTS | given | {"client_encoding": "UTF8"}))


def named(parameters: str) -> str:
    """The database that parameters of a connection lead to, without the password."""
    given = conninfo_to_dict(parameters)
    hosts = str(given.get("host") or given.get("hostaddr") or "localhost").split(",")
    ports = str(given.get("port") or "5432").split(",")
    places = [f"{host}:{ports[min(number, len(ports) - 1)]}" for number, host in enumerate(hosts)]
    return f"postgresql://{','.join(places)}/{given.get('dbname') or given.get('user') or ''}"


def connect(parameters: str) -> "PostgresSession":
    """A new session. Raises psycopg's errors."""
    link: Link = psycopg.connect(parameters, autocommit=True)
    try:
        return PostgresSession(link)
    except BaseException:
        link.close()
        raise


class PostgresSession:
    """A connection with the service's settings.

    Behind a pooler that lends servers for a transaction, settings hold for a transaction, and no statement stays
    prepared. Such a pooler is known by its process number, which is not the server's.

    `timeline` is the number of the server's history; None where the server does not tell it.
    """

    def __init__(self, link: Link) -> None:
        self.link = link
        link.adapters.register_dumper(int, Int8Dumper)
        link.adapters.register_loader("numeric", _WholeLoader)
        ((server,),) = link.execute("SELECT pg_backend_pid()").fetchall()
        self.is_pooled = server != link.info.backend_pid
        self.timeline = _timeline(link)
        limits = [f"SET {{0}} {name} = '{value}'" for name, value in _LIMITS.items()]
        if self.is_pooled:
            link.prepare_threshold = None
            looks = [] if self.timeline is None else [_TIMELINE]
            self._begin = "; ".join([_BEGIN, *(each.format("LOCAL") for each in limits), *looks])
        else:
            link.execute("; ".join(each.format("SESSION") for each in limits).encode())
            self._begin = _BEGIN

    @property
    def is_lost(self) -> bool:
        """True once the connection can no longer be used."""
        return self.link.closed or self.link.broken

    def begin(self, *first: str) -> list[list[tuple[Any, ...]]]:
        """Begin a transaction, with statements without bindings in the same message. The answer is the rows of each.

        A pooler may have another server by now: then the connection is closed.
        """
        try:
            rows = self.send(self._begin, *first)
        except psycopg.Error:
            self.roll_back()
            raise
        if self.is_pooled and self.timeline is not None and rows.pop(0) != [(self.timeline,)]:
            self.link.close()
            raise psycopg.OperationalError("the pooler has another server")
        return rows

    @contextmanager
    def pipelined(self) -> Iterator[psycopg.Pipeline]:
        """A transaction that was begun. Its statements are sent one after another, and wait for no answer.

        The end is the caller's. Where a statement fails, those that were sent after it are not carried out.
        """
        if self.is_pooled:
            self.begin()  # It looks at an answer.
        with self.link.pipeline() as pipeline:
            if not self.is_pooled:
                self.link.execute(_BEGIN)
            try:
                yield pipeline
            except BaseException:
                with suppress(psycopg.Error):
                    pipeline.sync()
                raise

    def send(self, *statements: str) -> list[list[tuple[Any, ...]]]:
        """The rows of each statement that has some. They go in one message, without bindings."""
        cursor = self.link.execute("; ".join(statements).encode())
        rows = [cursor.fetchall()] if cursor.description else []
        while cursor.nextset():
            rows += [cursor.fetchall()] if cursor.description else []
        return rows

    def literal(self, text: str) -> str:
        """The text as a constant in a statement."""
        return bytes(Escaping(self.link.pgconn).escape_literal(text.encode())).decode()

    def commit(self) -> None:
        """Commit the transaction."""
        self.link.execute(b"COMMIT")

    def commit_early(self, *last: str) -> None:
        """Commit after the last statements, let go of the rows at once, and only then wait until all is durable.

        Others may go on with the rows meanwhile. What they commit is durable after this. A connection in which that
        fails is closed, since the change may have been kept, unless a statement failed before the end.
        """
        try:
            self.send(*last, *_COMMIT_EARLY)
        except psycopg.Error:
            if self.link.info.transaction_status is TransactionStatus.INERROR:
                self.roll_back()
            else:
                self.link.close()
            raise

    def roll_back(self) -> None:
        """Undo the transaction, and close a connection that cannot even do that."""
        try:
            self.link.execute(b"ROLLBACK")
        except psycopg.Error:
            self.link.close()


def _timeline(link: Link) -> int | None:
    try:
        ((timeline,),) = link.execute(_TIMELINE).fetchall()
    except psycopg.Error:
        if link.closed or link.broken:
            raise
        return None  # A standby, a role without the right, or a service that has no such log.
    return int(timeline)


def unavailable(error: psycopg.Error) -> StoreUnavailable | None:
    """The service's error for an error of PostgreSQL's; None for a mistake of ours."""
    for kind, meaning in _TROUBLE:
        if isinstance(error, kind):
            return StoreUnavailable(meaning)
    return None


def sentence_of(error: psycopg.Error) -> str:
    """PostgreSQL's words for an error at the opening, which never hold a password, and the remedy."""
    # The lines that follow `LINE 1:` show a statement of ours.
    lines = str(error).partition("\nLINE ")[0].splitlines()
    theirs = "; ".join(line.strip() for line in lines if line.strip())
    trouble = None if _is_of_opening(error) else unavailable(error)
    said = theirs.removeprefix("connection failed: ") if trouble is None else f"{trouble} ({theirs})"
    return f"{said}; {_remedy(error)}"


def _is_of_opening(error: psycopg.Error) -> bool:
    # PostgreSQL gives no code to the reasons for which it lets nobody in.
    return type(error) is psycopg.OperationalError


def _remedy(error: psycopg.Error) -> str:
    if isinstance(error, errors.InsufficientPrivilege):
        return "as the owner of the tables, grant the role of `store` SELECT, INSERT, UPDATE and DELETE on all of them"
    if _is_of_opening(error) and "FATAL" not in str(error):
        return "see that PostgreSQL runs there, and check the host and port in `store`"
    if _is_of_opening(error) and "the database system is" in str(error):
        return "wait until it has started"
    if _is_of_opening(error):
        return "check the role, password, host and database in `store`, and that the server lets this machine in"
    return "mend that and start again"
