"""One connection of HTTP/1.1: from bytes to requests for an ASGI application, and from its answers to bytes.

uvicorn's own does the same in more steps: it costs three times what the system and the parser take. This one begins
a POST without a task, and with the others of its turn; it writes a whole answer at once, keeps no timer a request,
and knows what it waits for.
"""

import asyncio
import math
import types
from collections import deque
from collections.abc import Coroutine, Generator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast
from urllib.parse import unquote

import httptools
import uvicorn
from uvicorn.server import ServerState

from stillmotion.http.asgi import (
    CLOSE,
    HEADERS,
    App,
    Header,
    Headers,
    Receive,
    Reply,
    Scope,
    Send,
    repeated_in,
    send_reply,
)
from stillmotion.http.crowd import Crowd
from stillmotion.http.exchange import Exchange, last_answer
from stillmotion.http.turn import Turn

HEADERS_DEADLINE = 10.0
"""Seconds from the first byte of a request, or from the connection where none comes, to the end of its headers."""

MAX_HEAD_BYTES = 64 * 1024

BODY_DEADLINE = 20.0
LARGE_BODY_DEADLINE = 120.0
"""Seconds for a body to come; a large one has longer."""

KEEP_ALIVE = 15
"""Seconds that a connection may wait for its next request: longer than the pause between two polls."""

PIECE_DEADLINE = 60.0
"""Seconds for a piece of a download to be taken, once the caller has fallen behind."""

UNREAD_BYTES = 64 * 1024
"""How much of a body is held for an application that does not read on."""

_PLAIN_TEXT: Header = (b"content-type", b"text/plain; charset=utf-8")
_VERSIONS = frozenset({"1.0", "1.1"})
_ASGI: Mapping[str, str] = {"version": "3.0", "spec_version": "2.3"}


@dataclass(frozen=True, slots=True)
class Standing:
    """What a connection waits for, as something to compare, and when that must have come."""

    awaited: tuple[int, int] | None
    drop_at: float


