"""Duties in memory."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from stillmotion.domain.operators.duties import Duty, Tenure
from stillmotion.testing.memory_store.tables import MemoryTables

_FREE: Final = datetime.min.replace(tzinfo=UTC)


@dataclass
class MemoryDuties(MemoryTables):
    """`DutyStore`."""

    async def hold_duties(
        self, duties: Collection[Duty], holder: str, until: datetime, now: datetime
    ) -> Mapping[Duty, int]:
        """See `DutyStore.hold_duties`."""
        held = {}
        for duty in duties:
            known = self._duties.get(duty)
            tenure = Tenure(holder, until) if known is None else known.passed_to(holder, until, now)
            if tenure is not None:
                self._duties[duty], held[duty] = tenure, tenure.term
        return held

    async def free_duties(self, holder: str) -> None:
        """See `DutyStore.free_duties`."""
        for duty, tenure in self._duties.items():
            if tenure.holder == holder:
                self._duties[duty] = replace(tenure, until=_FREE)
