"""Server-sent events of all of an owner's generations: this process's changes at once, others' by looking at rows."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from stillmotion.application.ports.lists import EVERYTHING, Filter, Walk
from stillmotion.application.ports.notifications import Watch
from stillmotion.application.record.outlooks import foreseen
from stillmotion.domain.errors import GenerationNotFound, LimitExceeded, NotAuthenticated, Unavailable
from stillmotion.domain.generation import Deletion, Generation, GenerationView
from stillmotion.domain.lifecycle import TERMINAL, State
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.edge.operation import Call, Nothing, Operation, OperationResult
from stillmotion.http.resources.events import BEAT, BEGINNING, EVENT_STREAM, happening
from stillmotion.http.server.replies import Reply
from stillmotion.http.server.request import Request
from stillmotion.http.server.streams import Pieces

MOST_FOLLOWED: Final = 1000
"""Unfinished generations that a look reads at most, the oldest first. This process's changes show for any number."""

MOST_NEW: Final = 100
"""Generations that a look finds new at most, and ended ones that are told to a caller who comes back."""

_SLACK: Final = timedelta(seconds=5)
"""Time before the last event from which on a caller who comes back is told again: events are out of order by less."""

_UNFINISHED: Final = Filter(states=frozenset({State.QUEUED, State.DREAMING}))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ID_MAX_DIGITS: Final = 17
"""Digits of microseconds up to the year 5138."""

_ENCODE = msgspec.json.Encoder().encode


class GoneGeneration(msgspec.Struct, frozen=True):
    """Data of the event for a deleted generation."""

    id: str


News = Callable[[], Awaitable[list[bytes]]]
"""A look for events."""


async def endless(
    call: Call,
    watch: Watch,
    request: Request,
    beginning: News,
    news_of: Callable[[Generation | Deletion], Awaitable[list[bytes]]],
    look: News,
) -> Pieces:
    """Events of a stream without an end: the beginning's, then those of each change, and what a look finds.

    It ends with its caller, with the caller's access, and with the server.
    """
    now, timing = asyncio.get_running_loop().time, call.services.timing
    yield BEGINNING
    news = await beginning()
    spoke_at = looked_at = now()
    while request.transport is not None and not watch.has_ended:
        if not news and now() - spoke_at >= timing.heartbeat.total_seconds():
            news = [BEAT]
        for said in news:
            spoke_at = now()
            yield said
        change = await watch.next(min(timing.look, timing.heartbeat))
        news = [] if change is None else await news_of(change)
        if now() - looked_at >= timing.look.total_seconds():
            if not await call.still_admitted():
                return
            news += await look()
            looked_at = now()


class Told:
    """Memory of an endless stream: the last that was told of each unfinished generation, and the newest id of all."""

    def __init__(self) -> None:
        self.newest = ""
        self._last: dict[str, object] = {}

    def is_news(self, generation_id: str, state: State, shown: object) -> bool:
        """True unless the same was told last. From now on it is."""
        known, self.newest = self._last.get(generation_id), max(self.newest, generation_id)
        if state in TERMINAL:
            self.forget(generation_id)
        else:
            self._last[generation_id] = (state, shown)
        return known != (state, shown)

    def missing(self, found: Collection[str]) -> Sequence[str]:
        """The unfinished generations that were told of and are not found any more, a look's worth of them."""
        return [each for each in self._last if each not in found][:MOST_NEW]

    def forget(self, generation_id: str) -> None:
        """Forget a generation that has ended, or is gone."""
        self._last.pop(generation_id, None)


