"""Usage by day in SQL."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from stillmotion.adapters.store.sql.connections import Connection, Reader
from stillmotion.adapters.store.sql.generation_rows import COST_PARTS, Row, video_microseconds
from stillmotion.adapters.store.sql.queries import usage
from stillmotion.domain.generation import Generation
from stillmotion.domain.record.usage import UsageEntry, usage_change


class SqlUsage:
    """`UsageLedger`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def usage_days(self, first: date, last: date, subscription_id: str | None = None) -> Sequence[UsageEntry]:
        """See `UsageLedger.usage_days`."""
        days = first.isoformat(), last.isoformat()
        if subscription_id is None:
            rows = await self._reader.rows(usage.USAGE_OF_ALL, days)
        else:
            rows = await self._reader.rows(usage.USAGE_OF, (subscription_id, *days))
        return [to_entry(row) for row in rows]


def keep_usage(connection: Connection, before: Generation | None, after: Generation) -> None:
    """Count a submit, or a change, within its transaction."""
    entry = usage_change(before, after)
    if entry is None:
        return
    connection.execute(
        usage.ADD_USAGE,
        {
            "subscription_id": entry.subscription_id,
            "day": entry.day.isoformat(),
            "model": entry.model,
            "key": entry.key,
            "generations": entry.generations,
            "completed": entry.completed,
            "failed": entry.failed,
            "video": video_microseconds(entry.video_seconds),
            "cost": round(entry.cost * COST_PARTS),
        },
    )


def to_entry(row: Row) -> UsageEntry:
    """An entry, from its columns in the order of `queries`."""
    subscription_id, day, model, key, generations, completed, failed, video, cost = row
    counts = generations, completed, failed
    return UsageEntry(
        subscription_id, date.fromisoformat(day), model, key, *counts, video / 1_000_000, Decimal(cost) / COST_PARTS
    )
