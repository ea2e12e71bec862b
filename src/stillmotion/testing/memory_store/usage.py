"""Usage by day in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from stillmotion.domain.generation import Generation
from stillmotion.domain.record.usage import UsageEntry, usage_change
from stillmotion.testing.memory_store.tables import MemoryTables


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
