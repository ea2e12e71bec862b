"""Everybody's generations for operators: look, cancel, delete, move in line, one by one or all that a filter finds."""

import builtins
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from stillmotion.application.ports.administration import EverybodysFilter, EverybodysStore, QueuePlace
from stillmotion.application.ports.lists import Walk
from stillmotion.application.ports.notifications import QueueSignal
from stillmotion.application.ports.objects import ObjectStore
from stillmotion.application.ports.store import RetentionStore
from stillmotion.application.ports.values import Clock
from stillmotion.application.record.outlooks import with_outlooks
from stillmotion.application.retention import remove_objects
from stillmotion.domain.errors import (
    AlreadyOver,
    CountDiffers,
    GenerationNotFound,
    IllegalTransition,
    InvalidRequest,
    Problem,
    Refused,
    Unavailable,
)
from stillmotion.domain.generation import Generation

MOST_AT_ONCE: Final = 10_000
"""Generations that one batch may be about."""


class OversightStore(RetentionStore, EverybodysStore, Protocol):
    """Store of everybody's generations, with the changes of a single one."""


@dataclass(frozen=True, slots=True)
class WatchedGeneration:
    """A generation with the worker of its latest attempt, its place in the queue and its time left; None without."""

    generation: Generation
    worker: str | None = None
    queue_position: int | None = None
    eta_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class EverybodysPage:
    """A page with the newest first, and the number of all that pass the filter. The ends are ids to go on from."""

    generations: Sequence[WatchedGeneration]
    total: int
    next: str | None
    previous: str | None


@dataclass(frozen=True, slots=True)
class Oversight:
    """Use cases of operators about anybody's generation. Objects that cannot be removed now are removed later."""

    store: OversightStore
    objects: ObjectStore
    signal: QueueSignal
    clock: Clock

    async def page(self, asked: EverybodysFilter, walk: Walk) -> EverybodysPage:
        """One page of a walk; `newest_first` is its direction from the edge on, and not the order of the page."""
        found = await self.store.everybodys(asked, Walk(walk.limit + 1, walk.edge, walk.newest_first))
        shown, more = builtins.list(found[: walk.limit]), len(found) > walk.limit
        if not walk.newest_first:
            shown.reverse()
        # A first page that holds all of them spares the count, which would look at every row again.
        is_all = walk.edge is None and not more
        total = len(shown) if is_all else await self.store.count_everybodys(asked)
        older = more if walk.newest_first else walk.edge is not None
        newer = walk.edge is not None if walk.newest_first else more
        return EverybodysPage(
            await self._watched(shown),
            total,
            next=shown[-1].id if shown and older else None,
            previous=shown[0].id if shown and newer else None,
        )

    async def get(self, generation_id: str) -> Generation:
        """Anybody's generation. Raises `GenerationNotFound`."""
        found = await self.store.find(generation_id.lower())
        if found is None:
            raise GenerationNotFound(f"there is no generation {generation_id}: look for it in the list of generations")
        return found

    async def watched(self, generation_id: str) -> WatchedGeneration:
        """Anybody's generation with its worker. Raises `GenerationNotFound`."""
        (found,) = await self._watched([await self.get(generation_id)])
        return found

    async def _watched(self, generations: Sequence[Generation]) -> Sequence[WatchedGeneration]:
        views = await with_outlooks(self.store, [each.view for each in generations])
        return [
            WatchedGeneration(each, await self._worker_of(each.id), view.queue_position, view.eta_seconds)
            for each, view in zip(generations, views, strict=True)
        ]

    async def _worker_of(self, generation_id: str) -> str | None:
        attempts = await self.store.attempts_of(generation_id)
        return (attempts[-1].worker or None) if attempts else None

    async def cancel(self, generation_id: str) -> Generation:
        """Cancel an unfinished one. Raises `GenerationNotFound`, or `AlreadyOver` for a finished one."""
        found, now = await self.get(generation_id), self.clock.now()
        try:
            cancelled = await self.store.change(found.id, lambda generation: generation.cancelled(now))
        except IllegalTransition as error:
            raise AlreadyOver(found.id, error.state) from error
        self.signal.withdraw(found.id)
        return cancelled

    async def delete(self, generation_id: str) -> Generation:
        """Cancel one that is unfinished, and remove it with its objects. Returns it as it was."""
        found = await self.get(generation_id)
        if not await self.store.delete(found.id):
            raise GenerationNotFound(f"there is no generation {generation_id}: look for it in the list of generations")
        self.signal.withdraw(found.id)
        with suppress(Unavailable):
            await remove_objects(self.store, self.objects, found.id)
        return found

    async def move(self, generation_id: str, place: QueuePlace) -> Generation:
        """Move a queued one in the line. Raises `GenerationNotFound` or `NotQueued`."""
        found = await self.get(generation_id)
        await self.store.move(found.id, place, self.clock.now())
        return found

    async def each(self, asked: EverybodysFilter, expected: int, act: Callable[[str], Awaitable[object]]) -> int:
        """Act on all that pass the filter, and return the number that were acted on.

        Those that passed when they were counted are meant. One that is refused is left out, such as one that came into
        another state since. Raises
        `CountDiffers` where their number is not the expected one, or `InvalidRequest` for too many; then nothing is
        done.
        """
        if expected > MOST_AT_ONCE:
            raise InvalidRequest(Problem("expected", f"must be {MOST_AT_ONCE} or less: narrow the filter"))
        found = await self.store.everybodys(asked, Walk(expected + 1))
        if len(found) != expected:
            raise CountDiffers(expected, await self.store.count_everybodys(asked))
        done = 0
        for generation in found:
            with suppress(Refused):
                await act(generation.id)
                done += 1
        return done
