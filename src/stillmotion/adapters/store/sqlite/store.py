"""The SQLite store: every port over one database file."""

from datetime import datetime
from pathlib import Path

from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.store.sql.connections import Connection
from stillmotion.adapters.store.sql.generation_rows import place_of, to_view
from stillmotion.adapters.store.sql.queries import generations
from stillmotion.adapters.store.sql.store import SqlStore
from stillmotion.adapters.store.sqlite.connections import transactions
from stillmotion.adapters.store.sqlite.connections.database import refuse_unsafe_sqlite, sqlite_version
from stillmotion.adapters.store.sqlite.connections.open_files import OpenFiles
from stillmotion.adapters.store.sqlite.connections.reader import SqliteReader
from stillmotion.adapters.store.sqlite.connections.writer import SqliteWriter
from stillmotion.adapters.store.sqlite.schema import migrations, open_database
from stillmotion.adapters.store.sqlite.upkeep.secret import (
    Fingerprints,
    agree_on_secret,
    kept_fingerprint,
    replace_fingerprint,
)
from stillmotion.application.failpoints import Fault, no_fault
from stillmotion.application.ports.metrics import Buckets
from stillmotion.application.ports.store import Changed, Told, unwatched
from stillmotion.application.ports.values import Clock
from stillmotion.domain.generation import GenerationView

_SYSTEM_CLOCK = SystemClock()


class SqliteStore(SqlStore):
    """All store ports over one SQLite file, for any thread and any number of event loops."""

    writer: SqliteWriter
    _reader: SqliteReader

    def __init__(
        self,
        writer: SqliteWriter,
        reader: SqliteReader,
        clock: Clock,
        changed: Told = unwatched,
        fault: Fault = no_fault,
        ended: Changed = unwatched,
    ) -> None:
        super().__init__(writer, reader, clock, migrations()[-1].version, changed, fault, ended)

    async def view(self, subscription_id: str, generation_id: str) -> GenerationView:
        """See `GenerationStore.view`. Nearly every row lies in the place that its id names."""
        whose = (subscription_id, generation_id)
        rows = self._reader.read(generations.VIEW_IN_PLACE, (place_of(*whose), *whose))
        return to_view(rows[0]) if rows else await super().view(*whose)

    async def check(self) -> None:
        """Raise `StoreUnavailable` if the database cannot be written to just now."""
        await self.writer.run(_touch)

    @property
    def displaced(self) -> str | None:
        """A sentence about a file of the database that is not in its place, with the remedy; None if all are."""
        return self.writer.displaced

    @property
    def commit_times(self) -> Buckets:
        """See `Store.commit_times`."""
        return self.writer.durations

    async def time(self) -> datetime:
        """See `Store.time`: the file's machine has one clock."""
        return self._clock.now()

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
    fingerprints: Fingerprints | None = None,
    ended: Changed = unwatched,
) -> SqliteStore:
    """Open the database at `path`, made or migrated as needed. Raises `StoreUnusable`.

    The clock sets the due time of callbacks that a change causes. `changed` is called with every changed generation,
    `ended` with every one that has come to its end.
    `fingerprints` returns those that the database must agree with; without them nothing is compared.
    """
    refuse_unsafe_sqlite(sqlite_version())
    connection = open_database(path, migrations())
    try:
        if fingerprints is not None:
            agree_on_secret(connection, path, fingerprints)
    except BaseException:
        connection.close()
        raise
    writer = SqliteWriter(connection, OpenFiles(path))
    return SqliteStore(writer, SqliteReader(path, writer), clock, changed, fault, ended)


def use_secret(path: Path, fingerprint: bytes) -> bytes | None:
    """Link a database that is not open elsewhere to another secret. Raises `StoreUnusable`.

    The answer is the fingerprint of the one before; None without one.
    """
    connection = open_database(path, migrations())
    try:
        before = kept_fingerprint(connection)
        replace_fingerprint(connection, fingerprint)
    finally:
        connection.close()
    return before


def _touch(connection: Connection) -> None:
    version = connection.execute(transactions.VERSION).get
    connection.execute(transactions.TOUCH.format(version=version))
