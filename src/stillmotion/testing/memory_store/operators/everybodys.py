"""Everybody's generations in memory, and places in line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stillmotion.application.ports.administration import EverybodysFilter, QueuePlace
from stillmotion.application.ports.lists import Walk
from stillmotion.domain.errors import GenerationNotFound, NotQueued
from stillmotion.domain.generation import Generation
from stillmotion.domain.lifecycle import State
from stillmotion.testing.memory_store.tables import MemoryTables


@dataclass
class MemoryEverybodys(MemoryTables):
    """`EverybodysStore`."""

    async def everybodys(self, asked: EverybodysFilter, walk: Walk) -> Sequence[Generation]:
        """See `EverybodysStore.everybodys`."""
        edge, newest_first = walk.edge, walk.newest_first
        found = sorted(self._everybodys(asked), key=lambda each: each.id, reverse=newest_first)
        beyond = [each for each in found if edge is None or (each.id < edge if newest_first else each.id > edge)]
        return beyond[: walk.limit]

    async def count_everybodys(self, asked: EverybodysFilter) -> int:
        """See `EverybodysStore.count_everybodys`."""
        return len(self._everybodys(asked))

    async def move(self, generation_id: str, place: QueuePlace, now: datetime) -> None:
        """See `EverybodysStore.move`."""
        found = self._generations.get(generation_id)
        if found is None:
            raise GenerationNotFound(generation_id)
        if found.state is not State.QUEUED:
            raise NotQueued(generation_id, found.state)
        front = min((0, *(each for each in self._moved.values() if isinstance(each, int))))
        self._moved[generation_id] = front - 1 if place is QueuePlace.FRONT else now

    def _everybodys(self, asked: EverybodysFilter) -> list[Generation]:
        return [
            each
            for each in self._generations.values()
            if asked.chosen.matches(each)
            and asked.id in (None, each.id)
            and asked.subscription_id in (None, each.subscription_id)
            and asked.engine in (None, each.engine)
            and (asked.worker is None or any(asked.worker in names for names in self._workers_of(each)))
        ]

    def _workers_of(self, generation: Generation) -> list[tuple[str, str]]:
        """The worker of each attempt: its id, and its machine, which the id begins with."""
        found = [each.worker for each in self._records[generation.id]]
        return [(worker, worker.partition(":")[0]) for worker in found]
