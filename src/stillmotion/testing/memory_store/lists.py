"""Lists of generations in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from stillmotion.application.ports.lists import EVERYTHING, Filter, Walk
from stillmotion.domain.generation import Generation, GenerationView
from stillmotion.testing.memory_store.tables import MemoryTables


@dataclass
class MemoryLists(MemoryTables):
    """`ListStore`."""

    async def listed(self, subscription_id: str, chosen: Filter, walk: Walk) -> Sequence[GenerationView]:
        """See `ListStore.listed`."""
        edge, newest_first = walk.edge, walk.newest_first
        own = sorted(self._chosen(subscription_id, chosen), key=lambda each: each.id, reverse=newest_first)
        beyond = [each for each in own if edge is None or (each.id < edge if newest_first else each.id > edge)]
        return [each.view for each in beyond[walk.offset : walk.offset + walk.limit]]

    async def ended_since(self, subscription_id: str, since: datetime, most: int) -> Sequence[GenerationView]:
        """See `ListStore.ended_since`."""
        own = (each.view for each in self._chosen(subscription_id, EVERYTHING))
        ended = [(each.finished_at, each) for each in own if each.finished_at is not None and each.finished_at >= since]
        return [each for _, each in sorted(ended, key=lambda pair: pair[0])][:most]

    async def count(self, subscription_id: str, chosen: Filter, most: int) -> int | None:
        """See `ListStore.count`."""
        counted = len(self._chosen(subscription_id, chosen))
        return None if chosen.looks_into_entries or counted > most else counted

    def _chosen(self, subscription_id: str, chosen: Filter) -> list[Generation]:
        own = (each for each in self._generations.values() if each.subscription_id == subscription_id)
        return [each for each in own if chosen.matches(each)]
