"""The queue in memory."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from stillmotion.application.ports.store import EVERY_ENGINE, Change, EngineLimit, Engines
from stillmotion.domain.generation import Generation
from stillmotion.domain.lifecycle import State
from stillmotion.domain.operators.queue_controls import NOBODY, WorkerName
from stillmotion.testing.memory_store.generations import MemoryGenerations


@dataclass
class MemoryQueue(MemoryGenerations):
    """The queue of `GenerationStore`."""

    async def claim_next(
        self,
        claim: Change,
        engines: Engines = EVERY_ENGINE,
        passed_over: Collection[str] = (),
        worker: WorkerName = NOBODY,
        within: EngineLimit | None = None,
    ) -> Generation | None:
        """See `GenerationStore.claim_next`."""
        if self._controls.stop(worker) or (within is not None and self._leased_of(within.engine) >= within.most):
            return None
        engines = engines.without(self._controls.paused_engines)
        queued = [each for each in self._generations.values() if each.state is State.QUEUED]
        meant = [each for each in queued if engines.include(each.engine)]
        waiting = [each for each in meant if each.subscription_id not in passed_over]
        if not waiting:
            return None
        chosen, time = min(waiting, key=self._turn), self._virtual_time
        claimed = self._changed_by(chosen.id, claim, worker.id)
        if isinstance(self._moved.get(chosen.id), int):
            self._virtual_time = time
        return claimed

    async def queued_for(self, engine: str) -> Sequence[str]:
        """See `GenerationStore.queued_for`."""
        waiting = [each for each in self._generations.values() if (each.state, each.engine) == (State.QUEUED, engine)]
        return [each.id for each in waiting]

    async def leased(self, until: datetime) -> Sequence[str]:
        """See `GenerationStore.leased`."""
        return [each.id for each in self._generations.values() if each.lease_until and each.lease_until <= until]

    async def counts(self) -> Mapping[str, int]:
        """See `GenerationStore.counts`."""
        counted = Counter(each.state for each in self._generations.values())
        return {state.value: counted[state] for state in (State.QUEUED, State.DREAMING)}

    def _leased_of(self, engine: str) -> int:
        return sum((each.state, each.engine) == (State.DREAMING, engine) for each in self._generations.values())

    def _turn(self, generation: Generation) -> tuple[int, int, datetime, str, datetime]:
        owner = generation.subscription_id
        line, moved = self._lines[owner], self._moved.get(generation.id)
        urgency = moved if isinstance(moved, int) else 0
        place = moved if isinstance(moved, datetime) else generation.created_at
        return urgency, line.turn, line.since, owner, place
