"""The callback outbox in SQLite."""

from collections.abc import Sequence
from datetime import datetime

import apsw

from stillmotion.adapters.store.sqlite import queries
from stillmotion.adapters.store.sqlite.delivery_rows import from_attempt, from_delivery, to_attempt, to_delivery
from stillmotion.adapters.store.sqlite.generation_rows import microseconds, to_generation
from stillmotion.adapters.store.sqlite.reader import Reader
from stillmotion.adapters.store.sqlite.writer import Writer
from stillmotion.application.ports import DueDelivery
from stillmotion.domain.callbacks import Delivery, DeliveryAttempt

_DELIVERY_COLUMNS = 10


class SqliteCallbacks:
    """`CallbackStore`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def due(self, now: datetime, each: int) -> Sequence[Delivery]:
        """See `CallbackStore.due`."""
        found = [to_delivery(row) for row in self._reader.rows(queries.DUE_DELIVERIES, (microseconds(now), each))]
        return sorted(found, key=lambda delivery: delivery.due_at)

    async def find_due(self, delivery_id: str) -> DueDelivery | None:
        """See `CallbackStore.find_due`."""
        for secret, *columns in self._reader.rows(queries.FIND_DUE_DELIVERY, (delivery_id,)):
            delivery = to_delivery(tuple(columns[:_DELIVERY_COLUMNS]))
            return DueDelivery(delivery, to_generation(tuple(columns[_DELIVERY_COLUMNS:])), secret)
        return None

    async def record(self, delivery: Delivery, attempt: DeliveryAttempt) -> None:
        """See `CallbackStore.record`."""

        def operation(connection: apsw.Connection) -> None:
            connection.execute(queries.RECORD_ATTEMPT, from_attempt(delivery.id, attempt))
            connection.execute(queries.RECORD_DELIVERY, from_delivery(delivery))

        await self._writer.run(operation)

    async def find_delivery(self, delivery_id: str) -> Delivery | None:
        """See `CallbackStore.find_delivery`."""
        rows = self._reader.rows(queries.FIND_DELIVERY, (delivery_id,))
        return to_delivery(rows[0]) if rows else None

    async def deliveries(self, generation_id: str) -> Sequence[Delivery]:
        """See `CallbackStore.deliveries`."""
        return [to_delivery(row) for row in self._reader.rows(queries.DELIVERIES_OF_GENERATION, (generation_id,))]

    async def latest_deliveries(self, subscription_id: str, limit: int) -> Sequence[Delivery]:
        """See `CallbackStore.latest_deliveries`."""
        rows = self._reader.rows(queries.LATEST_DELIVERIES, (subscription_id, limit))
        return [to_delivery(row) for row in rows]

    async def attempts(self, delivery_id: str) -> Sequence[DeliveryAttempt]:
        """See `CallbackStore.attempts`."""
        return [to_attempt(row) for row in self._reader.rows(queries.ATTEMPTS_OF_DELIVERY, (delivery_id,))]

    async def replay(self, delivery_id: str, now: datetime) -> Delivery | None:
        """See `CallbackStore.replay`."""

        def operation(connection: apsw.Connection) -> Delivery | None:
            row = connection.execute(queries.FIND_DELIVERY, (delivery_id,)).get
            if row is None:
                return None
            replayed = to_delivery(row).replayed(now)
            connection.execute(queries.REPLAY_DELIVERY, from_delivery(replayed))
            return replayed

        return await self._writer.run(operation)
