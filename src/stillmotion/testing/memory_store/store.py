"""The store in memory: every port over the same tables."""

from dataclasses import dataclass
from datetime import datetime

from stillmotion.application.ports.metrics import COMMIT_BUCKETS, Buckets
from stillmotion.testing.memory_store.access import MemorySubscriptions
from stillmotion.testing.memory_store.callbacks import MemoryCallbacks
from stillmotion.testing.memory_store.history import MemoryHistory
from stillmotion.testing.memory_store.lists import MemoryLists
from stillmotion.testing.memory_store.metrics import MemoryMetrics
from stillmotion.testing.memory_store.models import MemoryModels
from stillmotion.testing.memory_store.operators.activity import MemoryActivity
from stillmotion.testing.memory_store.operators.controls import MemoryOperators
from stillmotion.testing.memory_store.operators.duties import MemoryDuties
from stillmotion.testing.memory_store.operators.everybodys import MemoryEverybodys
from stillmotion.testing.memory_store.operators.processes import MemoryProcesses
from stillmotion.testing.memory_store.operators.reads import MemoryReads
from stillmotion.testing.memory_store.queue import MemoryQueue
from stillmotion.testing.memory_store.retention import MemoryRetention
from stillmotion.testing.memory_store.sessions import MemorySessions
from stillmotion.testing.memory_store.uploads import MemoryUploads


@dataclass
class MemoryStore(
    MemoryQueue,
    MemoryLists,
    MemoryHistory,
    MemoryRetention,
    MemorySubscriptions,
    MemoryCallbacks,
    MemoryUploads,
    MemoryOperators,
    MemoryEverybodys,
    MemoryProcesses,
    MemoryDuties,
    MemoryReads,
    MemoryActivity,
    MemorySessions,
    MemoryMetrics,
    MemoryModels,
):
    """Every store port. No method awaits, so each is a transaction. `changed` is told of every change."""

    async def check(self) -> None:
        """Do nothing: a store in memory is always fit."""

    @property
    def commit_times(self) -> Buckets:
        """See `Store.commit_times`: nothing is committed to a disk."""
        return Buckets(COMMIT_BUCKETS)

    @property
    def displaced(self) -> None:
        """See `Store.displaced`: there are no files."""

    async def time(self) -> datetime:
        """See `Store.time`."""
        return self.clock.now()

    def close(self) -> None:
        """Do nothing: there is nothing to close."""
