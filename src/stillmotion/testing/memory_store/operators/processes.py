"""Processes of the service in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stillmotion.domain.operators.processes import ProcessReport, ProcessRole
from stillmotion.testing.memory_store.tables import MemoryTables


@dataclass
class MemoryProcesses(MemoryTables):
    """`ProcessStore`."""

    async def beat(self, report: ProcessReport) -> None:
        """See `ProcessStore.beat`."""
        self._processes[report.name.id] = report

    async def processes(self) -> Sequence[ProcessReport]:
        """See `ProcessStore.processes`."""
        return sorted(self._processes.values(), key=lambda each: (each.started_at, each.name.id))

    async def has_server(self, since: datetime) -> bool:
        """See `ProcessStore.has_server`."""
        servers = (each for each in self._processes.values() if each.role is ProcessRole.SERVER)
        return any(each.seen_at >= since for each in servers)

    async def forget_process(self, process_id: str) -> None:
        """See `ProcessStore.forget_process`."""
        self._processes.pop(process_id, None)

    async def forget_lost(self, before: datetime) -> None:
        """See `ProcessStore.forget_lost`."""
        self._processes = {name: each for name, each in self._processes.items() if each.seen_at >= before}
