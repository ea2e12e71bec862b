"""Lists of generations in memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from stillmotion.application.ports.lists import Filter, Walk
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

    async def count(self, subscription_id: str, chosen: Filter, most: int) -> int | None:
        """See `ListStore.count`."""
        counted = len(self._chosen(subscription_id, chosen))
        return None if chosen.looks_into_entries or counted > most else counted

    def _chosen(self, subscription_id: str, chosen: Filter) -> list[Generation]:
        own = (each for each in self._generations.values() if each.subscription_id == subscription_id)
        return [each for each in own if chosen.matches(each)]
