"""Failures of an owner in SQL."""

from collections.abc import Sequence
from datetime import datetime

from stillmotion.adapters.store.sql.connections import Reader
from stillmotion.adapters.store.sql.generation_rows import microseconds, to_time
from stillmotion.adapters.store.sql.queries import history
from stillmotion.application.ports.history import FailureCause


class SqlFailures:
    """`FailureStore`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def failures(self, subscription_id: str, since: datetime) -> Sequence[FailureCause]:
        """See `FailureStore.failures`."""
        asked = (subscription_id, microseconds(since))
        # All failures of the owner may have to be looked at.
        counted = await self._reader.scan(history.COUNT_FAILURES, asked)
        found = []
        for code, count in counted:
            rows = await self._reader.rows(history.LATEST_FAILURE, (subscription_id, code))
            found += [FailureCause(code, count, latest, to_time(at), reason or "") for latest, at, reason in rows]
        return sorted(found, key=lambda each: each.latest_at, reverse=True)

    async def unretried(self, subscription_id: str, code: str, since: datetime, most: int) -> Sequence[str]:
        """See `FailureStore.unretried`."""
        asked = (subscription_id, code, microseconds(since), most)
        return [row[0] for row in await self._reader.rows(history.UNRETRIED, asked)]
