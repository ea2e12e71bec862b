"""Duties in SQL."""

from collections.abc import Collection, Mapping
from datetime import datetime

from stillmotion.adapters.store.sql.connections import Connection, Writer
from stillmotion.adapters.store.sql.generation_rows import microseconds
from stillmotion.adapters.store.sql.queries import operators
from stillmotion.domain.operators.duties import Duty


class SqlDuties:
    """`DutyStore`."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    async def hold_duties(
        self, duties: Collection[Duty], holder: str, until: datetime, now: datetime
    ) -> Mapping[Duty, int]:
        """See `DutyStore.hold_duties`."""
        given = {"holder": holder, "until": microseconds(until), "now": microseconds(now)}

        def operation(connection: Connection) -> Mapping[Duty, int]:
            terms = {
                duty: connection.execute(operators.HOLD_DUTY, {"name": duty.value, **given}).get
                for duty in sorted(duties)
            }
            return {duty: term for duty, term in terms.items() if term is not None}

        return await self.writer.run(operation)

    async def free_duties(self, holder: str) -> None:
        """See `DutyStore.free_duties`."""

        def operation(connection: Connection) -> None:
            connection.execute(operators.FREE_DUTIES, (holder,))

        await self.writer.run(operation)
