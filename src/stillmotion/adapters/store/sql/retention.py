"""Retention in SQL: the generations that expired, and the objects that are still named."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from stillmotion.adapters.store.sql.connections import Reader
from stillmotion.adapters.store.sql.generation_rows import microseconds, objects_of
from stillmotion.adapters.store.sql.queries import deletions
from stillmotion.domain.assets import generation_of

_DAY: Final = timedelta(days=1) // timedelta(microseconds=1)


class SqlRetention:
    """Methods of `RetentionStore` that `GenerationStore` does not have."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def expired(self, now: datetime, limit: int) -> Sequence[str]:
        """See `RetentionStore.expired`."""
        asked = {"now": microseconds(now), "day": _DAY, "limit": limit}
        return [row[0] for row in await self._reader.rows(deletions.EXPIRED, asked)]

    async def removals(self, limit: int) -> Sequence[str]:
        """See `RetentionStore.removals`."""
        return [row[0] for row in await self._reader.rows(deletions.REMOVALS, (limit,))]

    async def named(self, keys: Sequence[str]) -> set[str]:
        """See `RetentionStore.named`."""
        ids = json.dumps(sorted({generation_of(key) for key in keys}))
        rows = await self._reader.rows(deletions.OBJECTS_OF_GENERATIONS, (ids,))
        return {key for row in rows for key in objects_of(row)} & set(keys)
