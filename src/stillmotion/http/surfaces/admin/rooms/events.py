"""Stream of everybody's changes, for administrators: this process's at once, others' by looking at rows."""

from typing import Any, Final

import msgspec

from stillmotion.application.administration import Administration
from stillmotion.application.ports.administration import EverybodysFilter
from stillmotion.application.ports.lists import EVERYTHING, Filter, Walk
from stillmotion.application.ports.notifications import EVERYBODY, Watch
from stillmotion.domain.errors import GenerationNotFound, Unavailable
from stillmotion.domain.generation import Deletion, Generation
from stillmotion.domain.lifecycle import State
from stillmotion.http.edge.operation import Call, Nothing, Operation, OperationResult
from stillmotion.http.resources.events import EVENT_STREAM
from stillmotion.http.resources.history.streams import MOST_NEW, GoneGeneration, Told, endless
from stillmotion.http.server.replies import Reply
from stillmotion.http.server.request import Request
from stillmotion.http.server.streams import Pieces
from stillmotion.http.surfaces.admin.operations import office_operation
from stillmotion.http.surfaces.admin.rooms.generation_shapes import generation_info

MOST_FOLLOWED: Final = 1000
"""Unfinished generations that a look reads at most, the newest first. This process's changes show for any number."""

_UNFINISHED: Final = EverybodysFilter(Filter(states=frozenset({State.QUEUED, State.DREAMING})))
_EVERYBODYS: Final = EverybodysFilter(EVERYTHING)
_ENCODE = msgspec.json.Encoder().encode


class EverybodysEvents:
    """One stream. It ends with its caller, with the caller's session, and with the server."""

    def __init__(self, call: Call, office: Administration, watch: Watch) -> None:
        self._call, self._watch = call, watch
        self._store = office.oversight.store
        self._told = Told()

    async def __call__(self, request: Request) -> tuple[Reply, Pieces | None]:
        """Begin the answer to one request."""
        pieces = endless(self._call, self._watch, request, self._beginning, self._news_of, self._look)
        return Reply(200, b"", list(EVENT_STREAM)), pieces

    async def _beginning(self) -> list[bytes]:
        return await self._look(is_first=True)

    async def _look(self, *, is_first: bool = False) -> list[bytes]:
        """Events of what other processes have changed, at first of all that is unfinished."""
        everybodys = self._store.everybodys
        try:
            unfinished = await everybodys(_UNFINISHED, Walk(MOST_FOLLOWED))
            if is_first:
                newest = await everybodys(_EVERYBODYS, Walk(1))
                self._told.newest = newest[0].id if newest else ""
                return [event for each in reversed(unfinished) for event in self._news(each)]
            new = await everybodys(_EVERYBODYS, Walk(MOST_NEW, self._told.newest, newest_first=False))
            found = {each.id: each for each in (*new, *unfinished)}
            gone = []
            for generation_id in self._told.missing(found):
                ended = await self._store.find(generation_id)
                if ended is None:
                    gone.append(self._gone(generation_id))
                else:
                    found[generation_id] = ended
        except (Unavailable, GenerationNotFound):
            return []
        return gone + [event for each in found.values() for event in self._news(each)]

    async def _news_of(self, change: Generation | Deletion) -> list[bytes]:
        return [self._gone(change.id)] if isinstance(change, Deletion) else self._news(change)

    def _news(self, generation: Generation) -> list[bytes]:
        """The event of a generation's present state; none if that was told already."""
        shown = (generation.attempt, generation.progress, generation.stage)
        return [self._event(generation)] if self._told.is_news(generation.id, generation.state, shown) else []

    def _event(self, generation: Generation) -> bytes:
        shown = generation_info(self._call.services.recent, generation)
        return b"event: generation\ndata: %b\n\n" % _ENCODE(shown)

    def _gone(self, generation_id: str) -> bytes:
        self._told.forget(generation_id)
        return b"event: deleted\ndata: %b\n\n" % _ENCODE(GoneGeneration(generation_id))


async def get_events(call: Call, office: Administration, asked: Nothing) -> OperationResult:
    """The stream of everybody's changes."""
    del asked
    watch = call.services.changes.watch(EVERYBODY)
    call.held.append(watch.end)
    return OperationResult(b"", streamed_by=EverybodysEvents(call, office, watch))


EVENT_OPERATIONS: tuple[Operation[Administration, Any], ...] = (
    office_operation(
        "getEverybodysEvents",
        "GET",
        "events",
        "Watch everybody's generations",
        description=(
            "Server-Sent Events, as `/events`: first one for each unfinished generation, then one for every change, "
            "`event: generation` with the JSON of the list, and `event: deleted`. Words and pictures are left out."
        ),
        answer=None,
        media_types=("text/event-stream",),
        answered="The stream.",
        handle=get_events,
    ),
)