class Connection(asyncio.Protocol):
    """Reads requests and has them answered, one after the other. `uvicorn.Server` makes one for each caller.

    A POST begins at the end of the `turn` that read it, and becomes a task only where it has to wait: until then
    there is no current task. Most polls are answered before that.
    """

    def __init__(
        self, config: uvicorn.Config, server_state: ServerState, *, crowd: Crowd, turn: Turn, **_: Any
    ) -> None:
        self._app = cast("App", config.loaded_app)
        self._crowd = crowd
        self._turn = turn
        self.server = server_state
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        # What comes after a request that closes the connection is not read; it is no reason to refuse the request.
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._url = b""
        self._headers: list[Header] = []
        self._is_in_head = True
        self._is_idle = False
        self._head_bytes = 0
        self._trailer_bytes = 0
        self._is_long_read = False
        self._is_paused = False
        self._latest: Exchange | None = None
        self._fresh: Exchange | None = None
        self._open: deque[Exchange] = deque()
        self._answers = 0
        self._pieces = 0
        self.behind: asyncio.Event | None = None

    # --- what the transport tells ---------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self.transport = cast("asyncio.Transport", transport)
        self._addresses = _address(transport, "sockname"), _address(transport, "peername")
        self.server.connections.add(cast("Any", self))
        self._crowd.join(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        del exc
        self.server.connections.discard(cast("Any", self))
        self._crowd.leave(self)
        self._is_idle = False
        for exchange in self._open:
            exchange.hang_up()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`. Headers that go on and on are not read to their end."""
        self._is_idle = False
        self._is_long_read = len(data) > MAX_HEAD_BYTES
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # Answered as if nobody had asked for another protocol.
        except httptools.HttpParserError:
            self._refuse(b"Invalid HTTP request received.")
            return
        if self._fresh is not None:
            self._turn.join(self)
        if not self._is_in_head:
            self._head_bytes = 0
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(b"The headers are too large.")

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self.behind = asyncio.Event()

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        if self.behind is not None:
            self.behind.set()
            self.behind = None

    def shutdown(self) -> None:
        """Take no further request: `uvicorn.Server` is about to end."""
        if self._open:
            self._open[-1].keep_alive = False
        else:
            self.transport.close()

    # --- what the parser tells ------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._url = b""
        self._headers = []
        self._is_in_head = True

    def on_url(self, url: bytes) -> None:
        """A piece of the request's target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer: of those nothing is kept, as what they say would come after it was looked at."""
        if not self._is_in_head:
            self._trailer_bytes += len(name) + len(value) + len(": \r\n")
            if self._trailer_bytes > MAX_HEAD_BYTES:
                raise ValueError("the trailers are too large")
            return
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """A request whose body is still to come, if it has one."""
        if self._is_long_read and sum(len(name) + len(value) for name, value in self._headers) > MAX_HEAD_BYTES:
            raise ValueError("the headers are too large")
        parser = self._parser
        version = parser.get_http_version()
        if version not in _VERSIONS:
            raise ValueError("the version is another one")
        pairs = self._headers
        headers = Headers(pairs)
        if len(headers) != len(pairs):
            headers.repeated = repeated_in(pairs)
        if b"transfer-encoding" in headers and not self._is_chunked(version):
            raise ValueError("the only encoding is chunked")
        path, query = _split(self._url)
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": _ASGI,
            "http_version": version,
            "method": parser.get_method().decode("ascii"),
            "scheme": "http",
            "path": path,
            "query_string": query,
            "root_path": "",
            "headers": pairs,
            HEADERS: headers,
            "server": self._addresses[0],
            "client": self._addresses[1],
        }
        exchange = self._latest = Exchange(self, scope, version != "1.0" and parser.should_keep_alive())
        self._is_in_head = False
        self._trailer_bytes = 0
        self._crowd.waiting.pop(self, None)
        self._open.append(exchange)
        if len(self._open) > 1:
            self.pause_reading()
        elif scope["method"] == "POST":
            self._fresh = exchange
        else:
            self._begin_apart(exchange)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if self._latest is not None and not self._latest.is_over and self._latest.take(body) > UNREAD_BYTES:
            self.pause_reading()

    def on_message_complete(self) -> None:
        """The end of a request."""
        if self._latest is not None:
            self._latest.take_end()

    # --- what the turn asks ---------------------------------------------------------------------------------------

    def begin_fresh(self) -> None:
        """Begin the POST that was just read, unless that is done."""
        exchange, self._fresh = self._fresh, None
        if exchange is None:
            return
        work = exchange.run(_too_busy if self._crowd.is_full else self._app)
        try:
            awaited = work.send(None)
        except StopIteration:
            return
        self._keep(self._loop.create_task(_finish(work, awaited)))

    # --- what an exchange asks ------------------------------------------------------------------------------------

    def pause_reading(self) -> None:
        """Let the caller wait with what it still has to send."""
        if not self._is_paused:
            self._is_paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Go on."""
        if self._is_paused:
            self._is_paused = False
            self.transport.resume_reading()

    async def writable(self) -> None:
        """Wait until the caller has taken most of what was written."""
        while self.behind is not None:
            self._pieces += 1
            await self.behind.wait()

    def answered(self, exchange: Exchange) -> None:
        """Go on with the next request where it is there already. An idle connection is left to the sweep."""
        self._answers += 1
        self._open.popleft()
        if not exchange.keep_alive:
            self.transport.close()
        if self.transport.is_closing():
            return
        if self._is_paused:
            self.resume_reading()
        if self._open:
            self._begin_apart(self._open[0])
        else:
            self._is_idle = True
            self._crowd.waiting[self] = None

    # --- what the sweep asks --------------------------------------------------------------------------------------

    def standing(self, before: Standing | None, now: float) -> Standing:
        """What is waited for now, with the patience that is left where it is still the same thing."""
        awaited, patience = self._awaited()
        if before is not None and before.awaited == awaited:
            return before
        return Standing(awaited, now + patience)

    def drop(self) -> None:
        """Waste no more time on the caller: what an idle connection has still to send is sent."""
        if self._is_idle:
            self.transport.close()
        else:
            self.transport.abort()

    def _awaited(self) -> tuple[tuple[int, int] | None, float]:
        """What has to move next, and in how many seconds; None where it is not the caller's turn."""
        answers, latest = self._answers, self._latest
        if self._is_in_head or latest is None:
            return (answers, 0), HEADERS_DEADLINE
        if self._is_idle:
            return (answers, -1), KEEP_ALIVE
        if latest.is_over:
            return (answers, 1), HEADERS_DEADLINE
        if self.behind is not None:
            return (answers, 2 + self._pieces), PIECE_DEADLINE
        if latest.more_body:
            return (answers, 0), LARGE_BODY_DEADLINE if latest.announces_much() else BODY_DEADLINE
        return None, math.inf

    # --------------------------------------------------------------------------------------------------------------

    def _is_chunked(self, version: str) -> bool:
        """Whether that is the only encoding of the body, and there may be one."""
        encodings = (value.lower() for name, value in self._headers if name == b"transfer-encoding")
        return version == "1.1" and all(encoding == b"chunked" for encoding in encodings)

    def _begin_apart(self, exchange: Exchange) -> None:
        app = _too_busy if self._crowd.is_full else self._app
        self._keep(self._loop.create_task(exchange.run(app)))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self.server.tasks.add(task)
        task.add_done_callback(self.server.tasks.discard)

    def _refuse(self, sentence: bytes) -> None:
        """Answer what is no request, unless it would be taken for the answer to one that came before it."""
        is_in_body = self._latest is not None and self._latest.more_body
        if self._open and not is_in_body:
            self._open[-1].keep_alive = False
            self.pause_reading()
            self.begin_fresh()
            return
        self._fresh = None
        if not is_in_body or (self._open and not self._open[0].has_begun):
            self.transport.write(last_answer(400, sentence))
        self.transport.close()


async def _finish(work: Coroutine[Any, Any, None], awaited: Any) -> None:
    """See `_rest`, as what tasks are made of."""
    await _rest(work, awaited)


@types.coroutine
def _rest(work: Coroutine[Any, Any, None], awaited: Any) -> Generator[Any, Any, None]:
    """What is left of a coroutine that waits for `awaited`."""
    while True:
        try:
            try:
                answer = yield awaited
            except BaseException as error:
                awaited = work.throw(error)
            else:
                awaited = work.send(answer)
        except StopIteration:
            return


async def _too_busy(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers for the application where there are too many connections."""
    del receive
    await send_reply(send, Reply(503, b"Service Unavailable", [_PLAIN_TEXT, CLOSE]), method=scope["method"])


def _address(transport: asyncio.BaseTransport, end: str) -> tuple[str, int] | None:
    found = transport.get_extra_info(end)
    return (found[0], found[1]) if isinstance(found, tuple) else None


@lru_cache(maxsize=64)
def _split(target: bytes) -> tuple[str, bytes]:
    """The path and the query of a request's target, which may be a whole address."""
    if target.startswith(b"/"):
        path, _, query = target.partition(b"?")
    else:
        parsed = httptools.parse_url(target)
        path, query = parsed.path or b"/", parsed.query or b""
    written = path.decode("ascii")
    return unquote(written) if "%" in written else written, query
