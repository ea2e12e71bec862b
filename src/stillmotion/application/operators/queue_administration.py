"""The queue for operators: its depth, its pauses and its drains."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stillmotion.application.ports.administration import QueueDepth, QueueStore
from stillmotion.application.ports.notifications import QueueSignal
from stillmotion.application.ports.values import Clock
from stillmotion.domain.catalogue import Catalogue
from stillmotion.domain.errors import InvalidRequest, Problem
from stillmotion.domain.operators.queue_controls import (
    EVERYTHING,
    ControlScope,
    ControlState,
    ControlTarget,
    QueueControl,
    QueueControls,
)
from stillmotion.domain.rendering import RESAMPLER

LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class QueueState:
    """State of the queue at a time."""

    controls: QueueControls
    depth: Sequence[QueueDepth]
    now: datetime

    @property
    def is_paused(self) -> bool:
        """True if nothing at all is claimed."""
        return self.controls.state_of(EVERYTHING) is ControlState.PAUSED

    @property
    def is_drained(self) -> bool:
        """True if nothing new is accepted. It is empty once there is no depth."""
        return self.controls.state_of(EVERYTHING) is ControlState.DRAINING

    @property
    def oldest_seconds(self) -> float | None:
        """Age of the longest waiting generation; None if none waits."""
        submitted = [each.oldest_at for each in self.depth if each.oldest_at is not None]
        return max(0.0, (self.now - min(submitted)).total_seconds()) if submitted else None


@dataclass(frozen=True, slots=True)
class QueueAdministration:
    """Use cases of the queue. An operator names a model as the catalogue does, and a worker by id or machine."""

    store: QueueStore
    catalogue: Catalogue
    signal: QueueSignal
    clock: Clock

    async def state(self) -> QueueState:
        """The queue as it is now."""
        return QueueState(await self.store.queue_controls(), await self.store.queue_depth(), self.clock.now())

    async def pause(self, model: str | None, worker: str | None, actor: str) -> QueueState:
        """Begin nothing new for the target: all, if neither is named. Submits are accepted. Raises `InvalidRequest`."""
        return await self._control(self._target(model, worker), ControlState.PAUSED, actor)

    async def drain(self, model: str | None, worker: str | None, actor: str) -> QueueState:
        """Accept nothing new for the target, and make the rest. Raises `InvalidRequest`."""
        return await self._control(self._target(model, worker), ControlState.DRAINING, actor)

    async def resume(self, model: str | None, worker: str | None) -> QueueState:
        """Remove the target's control, if there is one. Raises `InvalidRequest`."""
        await self.store.remove_control(self._target(model, worker))
        self.signal.notify()
        return await self.state()

    async def _control(self, target: ControlTarget, state: ControlState, actor: str) -> QueueState:
        await self.store.put_control(QueueControl(target, state, self.clock.now(), actor))
        self.signal.notify()
        return await self.state()

    def _target(self, model: str | None, worker: str | None) -> ControlTarget:
        if model is not None and worker is not None:
            raise InvalidRequest(Problem("worker", "cannot stand beside model: name one of them, or neither for all"))
        if worker is not None:
            if not 0 < len(worker) <= LONGEST_NAME:
                raise InvalidRequest(Problem("worker", "must be a worker's id or the name of its machine"))
            return ControlTarget(ControlScope.WORKER, worker)
        return EVERYTHING if model is None else ControlTarget(ControlScope.MODEL, self._engine(model))

    def _engine(self, model: str) -> str:
        """Engine of a model that is named by its entry or its engine. Raises `InvalidRequest`."""
        engines = {each.engine_name: each.name for each in self.catalogue.entries.values()} | {RESAMPLER: RESAMPLER}
        entry = self.catalogue.entries.get(model)
        if entry is not None or model in engines:
            return model if entry is None else entry.engine_name
        wire_name = self.catalogue.named(model)
        if wire_name is not None:
            makers = " and ".join(each.engine_name for each in self.catalogue.route(wire_name))
            raise InvalidRequest(Problem("model", f"is a name that callers use; {makers} makes its clips: name that"))
        offered = ", ".join(sorted({each.engine_name for each in self.catalogue.offered()}))
        raise InvalidRequest(Problem("model", f"is none of this server's: {offered}"))
