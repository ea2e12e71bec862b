"""The callback outbox in SQL."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from stillmotion.adapters.store.sql.access import to_retired_secret
from stillmotion.adapters.store.sql.connections import Connection, Reader, Writer
from stillmotion.adapters.store.sql.generation_rows import Bindings, Row, microseconds, to_generation, to_time
from stillmotion.adapters.store.sql.queries import callbacks, holds
from stillmotion.application.ports.store import DueDelivery, OwnedDelivery
from stillmotion.domain.callbacks import Delivery, DeliveryAttempt, DeliveryState
from stillmotion.domain.errors import CallbackNotFound
from stillmotion.domain.lifecycle import State

_DELIVERY_COLUMNS = 11
_AFTER_ALL = 2**63 - 1


class SqlCallbacks:
    """`CallbackStore`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self.writer = writer
        self._reader = reader

    async def due(self, now: datetime, each: int) -> Sequence[Delivery]:
        """See `CallbackStore.due`."""
        rows = await self._reader.rows(callbacks.DUE_DELIVERIES, (microseconds(now), each))
        # The statement goes from endpoint to endpoint; callers want the order of time.
        return sorted(map(to_delivery, rows), key=lambda delivery: delivery.due_at)

    async def find_due(self, delivery_id: str) -> DueDelivery | None:
        """See `CallbackStore.find_due`."""
        for secret, retired, until, *columns in await self._reader.rows(callbacks.FIND_DUE_DELIVERY, (delivery_id,)):
            delivery = to_delivery(tuple(columns[:_DELIVERY_COLUMNS]))
            generation = to_generation(tuple(columns[_DELIVERY_COLUMNS:]))
            return DueDelivery(delivery, generation, secret, to_retired_secret(retired, until))
        return None

    async def record(self, delivery: Delivery, attempt: DeliveryAttempt) -> None:
        """See `CallbackStore.record`."""

        def operation(connection: Connection) -> None:
            connection.hold(holds.HOLD_DELIVERY, (delivery.id,))
            connection.execute(callbacks.RECORD_ATTEMPT, from_attempt(delivery.id, attempt))
            connection.execute(callbacks.RECORD_DELIVERY, from_delivery(delivery))

        await self.writer.run(operation)

    async def find_delivery(self, delivery_id: str) -> Delivery | None:
        """See `CallbackStore.find_delivery`."""
        rows = await self._reader.rows(callbacks.FIND_DELIVERY, (delivery_id,))
        return to_delivery(rows[0]) if rows else None

    async def deliveries(self, generation_id: str) -> Sequence[Delivery]:
        """See `CallbackStore.deliveries`."""
        rows = await self._reader.rows(callbacks.DELIVERIES_OF_GENERATION, (generation_id,))
        return [to_delivery(row) for row in rows]

    async def owned_deliveries(
        self, subscription_id: str, states: Collection[DeliveryState], after: str | None, limit: int
    ) -> Sequence[OwnedDelivery]:
        """See `CallbackStore.owned_deliveries`."""
        place = _AFTER_ALL
        if after is not None:
            rows = await self._reader.rows(callbacks.PLACE_OF_DELIVERY, (subscription_id, after))
            if not rows:
                raise CallbackNotFound(after)
            place = rows[0][0]
        found = [
            row
            for state in states
            for row in await self._reader.rows(callbacks.OWNED_DELIVERIES, (subscription_id, state.value, place, limit))
        ]
        return [_owned(row[1:]) for row in sorted(found, key=lambda row: row[0], reverse=True)[:limit]]

    async def attempts(self, delivery_id: str) -> Sequence[DeliveryAttempt]:
        """See `CallbackStore.attempts`."""
        return [to_attempt(row) for row in await self._reader.rows(callbacks.ATTEMPTS_OF_DELIVERY, (delivery_id,))]

    async def replay(self, delivery_id: str, now: datetime) -> Delivery | None:
        """See `CallbackStore.replay`."""

        def operation(connection: Connection) -> Delivery | None:
            connection.hold(holds.HOLD_DELIVERY, (delivery_id,))
            row = connection.execute(callbacks.FIND_DELIVERY, (delivery_id,)).get
            if row is None:
                return None
            replayed = to_delivery(row).replayed(now)
            connection.execute(callbacks.REPLAY_DELIVERY, from_delivery(replayed))
            return replayed

        return await self.writer.run(operation)


def _owned(row: Row) -> OwnedDelivery:
    return OwnedDelivery(to_delivery(row[:_DELIVERY_COLUMNS]), to_generation(row[_DELIVERY_COLUMNS:]))


_MICROSECOND = timedelta(microseconds=1)


def from_delivery(delivery: Delivery) -> Bindings:
    """The bindings of a delivery's whole row."""
    return {
        "id": delivery.id,
        "generation_id": delivery.generation_id,
        "subscription_id": delivery.subscription_id,
        "announces": delivery.announces.value,
        "url": delivery.url,
        "endpoint": delivery.line,
        "due_at": microseconds(delivery.due_at),
        "attempts": delivery.attempts,
        "state": delivery.state.value,
        "last_answer": delivery.last_answer,
        "replays": delivery.replays,
        "created_at": microseconds(delivery.created_at),
    }


def to_delivery(row: Row) -> Delivery:
    """A delivery, from its columns in the order of `queries`."""
    id_, generation_id, announces, url, due_at, attempts, state, last_answer, replays, line, created_at = row
    return Delivery(
        id_,
        generation_id,
        State(announces),
        url,
        to_time(created_at),
        to_time(due_at),
        attempts,
        DeliveryState(state),
        last_answer,
        replays,
        line.partition(" ")[2],
    )


def from_attempt(delivery_id: str, attempt: DeliveryAttempt) -> Bindings:
    """The bindings of an attempt's whole row."""
    return {
        "delivery_id": delivery_id,
        "replay": attempt.replay,
        "number": attempt.number,
        "started_at": microseconds(attempt.started_at),
        "duration": attempt.duration // _MICROSECOND,
        "status": attempt.status,
        "reason": attempt.reason,
    }


def to_attempt(row: Row) -> DeliveryAttempt:
    """An attempt, from its columns in the order of `queries`."""
    replay, number, started_at, duration, status, reason = row
    return DeliveryAttempt(replay, number, to_time(started_at), duration * _MICROSECOND, status, reason)
