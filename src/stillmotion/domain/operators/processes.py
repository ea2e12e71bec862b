"""Processes of the service, as they tell of themselves by heartbeats."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from stillmotion.domain.operators.queue_controls import WorkerName

HEARTBEAT = timedelta(seconds=5)
"""Interval of heartbeats."""

SILENT_AFTER = timedelta(seconds=20)
"""Age of the last heartbeat from which a process counts as lost."""

FORGOTTEN_AFTER = timedelta(days=1)
"""Age of the last heartbeat from which a lost process is no longer listed."""


class ProcessRole(StrEnum):
    """Role of a process."""

    SERVER = "server"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class LaneReport:
    """One lane of a worker: its engine, and the generation that it makes since a time; None while it is free."""

    name: str
    engine: str
    generation_id: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProcessReport:
    """One heartbeat of a process. `is_able` if some lane can make clips; `engines` are those that it makes clips of."""

    name: WorkerName
    role: ProcessRole
    pid: int
    version: str
    started_at: datetime
    seen_at: datetime
    is_able: bool
    engines: tuple[str, ...] = ()
    lanes: tuple[LaneReport, ...] = ()

    def is_silent(self, now: datetime) -> bool:
        """True if its heartbeats have stopped."""
        return now - self.seen_at > SILENT_AFTER

    def makes(self, engine: str, now: datetime) -> bool:
        """True if it lives, and can make clips of that engine."""
        return self.is_able and engine in self.engines and not self.is_silent(now)
