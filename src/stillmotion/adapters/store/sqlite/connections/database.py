"""Connections to the database file, set up for durability, and the translation of SQLite's errors."""

import errno
import fcntl
import os
import tempfile
from pathlib import Path
from typing import Final

import apsw

from stillmotion.adapters.store.sql.connections import Given, StoreUnusable
from stillmotion.domain.errors import StoreUnavailable

BUSY_TIMEOUT_MS: Final = 5000
"""Wait for the write lock of another process (`stillmotion keys create`) before an operation is refused."""

READ_BUSY_TIMEOUT_MS: Final = 250
"""Wait of a reader, on the caller's thread. Only a recovery after a crash makes readers wait."""

CHECKPOINT_PAGES: Final = 4000
"""Length of the log at a checkpoint, 16 MB: rare enough to be cheap, and the log stays small."""

WAL_RESET_FIXED: Final = (3, 51, 3)
WAL_RESET_BACKPORTS: Final = ((3, 44, 6), (3, 50, 7))
"""Releases without the WAL-reset bug (https://sqlite.org/wal.html#walresetbug): a checkpoint that meets a
restart of the log by another connection could lose committed transactions."""

_TROUBLE: Final[tuple[tuple[type[apsw.Error], str], ...]] = (
    (apsw.BusyError, "another process keeps the database locked"),
    (apsw.LockedError, "another process keeps the database locked"),
    (apsw.ProtocolError, "another process keeps the database locked"),
    (apsw.FullError, "the disk is full"),
    (apsw.ReadOnlyError, "the database cannot be written to"),
    (apsw.IOError, "the disk does not read or write"),
    (apsw.CantOpenError, "the database file cannot be opened"),
    (apsw.CorruptError, "the database file is damaged"),
    (apsw.NotADBError, "the database file is damaged"),
    (apsw.ConnectionClosedError, "the store is closed"),
    (apsw.CursorClosedError, "the store is closed"),
)


_NO_LOG: Final = frozenset(
    {
        apsw.SQLITE_IOERR_SHMMAP,
        apsw.SQLITE_IOERR_SHMOPEN,
        apsw.SQLITE_IOERR_SHMSIZE,
        apsw.SQLITE_IOERR_SHMLOCK,
        apsw.SQLITE_IOERR_LOCK,
        apsw.SQLITE_IOERR_RDLOCK,
        apsw.SQLITE_IOERR_UNLOCK,
    }
)
"""Extended codes for a file system without shared memory maps or file locks."""


class SqliteConnection(apsw.Connection):
    """Connection that writes. It has the one write lock, and so nothing else to hold."""

    def hold(self, statement: str, bindings: Given = (), /) -> None:
        """See `Connection.hold`."""


def has_wal_reset_bug(version: tuple[int, int, int]) -> bool:
    """True for a release of SQLite that may lose commits at a reset of its log."""
    backported = any(version[:2] == fixed[:2] and version >= fixed for fixed in WAL_RESET_BACKPORTS)
    return version < WAL_RESET_FIXED and not backported


def sqlite_version() -> tuple[int, int, int]:
    """Version of the SQLite library that is loaded."""
    major, minor, patch = apsw.sqlite_lib_version().split(".")[:3]
    return int(major), int(minor), int(patch)


def refuse_unsafe_sqlite(version: tuple[int, int, int]) -> None:
    """Raise `StoreUnusable` for a release with the WAL-reset bug."""
    if has_wal_reset_bug(version):
        found, needed = (".".join(map(str, release)) for release in (version, WAL_RESET_FIXED))
        raise StoreUnusable(
            f"SQLite {found} may lose committed data (its WAL-reset bug): install an apsw that brings {needed} or later"
        )


def unavailable(error: apsw.Error) -> StoreUnavailable | None:
    """The service's error for an error of SQLite's; None for a mistake of ours."""
    for kind, meaning in _TROUBLE:
        if isinstance(error, kind):
            return StoreUnavailable(meaning)
    return None


def has_no_log(error: apsw.Error, folder: Path) -> bool:
    """True if an error means that the folder's file system cannot hold a write-ahead log."""
    locked = isinstance(error, apsw.BusyError | apsw.LockedError | apsw.ProtocolError)
    return getattr(error, "extendedresult", 0) in _NO_LOG or (locked and _cannot_lock(folder))


def _cannot_lock(folder: Path) -> bool:
    """True for a folder without file locks. SQLite reports that as a lock of another process."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
    return False


def without_log(path: Path) -> StoreUnusable:
    """The error for a file system that cannot hold a write-ahead log."""
    return StoreUnusable(
        f"{path} lies on a file system that SQLite cannot keep its write-ahead log on, since it does not let processes "
        "share memory or lock files: put the data directory on a local disk, not on a network share or a folder shared "
        "with another machine"
    )


def sqlite_name(path: Path) -> str:
    """A path in UTF-8, which SQLite needs in any locale. Raises `StoreUnusable` for another encoding."""
    try:
        return os.fsencode(path).decode()
    except UnicodeDecodeError as error:
        raise StoreUnusable(f"{os.fsencode(path)!r} is no UTF-8: give a directory whose name is") from error


def connect_writer(path: Path) -> SqliteConnection:
    """A connection that writes. A commit is on disk when it returns. Raises `StoreUnusable`."""
    connection = SqliteConnection(sqlite_name(path))
    _keep_plans(connection)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    if connection.pragma("journal_mode", "wal") != "wal":
        connection.close()
        raise without_log(path)
    connection.pragma("synchronous", "full")
    # On macOS a plain fsync stops at the drive's cache. Elsewhere the two pragmas change nothing.
    connection.pragma("fullfsync", 1)
    connection.pragma("checkpoint_fullfsync", 1)
    connection.pragma("foreign_keys", 1)
    # Deleted content is overwritten with zeros, so that nobody can read it out of the file.
    connection.pragma("secure_delete", 1)
    connection.pragma("journal_size_limit", 4 * CHECKPOINT_PAGES * 4096)
    return connection


def connect_reader(path: Path) -> apsw.Connection:
    """A connection that only reads. The file must exist.

    The file is not mapped into memory, and the cache stays small: SQLite drops both at each commit, and would fill them
    anew. A map costs a fault for each page then, which is several times the cost of reading the page.
    """
    connection = apsw.Connection(sqlite_name(path), flags=apsw.SQLITE_OPEN_READONLY)
    _keep_plans(connection)
    connection.set_busy_timeout(READ_BUSY_TIMEOUT_MS)
    return connection


def _keep_plans(connection: apsw.Connection) -> None:
    """Plan each statement once. Otherwise one with a bound LIMIT is planned anew for each value: 340 us instead of 17.

    See the query planner stability guarantee, https://sqlite.org/queryplanner-ng.html#qpstab.
    """
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
