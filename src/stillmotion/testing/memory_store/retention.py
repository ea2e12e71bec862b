"""Retention in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stillmotion.testing.memory_store.tables import MemoryTables


@dataclass
class MemoryRetention(MemoryTables):
    """`RetentionStore`."""

    async def expired(self, now: datetime, limit: int) -> Sequence[str]:
        """See `RetentionStore.expired`."""
        days = {each.id: each.product.retention_days for each in self._subscriptions.values()}
        return [
            each.id
            for each in self._generations.values()
            if each.finished_at is not None
            and (kept := days.get(each.subscription_id)) is not None
            and each.finished_at + timedelta(days=kept) <= now
        ][:limit]

    async def removals(self, limit: int) -> Sequence[str]:
        """See `RetentionStore.removals`."""
        return self._removals[:limit]

    async def named(self, keys: Sequence[str]) -> set[str]:
        """See `RetentionStore.named`."""
        return {key for generation in self._generations.values() for key in generation.objects} & set(keys)
