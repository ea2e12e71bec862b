"""The SQLite store: every port over one database file."""

from pathlib import Path

import apsw

from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.store.sqlite.access import SqliteSubscriptions
from stillmotion.adapters.store.sqlite.connections.database import refuse_unsafe_sqlite, sqlite_version
from stillmotion.adapters.store.sqlite.connections.open_files import OpenFiles
from stillmotion.adapters.store.sqlite.connections.reader import Reader
from stillmotion.adapters.store.sqlite.connections.writer import Writer
from stillmotion.adapters.store.sqlite.deliveries import SqliteCallbacks
from stillmotion.adapters.store.sqlite.generations import SqliteGenerations
from stillmotion.adapters.store.sqlite.history.failures import SqliteFailures
from stillmotion.adapters.store.sqlite.history.links import SqliteLinks
from stillmotion.adapters.store.sqlite.history.lists import SqliteLists
from stillmotion.adapters.store.sqlite.metrics import SqliteMetrics
from stillmotion.adapters.store.sqlite.operators.activity import SqliteActivity
from stillmotion.adapters.store.sqlite.operators.controls import SqliteOperators
from stillmotion.adapters.store.sqlite.operators.everybodys import SqliteEverybodys
from stillmotion.adapters.store.sqlite.operators.processes import SqliteProcesses
from stillmotion.adapters.store.sqlite.queries import transactions
from stillmotion.adapters.store.sqlite.retention import SqliteRetention
from stillmotion.adapters.store.sqlite.schema import migrations, open_database
from stillmotion.adapters.store.sqlite.sessions import SqliteSessions
from stillmotion.adapters.store.sqlite.upkeep.secret import Fingerprint, agree_on_secret, replace_fingerprint
from stillmotion.adapters.store.sqlite.uploads import SqliteUploads
from stillmotion.adapters.store.sqlite.usage import SqliteUsage
from stillmotion.adapters.store.sqlite.workers.models import SqliteModels
from stillmotion.application.failpoints import Fault, no_fault
from stillmotion.application.ports.store import Changed, Told, unwatched
from stillmotion.application.ports.values import Clock

_SYSTEM_CLOCK = SystemClock()


class SqliteStore(
    SqliteGenerations,
    SqliteLists,
    SqliteFailures,
    SqliteLinks,
    SqliteSubscriptions,
    SqliteCallbacks,
    SqliteRetention,
    SqliteUploads,
    SqliteOperators,
    SqliteEverybodys,
    SqliteProcesses,
    SqliteActivity,
    SqliteSessions,
    SqliteUsage,
    SqliteMetrics,
    SqliteModels,
):
    """All store ports over one SQLite file, for any thread and any number of event loops."""

    def __init__(
        self,
        writer: Writer,
        reader: Reader,
        clock: Clock,
        changed: Told = unwatched,
        fault: Fault = no_fault,
        ended: Changed = unwatched,
    ) -> None:
        SqliteGenerations.__init__(self, writer, reader, clock, changed, fault, ended)
        SqliteLists.__init__(self, reader)
        SqliteFailures.__init__(self, reader)
        SqliteLinks.__init__(self, writer, reader)
        SqliteSubscriptions.__init__(self, writer, reader)
        SqliteCallbacks.__init__(self, writer, reader)
        SqliteRetention.__init__(self, reader)
        SqliteUploads.__init__(self, writer, reader)
        SqliteOperators.__init__(self, writer, reader)
        SqliteEverybodys.__init__(self, writer, reader)
        SqliteProcesses.__init__(self, writer, reader)
        SqliteActivity.__init__(self, reader)
        SqliteSessions.__init__(self, writer, reader)
        SqliteUsage.__init__(self, reader)
        SqliteMetrics.__init__(self, writer, reader)
        SqliteModels.__init__(self, writer, reader)

    async def check(self) -> None:
        """Raise `StoreUnavailable` if the database cannot be written to just now."""
        await self.writer.run(_touch)

    @property
    def displaced(self) -> str | None:
        """A sentence about a file of the database that is not in its place, with the remedy; None if all are."""
        return self.writer.displaced

    def close(self) -> None:
        """Finish the operations under way and close the file. Waits for the disk; may be called twice."""
        try:
            self._reader.close()
        finally:
            self.writer.close()


def open_store(
    path: Path,
    clock: Clock = _SYSTEM_CLOCK,
    changed: Told = unwatched,
    fault: Fault = no_fault,
    fingerprint: Fingerprint | None = None,
    ended: Changed = unwatched,
) -> SqliteStore:
    """Open the database at `path`, made or migrated as needed. Raises `StoreUnusable`.

    The clock sets the due time of callbacks that a change causes. `changed` is called with every changed generation,
    `ended` with every one that has come to its end.
    `fingerprint` returns the fingerprint that the database must agree with; without one nothing is compared.
    """
    refuse_unsafe_sqlite(sqlite_version())
    connection = open_database(path, migrations())
    try:
        if fingerprint is not None:
            agree_on_secret(connection, path, fingerprint)
    except BaseException:
        connection.close()
        raise
    writer = Writer(connection, OpenFiles(path))
    return SqliteStore(writer, Reader(path, writer), clock, changed, fault, ended)


def use_secret(path: Path, fingerprint: bytes) -> None:
    """Link a database that is not open elsewhere to another secret. Raises `StoreUnusable`."""
    connection = open_database(path, migrations())
    try:
        replace_fingerprint(connection, fingerprint)
    finally:
        connection.close()


def _touch(connection: apsw.Connection) -> None:
    version = connection.pragma("user_version")
    connection.execute(transactions.TOUCH.format(version=version))
