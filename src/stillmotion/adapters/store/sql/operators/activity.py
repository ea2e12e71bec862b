"""The service's activity in SQL."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import msgspec

from stillmotion.adapters.store.sql.connections import Reader
from stillmotion.adapters.store.sql.deliveries import to_delivery
from stillmotion.adapters.store.sql.generation_rows import microseconds, to_time
from stillmotion.adapters.store.sql.queries import activity, callbacks
from stillmotion.application.ports.activity import Activity, EndedAttempt, FailureCount
from stillmotion.domain.callbacks import Delivery, DeliveryState
from stillmotion.domain.errors import CallbackNotFound
from stillmotion.domain.record.attempts import Outcome

MOST_ATTEMPTS: Final = 20_000
"""Attempts that are looked at, the latest first: more than a busy hour has."""

_OWN_BITS: Final = 21
_AFTER_ALL: Final = (1 << 63) - 1
_encode_json = msgspec.json.Encoder().encode


class SqlActivity:
    """`ActivityStore` and `EverybodysCallbackStore`. A busy hour has many rows: the event loop goes on meanwhile."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def activity(self, since: datetime) -> Activity:
        """See `ActivityStore.activity`."""
        # The place of a row begins with the milliseconds of its id, which was made a little before the row's time.
        earliest = (microseconds(since) // 1000 - 60_000) << _OWN_BITS
        submitted = await self._reader.scan(activity.SUBMITTED_SINCE, {"place": earliest, "since": microseconds(since)})
        ended = await self._reader.scan(activity.ENDED_SINCE, (microseconds(since), MOST_ATTEMPTS))
        return Activity(
            [to_time(created_at) for (created_at,) in submitted],
            [
                EndedAttempt(
                    to_time(started_at),
                    to_time(ended_at),
                    Outcome(outcome),
                    None if waited is None else max(0, waited) / 1_000_000,
                )
                for started_at, ended_at, outcome, waited in ended
            ],
        )

    async def failure_counts(self, since: datetime) -> Sequence[FailureCount]:
        """See `ActivityStore.failure_counts`."""
        counted = await self._reader.scan(activity.FAILURES_SINCE, (microseconds(since),))
        latest = _encode_json([generation_id for _, _, generation_id in counted]).decode()
        about = {row[0]: row[1:] for row in await self._reader.scan(activity.FAILED, (latest,))}
        found = []
        for code, count, generation_id in counted:
            if generation_id in about:
                finished_at, sentence = about[generation_id]
                found.append(FailureCount(code, count, generation_id, to_time(finished_at), sentence))
        return sorted(found, key=lambda each: (-each.count, each.code))

    async def everybodys_deliveries(
        self, states: Collection[DeliveryState], after: str | None, limit: int
    ) -> Sequence[tuple[str, Delivery]]:
        """See `EverybodysCallbackStore.everybodys_deliveries`."""
        place = _AFTER_ALL
        if after is not None:
            rows = await self._reader.rows(callbacks.PLACE_OF_ANYBODYS_DELIVERY, (after,))
            if not rows:
                raise CallbackNotFound(after)
            place = rows[0][0]
        asked = (place, _encode_json(sorted(states)).decode(), limit)
        found = await self._reader.scan(callbacks.EVERYBODYS_DELIVERIES, asked)
        return [(owner, to_delivery(tuple(row))) for owner, *row in found]
