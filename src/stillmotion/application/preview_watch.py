"""Watch over previews: those that somebody looks at are noted, where storing one is not free."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from math import inf

from stillmotion.application.ports.store import GenerationStore
from stillmotion.application.ports.values import Clock
from stillmotion.domain.errors import Unavailable

WATCHED_FOR = timedelta(seconds=15)
"""Time for which previews are stored after a look at them."""

NOTED_EVERY = timedelta(seconds=5)
"""Interval at which a look that goes on is noted again."""


@dataclass(slots=True)
class PreviewWatch:
    """Notes of looks at previews. Where storing them is free, all are stored, and nothing is noted."""

    store: GenerationStore
    clock: Clock
    is_needed: bool
    _noted: dict[str, float] = field(default_factory=dict, repr=False)

    async def look_at(self, generation_ids: Iterable[str]) -> None:
        """Note a look at the previews of generations that are rendered."""
        if not self.is_needed:
            return
        now, pause = self.clock.monotonic(), NOTED_EVERY.total_seconds()
        due = [each for each in generation_ids if now - self._noted.get(each, -inf) >= pause]
        if due:
            self._noted = {each: at for each, at in self._noted.items() if now - at < pause} | dict.fromkeys(due, now)
            with suppress(Unavailable):  # It costs a few pictures.
                await self.store.watch_previews(due, self.clock.now() + WATCHED_FOR)
