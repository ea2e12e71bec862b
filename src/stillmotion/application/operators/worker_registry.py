"""Registry of workers: who is there, what each can make, and what its lanes are at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stillmotion.application.ports.administration import ProcessStore
from stillmotion.application.ports.store import GenerationStore
from stillmotion.application.ports.values import Clock
from stillmotion.domain.generation import Generation
from stillmotion.domain.operators.processes import LaneReport, ProcessReport
from stillmotion.domain.operators.queue_controls import ControlScope, ControlState, ControlTarget, QueueControls


class RegistryStore(GenerationStore, ProcessStore, Protocol):
    """Store of processes and of the generations that they make."""


@dataclass(frozen=True, slots=True)
class LaneState:
    """One lane, with the generation that it makes as that was last committed; None for a free lane."""

    lane: LaneReport
    generation: Generation | None


@dataclass(frozen=True, slots=True)
class WorkerState:
    """One worker. `state` is a word: ready, starting, paused, draining, drained or lost."""

    report: ProcessReport
    state: str
    lanes: Sequence[LaneState]


@dataclass(frozen=True, slots=True)
class WorkerRegistry:
    """Use cases of the registry. A worker is a process with lanes: a server without renderers is none."""

    store: RegistryStore
    clock: Clock

    async def workers(self) -> list[WorkerState]:
        """All workers, those lost within a day too."""
        controls = await self.store.queue_controls()
        reports = [each for each in await self.store.processes() if each.lanes]
        return [await self._state(each, controls) for each in reports]

    async def _state(self, report: ProcessReport, controls: QueueControls) -> WorkerState:
        # What a lost one made is taken back by now, and another may be making it.
        is_lost = report.is_silent(self.clock.now())
        lanes = [LaneState(lane, None if is_lost else await self._made_in(lane)) for lane in report.lanes]
        at_work = any(each.generation is not None for each in lanes)
        return WorkerState(report, self._word(report, controls, at_work=at_work), lanes)

    async def _made_in(self, lane: LaneReport) -> Generation | None:
        return None if lane.generation_id is None else await self.store.find(lane.generation_id)

    def _word(self, report: ProcessReport, controls: QueueControls, *, at_work: bool) -> str:
        if report.is_silent(self.clock.now()):
            return "lost"
        control = _control_of(report, controls)
        if control is ControlState.DRAINING:
            return "draining" if at_work else "drained"
        if control is ControlState.PAUSED:
            return "paused"
        return "ready" if report.is_able else "starting"


def _control_of(report: ProcessReport, controls: QueueControls) -> ControlState | None:
    found = (controls.state_of(ControlTarget(ControlScope.WORKER, name)) for name in report.name)
    return next((state for state in found if state is not None), None)
