"""Reads that servers count, in SQL."""

from collections.abc import Mapping
from datetime import datetime

from stillmotion.adapters.store.sql.connections import Connection, Writer
from stillmotion.adapters.store.sql.generation_rows import microseconds, to_time
from stillmotion.adapters.store.sql.queries import operators
from stillmotion.application.ports.reads import SharedWindow


class SqlReads:
    """`ReadStore`."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    async def add_reads(self, reads: Mapping[str, int], until: datetime, now: datetime) -> Mapping[str, SharedWindow]:
        """See `ReadStore.add_reads`."""
        times = {"until": microseconds(until), "now": microseconds(now)}

        def operation(connection: Connection) -> Mapping[str, SharedWindow]:
            found = {}
            for owner in sorted(reads):
                given = {"owner": owner, "reads": reads[owner], **times}
                spent, ends_at = connection.execute(operators.ADD_READS, given).get
                found[owner] = SharedWindow(spent, to_time(ends_at))
            return found

        return await self.writer.run(operation)

    async def forget_reads(self, before: datetime) -> None:
        """See `ReadStore.forget_reads`."""

        def operation(connection: Connection) -> None:
            connection.execute(operators.FORGET_READS, (microseconds(before),))

        await self.writer.run(operation)
