"""Server-sent events of a generation: this process's changes at once, those of other processes by looking at the row.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import re
from collections.abc import Callable, Mapping

import msgspec

from stillmotion.application.ports.notifications import Watch
from stillmotion.application.ports.store import GenerationStore
from stillmotion.application.preview_watch import PreviewWatch
from stillmotion.application.record.outlooks import foreseen
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.generation import Deletion, Generation, GenerationView
from stillmotion.domain.lifecycle import State
from stillmotion.http.edge.operation import LinkTo
from stillmotion.http.edge.services import EdgeTiming
from stillmotion.http.server.replies import NO_STORE, Header, Reply
from stillmotion.http.server.request import Request
from stillmotion.http.server.streams import Pieces

RECONNECT_MILLISECONDS = 2000

EVENT_STREAM: tuple[Header, ...] = (
    ("Content-Type", "text/event-stream; charset=utf-8"),
    NO_STORE,
    ("X-Accel-Buffering", "no"),  # Otherwise nginx keeps the events until its buffer is full.
)
BEGINNING = b"retry: %d\n\n" % RECONNECT_MILLISECONDS
BEAT = b": still here\n\n"
_POSITION = re.compile(r"[0-9]+-[a-z]+-[0-9.]+(-[0-9]+)?", re.ASCII)
_ENCODE = msgspec.json.Encoder().encode


class EventAssets(msgspec.Struct, frozen=True):
    """URLs of the result."""

    video: str
    image: str


class Happening(msgspec.Struct, frozen=True, omit_defaults=True):
    """Data of an event: the generation's state in the gateway's words, and its progress, 0 to 1.

    `preview` is the URL of a picture during the render, if there is one. A completed generation has `assets`, a failed
    one a `failure_reason`, a `failure_code` and a `remedy`. `queue_position` is 1 for the next one; `eta_seconds` is
    the time that is left, `stage` is the worker's. Unknown parts are left out. Events of all of an owner's generations
    have the `model` and the `metadata`.
    """

    id: str
    state: str
    progress: float
    preview: str | None = None
    assets: EventAssets | None = None
    failure_reason: str | None = None
    failure_code: str | None = None
    remedy: str | None = None
    queue_position: int | None = None
    eta_seconds: float | None = None
    stage: str | None = None
    model: str | None = None
    metadata: Mapping[str, str] | None = None


def position(generation: Generation) -> str:
    """Id of the event for a generation's present state. It changes with each change that is told."""
    return f"{generation.attempt}-{generation.state.value}-{generation.progress:.3f}"


def happening(view: GenerationView, link_to: LinkTo) -> Happening:
    """Data of the event for a generation's present state."""
    cancelled = view.state is State.CANCELLED
    assets = None
    if view.video is not None and view.thumbnail is not None:
        assets = EventAssets(link_to(view.video), link_to(view.thumbnail))
    return Happening(
        id=view.id,
        state="failed" if cancelled else view.state.value,
        progress=round(view.progress, 3),
        preview=None if view.preview is None else link_to(view.preview),
        assets=assets,
        failure_reason="The generation was cancelled." if cancelled else view.failure_reason,
        failure_code=view.failure_code,
        remedy=view.remedy,
        queue_position=view.queue_position,
        eta_seconds=view.eta_seconds,
        stage=view.stage,
    )


class EventStream:
    """One stream of events. It ends with the generation, with its caller, and with the server. The watch is not ended.

    `seen` is the id of the last event of an earlier stream, empty for none. `new_links` makes links for each
    event: a stream may outlive them, and a browser caches a picture by its URL.
    """

    def __init__(
        self,
        watch: Watch,
        store: GenerationStore,
        previews: PreviewWatch,
        generation_id: str,
        new_links: Callable[[], LinkTo],
        seen: str,
        timing: EdgeTiming,
    ) -> None:
        self._watch = watch
        self._store, self._previews = store, previews
        self._generation_id = generation_id
        self._new_links = new_links
        self._seen = seen
        self._timing = timing
        self._state = seen.split("-")[1] if _POSITION.fullmatch(seen) else ""

    async def __call__(self, request: Request) -> tuple[Reply, Pieces | None]:
        """Begin the answer to one request."""
        return Reply(200, b"", list(EVENT_STREAM)), self._pieces(request)

    async def _pieces(self, request: Request) -> Pieces:
        """Events from the present state to the generation's end, or until the caller hangs up."""
        now = asyncio.get_running_loop().time
        yield BEGINNING
        spoke_at = now()
        generation = await self._look()
        while generation is not None and request.transport is not None:
            said = await self._event(generation)
            if said is None and now() - spoke_at >= self._timing.heartbeat.total_seconds():
                said = BEAT
            if said is not None:
                spoke_at = now()
                yield said
            if generation.is_terminal:
                return
            if generation.state is State.DREAMING:
                await self._previews.look_at([generation.id])
            change = await self._watch.next(min(self._timing.look, self._timing.heartbeat))
            if self._watch.has_ended or isinstance(change, Deletion):
                return
            generation = change or await self._look()

    async def _look(self) -> Generation | None:
        """The row; None if it is gone or cannot be read. The caller comes back and gets an error."""
        try:
            return await self._store.find(self._generation_id)
        except Unavailable:
            return None

    async def _event(self, generation: Generation) -> bytes | None:
        """The event of a change, or of another place in the queue; None without one."""
        (view,) = await foreseen(self._store, generation.view)
        now = position(generation) + ("" if view.queue_position is None else f"-{view.queue_position}")
        if now == self._seen:
            return None
        kind = b"progress" if generation.state.value == self._state else b"state"
        self._seen, self._state = now, generation.state.value
        data = _ENCODE(happening(view, self._new_links()))
        return b"id: %b\nevent: %b\ndata: %b\n\n" % (now.encode(), kind, data)
