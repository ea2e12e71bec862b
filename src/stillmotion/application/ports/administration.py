"""Ports of the database for operators: the queue's controls and its depth, the log of actions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from stillmotion.domain.actions import OperatorAction
from stillmotion.domain.queue_controls import ControlTarget, QueueControl, QueueControls


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
