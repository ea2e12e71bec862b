"""One request and its answer: the body as it comes, the answer as bytes."""

import asyncio
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Protocol

import structlog
from uvicorn.server import ServerState

from stillmotion.http.asgi import EXCHANGE, App, Header, Message, Scope, lines_of

LARGE_BODY = 64 * 1024
"""From how many bytes on a body has longer to come."""

_LOG = structlog.get_logger("stillmotion.http")
_STATUS_LINES: Mapping[int, bytes] = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("ascii") for status in HTTPStatus
}
_BODILESS = frozenset({204, 304})
_LENGTH = b"\r\ncontent-length: "
_CLOSE = b"connection: close\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Line(Protocol):
    """What an exchange needs of its connection."""

    transport: asyncio.Transport
    server: ServerState
    behind: asyncio.Event | None

    def resume_reading(self) -> None:
        """Go on reading what the caller sends."""
        ...

    async def writable(self) -> None:
        """Wait until the caller has taken most of what was written."""
        ...

    def answered(self, exchange: "Exchange") -> None:
        """The exchange is over: go on with the next."""
        ...


class Exchange:
    """A request and its answer. `is_over` once it is answered, or nobody is there to be answered."""

    is_over = False
    more_body = True
    _body: bytes | bytearray = b""
    _has_news = False
    _news: asyncio.Event | None = None
    _start: Message | None = None
    _started = False
    _may_continue = False
    _is_chunked = False
    _left = 0

    def __init__(self, connection: Line, scope: Scope, keep_alive: bool) -> None:
        self._connection = connection
        self._scope = scope
        self._headers: list[Header] = scope["headers"]
        self._is_head = scope["method"] == "HEAD"
        self.keep_alive = keep_alive

    @property
    def has_begun(self) -> bool:
        """Whether some of the answer was sent."""
        return self._started

    # --- the request ----------------------------------------------------------------------------------------------

    def take(self, piece: bytes) -> int:
        """Keep a piece of the body; how many bytes are unread now."""
        if not self._body:
            self._body = piece
        else:
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += piece
        self._has_news = True
        if self._news is not None:
            self._tell()
        return len(self._body)

    def take_end(self) -> None:
        """The body is whole."""
        self.more_body = False
        self._has_news = True
        if self._news is not None:
            self._tell()

    def hang_up(self) -> None:
        """The caller is gone."""
        self.is_over = True
        self._tell()

    def announces_much(self) -> bool:
        """Whether the body is large by its own account, or says nothing of its length."""
        lengths = [value for name, value in self._headers if name == b"content-length"]
        return not lengths or int(lengths[0]) > LARGE_BODY

    def _tell(self) -> None:
        self._has_news = True
        if self._news is not None:
            self._news.set()
            self._news = None

    def whole_body(self, most: int) -> bytes | None:
        """See `Whole`."""
        body = self._body
        if self.more_body or self.is_over or len(body) > most or not self._has_news:
            return None
        self._body, self._has_news = b"", False
        return bytes(body)

    async def receive(self) -> Message:
        """See ASGI: the body so far, or that nobody waits for more of the answer."""
        if not (self._has_news or self.is_over):
            await self._wait()
        if self.is_over:
            return {"type": "http.disconnect"}
        self._has_news = False
        body, self._body = self._body, b""
        return {"type": "http.request", "body": bytes(body), "more_body": self.more_body}

    async def _wait(self) -> None:
        if self.more_body and not self._started and not self._may_continue:
            self._may_continue = True
            if any(name == b"expect" and value.lower() == b"100-continue" for name, value in self._headers):
                self._connection.transport.write(_CONTINUE)
        self._connection.resume_reading()
        if self._news is None:
            self._news = asyncio.Event()
        await self._news.wait()

    # --- the answer -----------------------------------------------------------------------------------------------

    async def run(self, app: App) -> None:
        """Have the application answer. Where it does not, the caller is told so as far as that is still possible."""
        scope, self._scope = self._scope, {}  # The two would hold each other, and be left to the garbage collector.
        scope[EXCHANGE] = self
        try:
            await app(scope, self.receive, self.send)
        except Exception as error:
            _LOG.error("answer_failed", path=scope["path"], exc_info=error)
        finally:
            if not self.is_over:
                self._give_up()

    async def answer(self, status: int, lines: bytes, body: bytes) -> None:
        """See `Whole`."""
        connection = self._connection
        if connection.behind is not None:
            await connection.writable()
        if self.is_over:
            return
        if self._is_head:
            body = b""
        if not self.keep_alive or _CLOSE in lines:
            lines = self._closing(lines)
        first = _first_lines(tuple(connection.server.default_headers))
        self._started = True
        connection.transport.write(b"".join((_STATUS_LINES[status], first, lines, b"\r\n", body)))
        self.is_over = True
        if self._news is not None:
            self._tell()
        connection.answered(self)

    async def send(self, message: Message) -> None:
        """See ASGI. A whole answer is written at once."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        connection = self._connection
        if connection.behind is not None:
            await connection.writable()
        if self.is_over:
            await asyncio.sleep(0)  # An application that only sends would never hear that nobody is there.
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        if self._started:
            connection.transport.write(self._piece(body, more))
        else:
            connection.transport.write(self._beginning(body, more))
        if not more:
            self._end()

    def _beginning(self, body: bytes, more: bool) -> bytes:
        if self._start is None:
            raise RuntimeError("an answer begins with its head")
        status, headers = self._start["status"], self._start["headers"]
        first, lines = _first_lines(tuple(self._connection.server.default_headers)), lines_of(headers)
        if not self.keep_alive or _CLOSE in lines:
            lines = self._closing(lines)
        head = b"".join((_STATUS_LINES[status], first, lines))
        if self._is_head or status in _BODILESS:
            body = b""
        elif _LENGTH in head:
            self._left = _length(headers) - len(body) if more else 0
        elif more:
            self._is_chunked = True
            head += b"transfer-encoding: chunked\r\n"
            body = _chunk(body)
        else:
            head += b"content-length: %d\r\n" % len(body)
        self._started = True
        return b"".join((head, b"\r\n", body))

    def _closing(self, lines: bytes) -> bytes:
        """The lines of an answer after which the connection is closed, as they say or because it has to be."""
        self.keep_alive = False
        return lines if _CLOSE in lines else lines + _CLOSE

    def _piece(self, body: bytes, more: bool) -> bytes:
        if self._is_chunked:
            return _chunk(body) if more else _chunk(body) + b"0\r\n\r\n"
        if self._is_head:
            return b""
        self._left -= len(body)
        if self._left < 0:
            raise ValueError("an answer is longer than it said")
        return body

    def _end(self) -> None:
        if self._left:
            self.keep_alive = False  # The caller must not take the next answer for the rest of this one.
        self.is_over = True
        if self._news is not None:
            self._tell()
        self._connection.answered(self)

    def _give_up(self) -> None:
        """Nothing more comes: the caller gets to know by an answer, or by the end of the connection."""
        self.keep_alive = False
        if not self._started:
            self._connection.transport.write(last_answer(500, b"Internal Server Error"))
        self._end()


@lru_cache(maxsize=1)
def _first_lines(headers: tuple[Header, ...]) -> bytes:
    """What every answer begins with: it changes once a second."""
    return lines_of(headers)


def _length(headers: list[Header]) -> int:
    return next(int(value) for name, value in headers if name == b"content-length")


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""


def last_answer(status: int, sentence: bytes) -> bytes:
    """An answer after which the connection is closed."""
    headers = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
    return _STATUS_LINES[status] + headers % len(sentence) + sentence
