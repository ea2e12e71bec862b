"""Log of operators' actions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stillmotion.application.ports.administration import ActionStore
from stillmotion.application.ports.values import Clock, NewId
from stillmotion.domain.operators.actions import OperatorAction


@dataclass(frozen=True, slots=True)
class ActionLog:
    """Log of actions. An action is on disk before it is carried out: nothing is done that the log lacks."""

    store: ActionStore
    clock: Clock
    new_id: NewId

    async def note(self, actor: str, name: str, target: str, details: Mapping[str, Any], request_id: str = "") -> str:
        """Store an action that is about to be carried out. Returns its id."""
        action = OperatorAction(self.new_id(), self.clock.now(), actor, name, target, details, request_id)
        await self.store.add_action(action)
        return action.id

    async def refused(self, action_id: str, sentence: str) -> None:
        """Store that the action was refused."""
        await self.store.refuse_action(action_id, sentence)

    async def latest(self, before: str | None, limit: int) -> Sequence[OperatorAction]:
        """Up to `limit` actions, the latest first, from before the one with that id."""
        return await self.store.actions(before, limit)
