"""The service's activity in memory."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from stillmotion.application.ports.activity import Activity, EndedAttempt, FailureCount
from stillmotion.domain.callbacks import Delivery, DeliveryState
from stillmotion.domain.errors import CallbackNotFound
from stillmotion.domain.generation import Generation
from stillmotion.domain.lifecycle import State
from stillmotion.testing.memory_store.tables import MemoryTables


@dataclass
class MemoryActivity(MemoryTables):
    """`ActivityStore` and `EverybodysCallbackStore`."""

    async def activity(self, since: datetime) -> Activity:
        """See `ActivityStore.activity`."""
        submitted = [each.created_at for each in self._generations.values() if each.created_at >= since]
        ended = [
            EndedAttempt(
                each.started_at,
                each.ended_at,
                each.outcome,
                (each.started_at - generation.created_at).total_seconds() if each.number == 1 else None,
            )
            for generation in self._generations.values()
            for each in self._records[generation.id]
            if each.ended_at is not None and each.outcome is not None and each.ended_at >= since
        ]
        return Activity(submitted, sorted(ended, key=lambda each: each.ended_at, reverse=True))

    async def failure_counts(self, since: datetime) -> Sequence[FailureCount]:
        """See `ActivityStore.failure_counts`."""
        failed: defaultdict[str, list[Generation]] = defaultdict(list)
        for each in self._generations.values():
            if each.state is State.FAILED and each.finished_at is not None and each.finished_at >= since:
                failed[each.failure_code or ""].append(each)
        found = []
        for code, those in failed.items():
            latest = max(those, key=lambda each: each.id)
            assert latest.finished_at is not None
            found.append(FailureCount(code, len(those), latest.id, latest.finished_at, latest.failure_reason or ""))
        return sorted(found, key=lambda each: (-each.count, each.code))

    async def everybodys_deliveries(
        self, states: Collection[DeliveryState], after: str | None, limit: int
    ) -> Sequence[tuple[str, Delivery]]:
        """See `EverybodysCallbackStore.everybodys_deliveries`."""
        latest_first = [*self._deliveries.values()][::-1]
        if after is not None:
            if after not in self._deliveries:
                raise CallbackNotFound(after)
            latest_first = latest_first[latest_first.index(self._deliveries[after]) + 1 :]
        chosen = [each for each in latest_first if each.state in states][:limit]
        return [(self._generations[each.generation_id].subscription_id, each) for each in chosen]
