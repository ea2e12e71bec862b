"""Ports of the database for operators: the queue's controls and its depth, the log of actions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from stillmotion.application.ports.lists import EVERYTHING, Filter, Walk
from stillmotion.domain.generation import Generation
from stillmotion.domain.operators.actions import OperatorAction
from stillmotion.domain.operators.duties import Duty
from stillmotion.domain.operators.processes import ProcessReport
from stillmotion.domain.operators.queue_controls import ControlTarget, QueueControl, QueueControls


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Queue of one engine: the number that wait, the number under way, and the submit of the longest waiting one."""

    engine: str
    queued: int
    dreaming: int
    oldest_at: datetime | None


class QueueStore(Protocol):
    """Store of the queue's controls. Claims obey them inside their transaction (`GenerationStore.claim_next`)."""

    async def queue_controls(self) -> QueueControls:
        """All controls as they were last committed."""
        ...

    async def put_control(self, control: QueueControl) -> None:
        """Store a control in place of its target's last one. Every claim from now on obeys it."""
        ...

    async def remove_control(self, target: ControlTarget) -> bool:
        """Remove a target's control; False without one."""
        ...

    async def queue_depth(self) -> Sequence[QueueDepth]:
        """The queue of each engine that has unfinished generations, in the order of the engines' names."""
        ...


class ActionStore(Protocol):
    """Store of operators' actions."""

    async def add_action(self, action: OperatorAction) -> None:
        """Store an action, in a transaction of its own."""
        ...

    async def refuse_action(self, action_id: str, sentence: str) -> None:
        """Store the sentence with which an action was refused."""
        ...

    async def actions(self, before: str | None, limit: int) -> Sequence[OperatorAction]:
        """Up to `limit` actions, the latest first, older than the one with the id `before`, if that is given."""
        ...


@dataclass(frozen=True, slots=True)
class EverybodysFilter:
    """Choice of everybody's generations, with the parts that an owner's list has no use for. None chooses all.

    `worker` is the id of the process of any attempt, or the machine's name at its beginning.
    """

    chosen: Filter = EVERYTHING
    id: str | None = None
    subscription_id: str | None = None
    engine: str | None = None
    worker: str | None = None


class QueuePlace(StrEnum):
    """Place in line that a queued generation can be moved to.

    At the front it goes before everybody's turn; at the back, behind all that its owner has queued by now.
    """

    FRONT = "front"
    BACK = "back"


class EverybodysStore(Protocol):
    """Store of everybody's generations."""

    async def everybodys(self, asked: EverybodysFilter, walk: Walk) -> Sequence[Generation]:
        """The chosen generations of a walk, as they were last committed."""
        ...

    async def count_everybodys(self, asked: EverybodysFilter) -> int:
        """The number of chosen generations."""
        ...

    async def move(self, generation_id: str, place: QueuePlace, now: datetime) -> None:
        """Move a queued generation in the line. Raises `GenerationNotFound`, or `NotQueued` for any other state."""
        ...


class ProcessStore(Protocol):
    """Store of the processes that serve or render, as they last told of themselves."""

    async def beat(self, report: ProcessReport) -> None:
        """Store a heartbeat in place of the process's last one.

        Raises `StoreOutgrown` once the store no longer works with the code of this process.
        """
        ...

    async def processes(self) -> Sequence[ProcessReport]:
        """All known processes, lost ones too, in the order of their start."""
        ...

    async def has_server(self, since: datetime) -> bool:
        """True if a server has told of itself since then. Every worker asks often: it reads servers alone."""
        ...

    async def forget_process(self, process_id: str) -> None:
        """Forget a process that ends in order."""
        ...

    async def forget_lost(self, before: datetime) -> None:
        """Forget the processes whose last heartbeat is older."""
        ...


class DutyStore(Protocol):
    """Store of duties, each held by one process at most."""

    async def hold_duties(
        self, duties: Collection[Duty], holder: str, until: datetime, now: datetime
    ) -> Mapping[Duty, int]:
        """Take or keep duties up to `until`: the free ones, the holder's own, and those whose time has passed by now.

        The answer is the term of each duty that the holder has now.
        """
        ...

    async def free_duties(self, holder: str) -> None:
        """Free all duties of a holder."""
        ...
