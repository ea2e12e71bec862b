"""Queue controls and the log of actions in memory."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from stillmotion.adapters.store.queue_depths import to_depths
from stillmotion.application.ports.administration import QueueDepth
from stillmotion.domain.operators.actions import OperatorAction
from stillmotion.domain.operators.queue_controls import ControlTarget, QueueControl, QueueControls
from stillmotion.testing.memory_store.tables import MemoryTables


@dataclass
class MemoryOperators(MemoryTables):
    """`QueueStore` and `ActionStore`."""

    async def queue_controls(self) -> QueueControls:
        """See `QueueStore.queue_controls`."""
        return self._controls

    async def put_control(self, control: QueueControl) -> None:
        """See `QueueStore.put_control`."""
        await self.remove_control(control.target)
        oldest_first = sorted(
            (*self._controls, control), key=lambda each: (each.since, each.target.scope, each.target.name)
        )
        self._controls = QueueControls(tuple(oldest_first))

    async def remove_control(self, target: ControlTarget) -> bool:
        """See `QueueStore.remove_control`."""
        before = self._controls
        self._controls = QueueControls(tuple(each for each in before if each.target != target))
        return self._controls != before

    async def queue_depth(self) -> Sequence[QueueDepth]:
        """See `QueueStore.queue_depth`."""
        unfinished = [each for each in self._generations.values() if not each.is_terminal]
        counts = Counter((each.engine, each.state) for each in unfinished)
        return to_depths(
            (engine, state, count, min(each.created_at for each in unfinished if (each.engine, each.state) == kind))
            for kind, count in counts.items()
            for engine, state in (kind,)
        )

    async def add_action(self, action: OperatorAction) -> None:
        """See `ActionStore.add_action`."""
        self._actions[action.id] = action

    async def refuse_action(self, action_id: str, sentence: str) -> None:
        """See `ActionStore.refuse_action`."""
        self._actions[action_id] = replace(self._actions[action_id], refused=sentence)

    async def actions(self, before: str | None, limit: int) -> Sequence[OperatorAction]:
        """See `ActionStore.actions`."""
        latest_first = sorted(self._actions, reverse=True)
        return [self._actions[each] for each in latest_first if before is None or each < before][:limit]
