"""HTTP server: aiohttp's low-level server with deadlines, limits and a graceful end. The protocol is all aiohttp's.

https://docs.aiohttp.org/en/stable/web_lowlevel.html
"""

import asyncio
import contextlib
import resource
import socket
from itertools import chain
from typing import Any

import structlog
from aiohttp import HttpVersion10, HttpVersion11, hdrs, web
from aiohttp.web_protocol import RequestHandler

from stillmotion.http.server.connection_limit import ConnectionLimit
from stillmotion.http.server.replies import JSON_TYPE, NO_STORE, Handler, Refusing, Reply, refuse_plainly
from stillmotion.http.server.request import DEADLINES, LARGE_BODY, ClientGone, Deadlines, Request

SHUTDOWN_SECONDS = 8
"""Time for the requests under way after `stop`."""

BACKLOG = 2048
SPARE_FILES = 128
"""File descriptors kept for everything but connections."""

MAX_CONNECTIONS = 10_000

MAX_HEAD_BYTES = 64 * 1024
"""Bytes of a request line and all headers together."""

MAX_LINE_BYTES = MAX_HEAD_BYTES
"""Bytes of the request line, and of each header. A longer one is not read to its end."""

MAX_HEADERS = 100

LINGER_SECONDS = 5.0
"""Time for which the rest of a refused body is read and dropped, so that its sender reads the refusal."""

_LOG = structlog.get_logger("stillmotion.http")


class HttpServer:
    """HTTP server of a handler on a listening socket. It handles no signals: its caller calls `stop`."""

    def __init__(
        self,
        handler: Handler,
        listener: socket.socket,
        shutdown_seconds: float = SHUTDOWN_SECONDS,
        deadlines: Deadlines = DEADLINES,
        most: int = MAX_CONNECTIONS,
        refusing: Refusing = refuse_plainly,
    ) -> None:
        self._handler = handler
        self._refusing = refusing
        self._listener = listener
        self._shutdown_seconds = shutdown_seconds
        self._deadlines = deadlines
        self._limit = ConnectionLimit(min(most, _allow_many_files() - SPARE_FILES))
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def url(self) -> str:
        """The base URL for callers on this machine."""
        return url_of(self._listener)

    async def serve(self) -> None:
        """Serve until `stop` is called and the requests under way are finished."""
        self._loop = asyncio.get_running_loop()
        server = _Connections(
            self._answer,
            self._limit,
            self._deadlines,
            self._refusing,
            access_log=None,
            keepalive_timeout=self._deadlines.head,
            lingering_time=LINGER_SECONDS,
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_LINE_BYTES,
            max_headers=MAX_HEADERS + 1,
            auto_decompress=False,
        )
        listening = await self._loop.create_server(server, sock=self._listener, backlog=BACKLOG)
        await self._stop.wait()
        listening.close()
        await asyncio.sleep(0)  # Requests that were just read begin.
        server.pre_shutdown()
        # aiohttp waits this long for answers, and as long again for what it has cancelled.
        await server.shutdown(self._shutdown_seconds / 2)

    def stop(self, within: float | None = None) -> None:
        """Take no more connections, finish the requests under way, and let `serve` return. Any thread may call it.

        `within` are the seconds for that, in place of `shutdown_seconds`.
        """
        if within is not None:
            self._shutdown_seconds = within
        if self._loop is None:
            self._stop.set()
        elif not self._stop.is_set():
            self._loop.call_soon_threadsafe(self._stop.set)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer aiohttp's request. Nothing but `CancelledError` is raised."""
        assert isinstance(request, Request)
        connection = request.protocol
        self._limit.begin(connection)
        try:
            refusal = _TOO_BUSY if self._limit.is_exceeded else refused_head(request)
            response = await self._handler(request) if refusal is None else self._refusing(request, refusal)
            if _may_blur_the_next(request):
                response.force_close()
            return await _sent(request, response) if _has_to_wait(request, response) else response
        except ClientGone:
            return web.Response()
        except Exception as error:
            _LOG.error("answer_failed", path=request.route, exc_info=error)
            if request.writer.output_size:
                request.cut()  # Half an answer must not look whole.
            return self._refusing(request, _FAILED)
        finally:
            self._limit.end(connection)


