"""Controls of the queue: an operator's pauses and drains, of all work, of one engine's, of one worker's.

A pause stops claims: nothing new is begun, renders under way go on, and submits are accepted. A drain of all or of an
engine refuses submits, and the rest is made. A worker takes work in by claims, so its drain stops those.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class ControlScope(StrEnum):
    """Extent of a control."""

    ALL = "all"
    MODEL = "model"
    WORKER = "worker"


class ControlState(StrEnum):
    """State that a control puts its scope in."""

    PAUSED = "paused"
    DRAINING = "draining"


class WorkerName(NamedTuple):
    """Names of a worker: the id of its process, and its machine, which outlives the process."""

    id: str = ""
    host: str = ""


NOBODY = WorkerName()
"""A worker without a name, which no control of a worker is about."""


@dataclass(frozen=True, slots=True)
class ControlTarget:
    """Target of a control: all, an engine by its name, or a worker by its id or its machine."""

    scope: ControlScope = ControlScope.ALL
    name: str = ""


EVERYTHING = ControlTarget()


@dataclass(frozen=True, slots=True)
class QueueControl:
    """One control, since a time, set by `actor`. A target has one control at most."""

    target: ControlTarget
    state: ControlState
    since: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class QueueControls:
    """All controls, the oldest first."""

    controls: tuple[QueueControl, ...] = ()

    def __iter__(self) -> Iterator[QueueControl]:
        return iter(self.controls)

    def state_of(self, target: ControlTarget) -> ControlState | None:
        """State that a control puts exactly this target in; None without one."""
        return next((each.state for each in self.controls if each.target == target), None)

    def stop(self, worker: WorkerName) -> bool:
        """True if this worker may claim nothing."""
        names = {worker.id, worker.host} - {""}
        return self.state_of(EVERYTHING) is ControlState.PAUSED or any(
            each.target.scope is ControlScope.WORKER and each.target.name in names for each in self.controls
        )

    @property
    def paused_engines(self) -> frozenset[str]:
        """Engines for which nobody may claim."""
        return frozenset(
            each.target.name
            for each in self.controls
            if each.target.scope is ControlScope.MODEL and each.state is ControlState.PAUSED
        )

    def refuse(self, engine: str) -> bool:
        """True if no new generation for this engine is accepted."""
        asked = (EVERYTHING, ControlTarget(ControlScope.MODEL, engine))
        return any(self.state_of(each) is ControlState.DRAINING for each in asked)


NO_CONTROLS = QueueControls()
