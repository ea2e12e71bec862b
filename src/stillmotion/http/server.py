"""uvicorn on a bound socket, with connections of our own, and a sweep that drops those on which nothing moves."""

import asyncio
import contextlib
import resource
import socket
from collections.abc import Iterator
from functools import partial
from typing import Any, cast

import uvicorn

from stillmotion.http.asgi import App
from stillmotion.http.connection import Connection, Standing
from stillmotion.http.crowd import Crowd
from stillmotion.http.turn import Turn

SHUTDOWN_SECONDS = 8
"""How long requests under way may still take after `stop`: with what uvicorn adds, under ten seconds."""

BACKLOG = 2048
SPARE_FILES = 128
"""File descriptors kept for everything but connections."""

MAX_CONNECTIONS = 10_000
SWEEP_SECONDS = 1.0


class HttpServer:
    """The application on a socket that listens already. Signals are left to the caller, who calls `stop`."""

    def __init__(self, app: App, listener: socket.socket, shutdown_seconds: int = SHUTDOWN_SECONDS) -> None:
        self._listener = listener
        most = min(MAX_CONNECTIONS, _allow_many_files() - SPARE_FILES)
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                http=cast("Any", partial(Connection, crowd=Crowd(most), turn=Turn())),
                interface="asgi3",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=shutdown_seconds,
                limit_concurrency=most,
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

    def stop(self, within: int | None = None) -> None:
        """Take no more connections, finish what is under way, then let `serve` return.

        `within` are the seconds for that, where they are other than what it was made with.
        """
        if within is not None:
            self._server.config.timeout_graceful_shutdown = within
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
