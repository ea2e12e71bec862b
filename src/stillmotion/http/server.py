"""uvicorn on a bound socket, made less patient with slow callers and more sparing with packets."""

import asyncio
import contextlib
import resource
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from stillmotion.http.asgi import App

HEADERS_DEADLINE = 10.0
"""Seconds from the first byte of a request, or from the connection where none comes, to the end of its headers."""

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
_SWEEP_SECONDS = 1.0


class HttpServer:
    """The application on a socket that listens already. Signals are left to the caller, who calls `stop`."""

    def __init__(self, app: App, listener: socket.socket, shutdown_seconds: int = SHUTDOWN_SECONDS) -> None:
        self._listener = listener
        self.host: str = listener.getsockname()[0]
        self.port: int = listener.getsockname()[1]
        self._server = _Uvicorn(
            uvicorn.Config(
                app,  # type: ignore[arg-type]  # uvicorn's own names for the same ASGI types
                http=Connection,
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
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

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
        """Drop connections whose request does not come along."""
        now = asyncio.get_running_loop().time
        waiting: dict[Connection, tuple[object, float]] = {}
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            connections = (each for each in self._server.server_state.connections if isinstance(each, Connection))
            still: dict[Connection, tuple[object, float]] = {}
            for connection in connections:
                expected = connection.awaited()
                if expected is None:
                    continue
                part, patience = expected
                known, since = waiting.get(connection, (None, now()))
                still[connection] = (part, since if known is part else now())
                if now() - still[connection][1] > patience:
                    connection.transport.abort()
            waiting = still


def make_server(app: App, host: str, port: int, shutdown_seconds: int = SHUTDOWN_SECONDS) -> HttpServer:
    """Bind and listen, on a free port where `port` is 0. Raises `OSError` where the address cannot be had."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return HttpServer(app, listener, shutdown_seconds)


class Connection(HttpToolsProtocol):
    """uvicorn's connection, whose answers leave with head and body in one packet."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.Protocol`."""
        super().connection_made(_OnePacket(transport, self.loop))

    def awaited(self) -> tuple[object, float] | None:
        """The part of a request that is still to come, as an identity, and the seconds it may take; None for none."""
        if self.scope is None:
            return self, HEADERS_DEADLINE
        if self.cycle is None or self.cycle.scope is not self.scope:
            return self.scope, HEADERS_DEADLINE
        if self.cycle.more_body and not self.cycle.response_complete:
            return self.cycle, LARGE_BODY_DEADLINE if self._announces_much() else BODY_DEADLINE
        return None

    def _announces_much(self) -> bool:
        lengths = [value for name, value in self.headers if name == b"content-length"]
        return not lengths or int(lengths[0]) > LARGE_BODY


class _OnePacket(asyncio.Transport):
    """Holds an answer's head back until its body comes, for one turn of the loop at most."""

    __slots__ = ("_head", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""

    def write(self, data: Any) -> None:
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(b"HTTP/1.1 "):
            self._head = data
            self._loop.call_soon(self._flush)
            return
        self._transport.write(data)

    def _flush(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        self._head = b""
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()


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
