"""Port of the lists of generations, with the filters of a list and the walk through it."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from stillmotion.application.ports.record import RecordStore
from stillmotion.domain.generation import Generation, GenerationView
from stillmotion.domain.lifecycle import State


def folded(text: str) -> str:
    """A text as it is searched: without differences of case, and with composed letters."""
    return unicodedata.normalize("NFC", text.casefold())


def searched_text(generation: Generation) -> str:
    """The text of a generation that a search looks through, besides its id: the prompt and the metadata's values."""
    return folded("\n".join((generation.request.prompt, *generation.metadata.values())))


@dataclass(frozen=True, slots=True)
class Filter:
    """Choice of generations. An empty part chooses all.

    `search` is folded text that the prompt, the id or a value of the metadata contains. `id_start` is the beginning of
    the id. `created_after` and `created_before` are times, of which the first counts in. `metadata` names pairs that a
    generation has, all of them.
    """

    states: frozenset[State] = frozenset()
    model: str = ""
    search: str = ""
    id_start: str = ""
    created_after: datetime | None = None
    created_before: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def looks_into_entries(self) -> bool:
        """True if a part besides the state and the id's beginning is set, so that generations are looked at singly."""
        return bool(self.model or self.search or self.metadata or self.created_after or self.created_before)

    def matches(self, generation: Generation) -> bool:
        """True for a generation that is chosen."""
        return (
            (not self.states or generation.state in self.states)
            and (not self.model or generation.request.model == self.model)
            and (self.search in searched_text(generation) or self.search in generation.id)
            and generation.id.startswith(self.id_start)
            and (self.created_after is None or generation.created_at >= self.created_after)
            and (self.created_before is None or generation.created_at < self.created_before)
            and self.metadata.items() <= generation.metadata.items()
        )


EVERYTHING = Filter()


@dataclass(frozen=True, slots=True)
class Walk:
    """A stretch of a list in the order of ids: up to `limit` beyond the id `edge`, after the first `offset` of them.

    The edge itself may be deleted. Without one the walk begins at the end that comes first.
    """

    limit: int
    edge: str | None = None
    newest_first: bool = True
    offset: int = 0


class ListStore(RecordStore, Protocol):
    """Lists of a subscription's own generations."""

    async def listed(self, subscription_id: str, chosen: Filter, walk: Walk) -> Sequence[GenerationView]:
        """The chosen generations of a walk, as they were last committed."""
        ...

    async def ended_since(self, subscription_id: str, since: datetime, most: int) -> Sequence[GenerationView]:
        """Generations that have ended at that time or later, the first before the others: `most` at most."""
        ...

    async def count(self, subscription_id: str, chosen: Filter, most: int) -> int | None:
        """The number of chosen generations; None if there are more than `most`, or if each had to be looked at."""
        ...
