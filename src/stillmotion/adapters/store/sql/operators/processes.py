"""Processes of the service in SQL."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from stillmotion.adapters.store.sql.connections import Connection, Reader, Writer
from stillmotion.adapters.store.sql.generation_rows import Row, microseconds, to_time
from stillmotion.adapters.store.sql.queries import operators
from stillmotion.domain.errors import StoreOutgrown
from stillmotion.domain.operators.processes import LaneReport, ProcessReport, ProcessRole
from stillmotion.domain.operators.queue_controls import WorkerName

_encode_json = msgspec.json.Encoder().encode
_to_engines = msgspec.json.Decoder(tuple[str, ...]).decode
_to_lanes = msgspec.json.Decoder(tuple[LaneReport, ...]).decode


class SqlProcesses:
    """`ProcessStore`. `schema` is the newest that this process knows, which its heartbeats tell."""

    def __init__(self, writer: Writer, reader: Reader, schema: int) -> None:
        self.writer = writer
        self._reader = reader
        self._schema = schema

    async def beat(self, report: ProcessReport) -> None:
        """See `ProcessStore.beat`."""
        given = {
            "id": report.name.id,
            "role": report.role.value,
            "host": report.name.host,
            "pid": report.pid,
            "version": report.version,
            "started_at": microseconds(report.started_at),
            "seen_at": microseconds(report.seen_at),
            "able": int(report.is_able),
            "engines": _encode_json(report.engines).decode(),
            "lanes": _encode_json(report.lanes).decode(),
            "schema": self._schema,
        }

        def operation(connection: Connection) -> None:
            oldest_code = connection.execute(operators.BEAT, given).get
            if oldest_code > self._schema:
                raise StoreOutgrown(
                    f"the database needs a version that knows schema {oldest_code}, and this one knows {self._schema}"
                )

        await self.writer.run(operation)

    async def processes(self) -> Sequence[ProcessReport]:
        """See `ProcessStore.processes`."""
        found = [_to_report(row) for row in await self._reader.rows(operators.PROCESSES)]
        return sorted(found, key=lambda each: (each.started_at, each.name.id))

    async def has_server(self, since: datetime) -> bool:
        """See `ProcessStore.has_server`."""
        return bool(await self._reader.rows(operators.LIVING_SERVER, (microseconds(since),)))

    async def forget_process(self, process_id: str) -> None:
        """See `ProcessStore.forget_process`."""

        def operation(connection: Connection) -> None:
            connection.execute(operators.FORGET_PROCESS, (process_id,))

        await self.writer.run(operation)

    async def forget_lost(self, before: datetime) -> None:
        """See `ProcessStore.forget_lost`."""

        def operation(connection: Connection) -> None:
            connection.execute(operators.FORGET_LOST, (microseconds(before),))

        await self.writer.run(operation)


def _to_report(row: Row) -> ProcessReport:
    id_, role, host, pid, version, started_at, seen_at, able, engines, lanes = row
    return ProcessReport(
        name=WorkerName(id_, host),
        role=ProcessRole(role),
        pid=pid,
        version=version,
        started_at=to_time(started_at),
        seen_at=to_time(seen_at),
        is_able=bool(able),
        engines=_to_engines(engines),
        lanes=_to_lanes(lanes),
    )