class OwnEvents:
    """Stream of the events of an owner. It ends with its caller, with the caller's access, and with the server."""

    def __init__(self, call: Call, owner: str, watch: Watch, since: datetime | None) -> None:
        services = call.services
        self._call = call
        self._owner = owner
        self._watch = watch
        self._since = since
        self._clock = services.clock
        self._store, self._lists = services.generations.store, services.lists.store
        self._told = Told()

    async def __call__(self, request: Request) -> tuple[Reply, Pieces | None]:
        """Begin the answer to one request."""
        pieces = endless(self._call, self._watch, request, self._beginning, self._news_of, self._look)
        return Reply(200, b"", list(EVENT_STREAM)), pieces

    async def _beginning(self) -> list[bytes]:
        """Events of those that have ended since the caller's last event, then of the unfinished ones."""
        try:
            newest = await self._lists.listed(self._owner, EVERYTHING, Walk(1))
            self._told.newest = newest[0].id if newest else ""
            since = None if self._since is None else self._since - _SLACK
            ended = [] if since is None else await self._lists.ended_since(self._owner, since, MOST_NEW)
        except Unavailable:
            return []
        return [*(self._event(view) for view in ended), *await self._look()]

    async def _look(self) -> list[bytes]:
        """Events of what other processes have changed. None while the rows cannot be read."""
        listed = self._lists.listed
        try:
            unfinished = await listed(self._owner, _UNFINISHED, Walk(MOST_FOLLOWED, newest_first=False))
            new = await listed(self._owner, EVERYTHING, Walk(MOST_NEW, self._told.newest, newest_first=False))
            found = {view.id: view for view in (*new, *unfinished)}
            news = []
            for generation_id in self._told.missing(found):
                try:
                    found[generation_id] = await self._store.view(self._owner, generation_id)
                except GenerationNotFound:
                    news.append(self._gone(generation_id))
        except Unavailable:
            return []
        views = await foreseen(self._lists, *found.values())
        news += [event for view in views for event in self._news(view)]
        await self._call.services.previews.look_at(view.id for view in views if view.state is State.DREAMING)
        return news

    async def _news_of(self, change: Generation | Deletion) -> list[bytes]:
        if isinstance(change, Deletion):
            return [self._gone(change.id)]
        return [event for view in await foreseen(self._lists, change.view) for event in self._news(view)]

    def _news(self, view: GenerationView) -> list[bytes]:
        """The event of a generation's present state; none if that was told already."""
        shown = (view.progress, view.stage, view.preview, view.queue_position, view.metadata, view.request.prompt)
        return [self._event(view)] if self._told.is_news(view.id, view.state, shown) else []

    def _event(self, view: GenerationView) -> bytes:
        told = happening(view, self._call.link_to)
        data = msgspec.structs.replace(told, model=view.request.model, metadata=dict(view.metadata))
        return self._written(b"generation", _ENCODE(data))

    def _gone(self, generation_id: str) -> bytes:
        self._told.forget(generation_id)
        return self._written(b"deleted", _ENCODE(GoneGeneration(generation_id)))

    def _written(self, kind: bytes, data: bytes) -> bytes:
        """An event. Its id is the time, in microseconds since 1970, from which a caller who comes back is told."""
        at = (self._clock.now() - _EPOCH) // timedelta(microseconds=1)
        return b"id: %d\nevent: %b\ndata: %b\n\n" % (at, kind, data)


async def get_own_events(call: Call, subscription: Subscription, asked: Nothing) -> OperationResult:
    """The stream of all of the subscription's generations."""
    del asked
    watch = call.services.changes.watch(subscription.id)
    call.held.append(watch.end)
    stream = OwnEvents(call, subscription.id, watch, _time(call.request.headers.get("Last-Event-ID", "")))
    return OperationResult(b"", streamed_by=stream)


def _time(event_id: str) -> datetime | None:
    """The time in an event's id; None for any other text."""
    if not (event_id.isascii() and event_id.isdigit() and len(event_id) <= _ID_MAX_DIGITS):
        return None
    return _EPOCH + timedelta(microseconds=int(event_id))


OWN_EVENTS: Final[Operation[Subscription, Nothing]] = Operation(
    operation_id="getOwnEvents",
    method="GET",
    path="/events",
    summary="Watch all of your generations",
    description="Server-Sent Events. First comes an event for each unfinished generation, then one for every change: "
    '`event: generation`, with the data of the events of one generation and its `model`. `event: deleted`, `{"id"}`, '
    "says that one is gone. The stream does not end by itself. A comment comes every 15 seconds without an event. Send "
    "the last event's id as `Last-Event-ID` to be told what has ended meanwhile, up to "
    f"{MOST_NEW} generations; an event may come twice. In a browser, where an `EventSource` sets no headers, the key "
    "goes into the query as `subscription-key`.",
    wire=Nothing,
    answer=None,
    media_types=("text/event-stream",),
    answered="The stream.",
    shows_engine=False,
    refusals=(NotAuthenticated, LimitExceeded, Exception, Unavailable),
    handle=get_own_events,
)
