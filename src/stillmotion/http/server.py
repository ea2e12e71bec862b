"""uvicorn on a bound socket, made less patient with slow callers and more sparing with packets."""

import asyncio
import contextlib
import math
import resource
import socket
import types
from collections.abc import Coroutine, Generator, Iterator
from dataclasses import dataclass
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from stillmotion.http.asgi import CLOSE, App, Header

HEADERS_DEADLINE = 10.0
"""Seconds from the first byte of a request, or from the connection where none comes, to the end of its headers."""

MAX_HEAD_BYTES = 64 * 1024

BODY_DEADLINE = 20.0
LARGE_BODY_DEADLINE = 120.0
LARGE_BODY = 64 * 1024
"""Seconds for a body to come, and from how many bytes on it has longer."""

KEEP_ALIVE = 15
"""Seconds that a connection may wait for its next request: longer than the pause between two polls."""

SHUTDOWN_SECONDS = 8
"""How long requests under way may still take after `stop`: with what uvicorn adds, under ten seconds."""

BACKLOG = 2048
SPARE_FILES = 128
"""File descriptors kept for everything but connections."""

MAX_CONNECTIONS = 10_000
SWEEP_SECONDS = 1.0

PIECE_DEADLINE = 60.0
"""Seconds for a piece of a download to be taken, once the caller has fallen behind."""


class HttpServer:
    """The application on a socket that listens already. Signals are left to the caller, who calls `stop`."""

    def __init__(self, app: App, listener: socket.socket, shutdown_seconds: int = SHUTDOWN_SECONDS) -> None:
        self._listener = listener
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                http=Connection,
                interface="asgi3",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE,
                timeout_graceful_shutdown=shutdown_seconds,
                limit_concurrency=min(MAX_CONNECTIONS, _allow_many_files() - SPARE_FILES),
            )
        )

    @property
    def url(self) -> str:
        """Where a caller on this machine reaches it."""
        return url_of(self._listener)

    async def serve(self) -> None:
        """Answer until `stop` is called and what was under way is finished."""
        sweeping = asyncio.create_task(self._sweep())
        try:
            await self._server.serve([self._listener])
        finally:
            sweeping.cancel()

    def stop(self) -> None:
        """Take no more connections, finish what is under way, then let `serve` return."""
        self._server.should_exit = True

    async def _sweep(self) -> None:
        """Drop connections on which nothing moves any more."""
        now = asyncio.get_running_loop().time
        standing: dict[Connection, Standing] = {}
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            connections = [each for each in self._server.server_state.connections if isinstance(each, Connection)]
            standing = {each: each.standing(standing.get(each), now()) for each in connections}
            for connection, stands in standing.items():
                if now() > stands.drop_at:
                    connection.drop()


