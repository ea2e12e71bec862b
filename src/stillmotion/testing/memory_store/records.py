"""Records of generations in memory, and usage by day."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from stillmotion.domain.generation import Generation
from stillmotion.domain.record.attempts import AttemptRecord, begun, outcome, reason
from stillmotion.domain.record.usage import UsageEntry, usage_change
from stillmotion.testing.memory_store.tables import MemoryTables


@dataclass
class MemoryRecords(MemoryTables):
    """`RecordStore`."""

    async def attempts_of(self, generation_id: str) -> Sequence[AttemptRecord]:
        """See `RecordStore.attempts_of`."""
        return list(self._records.get(generation_id, ()))

    def _keep_attempt(self, before: Generation, after: Generation, worker: str, now: datetime) -> None:
        """Keep the attempt that a change of a generation begins or ends."""
        new, ended = begun(before, after, worker, now), outcome(before, after)
        if new is not None:
            self._records[after.id].append(new)
        if ended is not None and self._records[after.id]:
            last = self._records[after.id].pop()
            self._records[after.id].append(
                replace(last, ended_at=after.finished_at or now, outcome=ended, reason=reason(ended, after))
            )


@dataclass
class MemoryUsage(MemoryTables):
    """`UsageLedger`."""

    async def usage_days(self, first: date, last: date, subscription_id: str | None = None) -> Sequence[UsageEntry]:
        """See `UsageLedger.usage_days`."""
        return [
            each
            for each in self._usage.values()
            if first <= each.day <= last and subscription_id in (None, each.subscription_id)
        ]

    def _keep_usage(self, before: Generation | None, after: Generation) -> None:
        """Count a submit, or a change."""
        entry = usage_change(before, after)
        if entry is not None:
            place = (entry.subscription_id, entry.day, entry.model, entry.key)
            known = self._usage.get(place) or UsageEntry(*place)
            self._usage[place] = known.plus(entry)
