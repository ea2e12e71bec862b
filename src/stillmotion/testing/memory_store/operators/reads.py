"""Reads that servers count, in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from stillmotion.application.ports.reads import SharedWindow
from stillmotion.testing.memory_store.tables import MemoryTables


@dataclass
class MemoryReads(MemoryTables):
    """`ReadStore`."""

    async def add_reads(self, reads: Mapping[str, int], until: datetime, now: datetime) -> Mapping[str, SharedWindow]:
        """See `ReadStore.add_reads`."""
        for owner, count in reads.items():
            known = self._read_windows.get(owner)
            if known is None or known.ends_at <= now:
                self._read_windows[owner] = SharedWindow(count, until)
            else:
                self._read_windows[owner] = known._replace(spent=known.spent + count)
        return {owner: self._read_windows[owner] for owner in reads}

    async def forget_reads(self, before: datetime) -> None:
        """See `ReadStore.forget_reads`."""
        self._read_windows = {owner: each for owner, each in self._read_windows.items() if each.ends_at >= before}