class _Connections(web.Server):
    """aiohttp's server with our requests, the limit of connections, and a deadline for unread answers."""

    def __init__(
        self, handler: Any, limit: ConnectionLimit, deadlines: Deadlines, refusing: Refusing, **options: Any
    ) -> None:
        super().__init__(handler, request_factory=self._new_request)
        self._refusing = refusing
        self._options = options
        self._limit = limit
        self._deadlines = deadlines

    def __call__(self) -> RequestHandler:
        """See `web.Server`."""
        connection = _Connection(self, loop=asyncio.get_running_loop(), **self._options)
        connection.refusing = self._refusing
        return connection

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """See `web.Server`."""
        super().connection_made(handler, transport)
        self._limit.join(handler, transport)
        _give_up_unread(transport, self._deadlines.piece)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """See `web.Server`."""
        super().connection_lost(handler, exc)
        self._limit.leave(handler)

    def _new_request(self, *parts: Any) -> Request:
        request = Request(*parts, self._loop)
        request.deadlines = self._deadlines
        return request


def _may_blur_the_next(request: Request) -> bool:
    """True if aiohttp's parser may misread the bytes behind a request, so that the connection has to end after it.

    As of 3.14 the last trailer of a chunked body becomes a header of the next request. The bytes behind an unknown
    `Upgrade` in the same read are dropped, so that the body of a dropped head would be read as a request (smuggling).
    """
    return hdrs.TRANSFER_ENCODING in request.headers or hdrs.UPGRADE in request.headers


class _Connection(RequestHandler):
    """aiohttp's connection. Its answer to a broken request repeats neither its version nor the broken bytes."""

    __slots__ = ("refusing",)
    refusing: Refusing

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """See `RequestHandler`. Answer bytes that are no request; our own handler raises nothing."""
        del status, exc, message
        if request.writer.output_size:
            raise ConnectionResetError("The answer has begun already")
        return self.refusing(request, _NO_REQUEST)


def refused_head(request: Request) -> Reply | None:
    """The refusal of a request that is not HTTP/1 or has too large a head; None for a good one.

    aiohttp's parser has already refused bad syntax, a missing or repeated Host, and a body with two lengths.
    """
    headers = request.raw_headers
    if len(headers) > MAX_HEADERS:
        return _malformed(431, f"A request has {MAX_HEADERS} headers at most")
    if len(request.raw_path) + sum(map(len, chain.from_iterable(headers))) > MAX_HEAD_BYTES:
        return _malformed(431, f"A request line and headers have {MAX_HEAD_BYTES} bytes at most together")
    version = request.version
    if version not in (HttpVersion11, HttpVersion10):
        return _malformed(505, "HTTP/1.1 is spoken here")
    encodings = request.headers.getall(hdrs.TRANSFER_ENCODING, ())
    if encodings and (version == HttpVersion10 or [each.lower() for each in encodings] != ["chunked"]):
        return _malformed(400, "The only Transfer-Encoding is chunked, in HTTP/1.1")
    if request.method == "CONNECT":
        return _malformed(501, "This is no proxy")
    return None


def _malformed(status: int, sentence: str) -> Reply:
    return Reply(status, b'{"error":"%b"}' % sentence.encode("ascii"), [JSON_TYPE, NO_STORE], closes=True)


_NO_REQUEST = _malformed(400, "This is no request of HTTP/1.1")
_TOO_BUSY = _malformed(503, "There are too many connections, please try again later")
_FAILED = _malformed(500, "An unexpected error occurred, please try again later")


def _has_to_wait(request: Request, response: web.StreamResponse) -> bool:
    """True if too many bytes would wait for the caller: the answer's, and those of unread answers before it."""
    body = response.body if isinstance(response, web.Response) else None
    waiting = 0 if request.transport is None else request.transport.get_write_buffer_size()
    return waiting + (len(body) if isinstance(body, bytes) else 0) > LARGE_BODY


async def _sent(request: Request, response: web.StreamResponse) -> web.StreamResponse:
    """Send an answer within a deadline. aiohttp has none."""
    try:
        async with asyncio.timeout(request.deadlines.piece):
            await response.prepare(request)
            await response.write_eof()
    except TimeoutError:
        request.cut()
    except ConnectionError:
        pass
    return response


def _give_up_unread(transport: asyncio.Transport, seconds: float) -> None:
    """Set the kernel's timeout for unacknowledged bytes (`TCP_USER_TIMEOUT`), which also ends closed connections."""
    connection = transport.get_extra_info("socket")
    if connection is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, on a free port if `port` is 0. Raises `OSError` if the address is not available."""
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
    """The base URL of a listening socket for callers on this machine."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - replaced here, not bound to
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _allow_many_files() -> int:
    """Raise the soft limit of open files to the hard one, if that is allowed. The answer is the new limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else max(soft, MAX_CONNECTIONS + SPARE_FILES)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
