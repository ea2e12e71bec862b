"""The callback outbox in SQLite."""

from collections.abc import Sequence
from datetime import datetime

import apsw

from stillmotion.adapters.store.sqlite import statements
from stillmotion.adapters.store.sqlite.reader import Reader
from stillmotion.adapters.store.sqlite.rows import from_delivery, microseconds, to_delivery, to_generation
from stillmotion.adapters.store.sqlite.writer import Writer
from stillmotion.application.ports import DueDelivery
from stillmotion.domain.callbacks import Delivery

_DELIVERY_COLUMNS = 8


class SqliteCallbacks:
    """`CallbackStore`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def due(self, now: datetime, limit: int) -> Sequence[DueDelivery]:
        """See `CallbackStore.due`."""
        found = []
        for secret, *columns in self._reader.rows(statements.DUE_DELIVERIES, (microseconds(now), limit)):
            delivery = to_delivery(tuple(columns[:_DELIVERY_COLUMNS]))
            found.append(DueDelivery(delivery, to_generation(tuple(columns[_DELIVERY_COLUMNS:])), secret))
        return found

    async def record(self, delivery: Delivery) -> None:
        """See `CallbackStore.record`."""

        def operation(connection: apsw.Connection) -> None:
            connection.execute(statements.RECORD_DELIVERY, from_delivery(delivery))

        await self._writer.run(operation)

    async def deliveries(self, generation_id: str) -> Sequence[Delivery]:
        """See `CallbackStore.deliveries`."""
        return [to_delivery(row) for row in self._reader.rows(statements.DELIVERIES_OF_GENERATION, (generation_id,))]
