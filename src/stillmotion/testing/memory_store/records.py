"""Records of generations in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from stillmotion.domain.generation import Generation
from stillmotion.domain.record.attempts import AttemptRecord, begun, outcome, reason
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