@dataclass(frozen=True, slots=True)
class Standing:
    """What a connection waits for, as something to compare, and when that must have come."""

    awaited: tuple[int, int] | None
    drop_at: float


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens, on a free port where `port` is 0. Raises `OSError` where the address cannot be had."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    """Where a caller on this machine reaches a listening socket."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - replaced here, not bound to
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Connection(HttpToolsProtocol):
    """uvicorn's connection, that knows what it waits for and sends a short answer in one packet.

    A POST begins as soon as the bytes it came with are read, and becomes a task only where it has to wait: until then
    there is no current task. Most polls are answered before that.
    """

    pieces = 0
    head_bytes = 0
    answers = 0
    _is_idle = False
    _is_reading = False
    _next: tuple[RequestResponseCycle, Any] | None = None

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`. Headers that go on and on are not read to their end."""
        self._is_idle = False
        self._is_reading = True
        super().data_received(data)
        self._is_reading = False
        if self._next is not None:
            (cycle, app), self._next = self._next, None
            self._begin(cycle.run_asgi(app))
        if self._in_head():
            self.head_bytes += len(data)
            if self.head_bytes > MAX_HEAD_BYTES:
                self.send_400_response("The headers are too large.")
        else:
            self.head_bytes = 0

    def on_response_complete(self) -> None:
        """Go on with the next request where it is there already. An idle connection is left to the sweep."""
        self.answers += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._is_idle = True

    def drop(self) -> None:
        """Waste no more time on the caller: what an idle connection has still to send is sent."""
        if self._is_idle:
            self.transport.close()
        else:
            self.transport.abort()

    def standing(self, before: Standing | None, now: float) -> Standing:
        """What is waited for now, with the patience that is left where it is still the same thing."""
        awaited, patience = self._awaited()
        if before is not None and before.awaited == awaited:
            return before
        return Standing(awaited, now + patience)

    def _awaited(self) -> tuple[tuple[int, int] | None, float]:
        """What has to move next, and in how many seconds; None where it is not the caller's turn."""
        answers, cycle = self.answers, self.cycle
        if self._in_head():
            return (answers, 0), HEADERS_DEADLINE
        if self._is_idle:
            return (answers, -1), KEEP_ALIVE
        if cycle.response_complete:
            return (answers, 1), HEADERS_DEADLINE
        if self.flow.write_paused:
            return (answers, 2 + self.pieces), PIECE_DEADLINE
        if cycle.more_body:
            return (answers, 0), LARGE_BODY_DEADLINE if self._announces_much() else BODY_DEADLINE
        return None, math.inf

    def _in_head(self) -> bool:
        """Whether a request's headers are still to come, or none has come yet."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.scope is not self.scope

    def _announces_much(self) -> bool:
        lengths = [value for name, value in self.headers if name == b"content-length"]
        return not lengths or int(lengths[0]) > LARGE_BODY

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        run = _Exchange(self, cycle, app).run
        if self._is_reading and cycle.scope["method"] == "POST":
            self._next = cycle, run
        else:
            super()._start_asgi_task(cycle, run)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            awaited = work.send(None)
        except StopIteration:
            return
        task = self.loop.create_task(_rest(work, awaited))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)


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


class _Exchange:
    """One request and its answer: a whole one is written at once, anything else goes uvicorn's way."""

    __slots__ = ("_app", "_connection", "_cycle", "_start")

    def __init__(self, connection: Connection, cycle: RequestResponseCycle, app: App) -> None:
        self._connection = connection
        self._cycle = cycle
        self._app = app
        self._start: Any = None

    async def run(self, scope: Any, receive: Any, send: Any) -> None:
        del send
        await self._app(scope, receive, self.send)

    async def send(self, message: Any) -> None:
        cycle = self._cycle
        if message["type"] == "http.response.start":
            self._start = message
            return
        start, self._start = self._start, None
        if start is None:
            self._connection.pieces += 1
            await cycle.send(message)
        elif message.get("more_body", False) or cycle.scope["method"] == "HEAD" or cycle.flow.write_paused:
            await cycle.send(start)
            await cycle.send(message)
        elif not cycle.disconnected:
            self._write(start["status"], start["headers"], message.get("body", b""))

    def _write(self, status: int, headers: list[Header], body: bytes) -> None:
        """Send an answer whose headers say how long it is, and do what uvicorn does at an answer's end."""
        cycle = self._cycle
        if CLOSE in headers:
            cycle.keep_alive = False
        elif not cycle.keep_alive:
            headers = [*headers, CLOSE]
        pieces = [STATUS_LINE[status]]
        for name, value in (*cycle.default_headers, *headers):
            pieces += name, b": ", value, b"\r\n"
        head = b"".join(pieces)
        if not head.count(b"\n") == head.count(b"\r") == len(pieces) // 4 + 1:
            raise ValueError("a header holds a line break")
        cycle.response_started = True
        cycle.transport.write(b"".join((head, b"\r\n", body)))
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()


class _Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever started the server."""
        yield


def _allow_many_files() -> int:
    """Raise the soft limit of open files to the hard one, where that is allowed, and say what it is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else max(soft, MAX_CONNECTIONS + SPARE_FILES)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
