"""HTTP load over kept-alive connections: requests are made beforehand, and of an answer only the needed part is read.

The loader has to cost much less than the servers it measures: one protocol object a connection, no headers parsed
but `content-length`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import cast

_LENGTH = b"content-length:"


class BadAnswer(Exception):
    """A server hung up, or answered other than 200; the message holds its words."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came: the status, the head up to the blank line, the body."""

    status: int
    head: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Address:
    """A server's address."""

    host: str
    port: int


def post(path: str, body: bytes, headers: Iterable[tuple[str, str]] = ()) -> bytes:
    """The bytes of a JSON request, the way small HTTP clients send it."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def get(path: str) -> bytes:
    """The bytes of a request without a body."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


class Connection(asyncio.Protocol):
    """One kept-alive connection: a request at a time."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._take: Callable[[Answer], None] | None = None
        self._end = -1
        self._head_end = -1

    async def ask(self, request: bytes) -> Answer:
        """Send a request and wait for its answer. Raises `BadAnswer` where the server hangs up."""
        if self._transport is None or self._transport.is_closing():
            raise BadAnswer("the server had closed the connection")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def send(self, request: bytes, take: Callable[[Answer], None]) -> None:
        """Send a request; `take` is called with its answer. Nobody waits, so it costs less than `ask`."""
        if self._transport is None or self._transport.is_closing():
            raise BadAnswer("the server had closed the connection")
        self._take = take
        self._transport.write(request)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        received = self._received
        received += data
        if self._end < 0 and not self._find_end():
            return
        if len(received) < self._end:
            return
        head, body = bytes(received[: self._head_end]), bytes(received[self._head_end + 4 : self._end])
        del received[: self._end]
        self._end = -1
        answer = Answer(int(head[9:12]), head, body)
        if self._take is not None:
            self._take(answer)
        elif self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(BadAnswer(f"the server hung up: {exc or 'end of stream'}"))

    def _find_end(self) -> bool:
        """True once the head is there, and with it the answer's end is known."""
        self._head_end = self._received.find(b"\r\n\r\n")
        if self._head_end < 0:
            return False
        start = self._received.lower().find(_LENGTH, 0, self._head_end)
        length = 0 if start < 0 else int(self._received[start + len(_LENGTH) :].split(b"\r\n", 1)[0])
        self._end = self._head_end + 4 + length
        return True


@asynccontextmanager
async def connected(address: Address, count: int) -> AsyncIterator[list[Connection]]:
    """`count` connections to a server, closed at the end."""
    loop = asyncio.get_running_loop()
    connections: list[Connection] = []
    try:
        for _ in range(count):
            _, connection = await loop.create_connection(Connection, address.host, address.port)
            connections.append(connection)
        yield connections
    finally:
        for connection in connections:
            connection.close()


@contextmanager
def wide_awake() -> Iterator[None]:
    """Keep this process's loop from ever going to sleep.

    A server that answers a sleeping client pays for waking it: several microseconds in a virtual machine. A fast
    server pays less often, since its client is still awake. Clients on other machines cost a server none of it.
    """
    loop = asyncio.get_running_loop()
    handle: asyncio.Handle

    def again() -> None:
        nonlocal handle
        handle = loop.call_soon(again)

    handle = loop.call_soon(again)
    try:
        yield
    finally:
        handle.cancel()


async def drive(connections: list[Connection], requests: Iterable[bytes]) -> float:
    """Send all requests, each connection its next as soon as it has its answer; the seconds that it took.

    Raises `BadAnswer` for anything but a 200.
    """
    shared = iter(requests)
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for connection in connections:
            group.create_task(_work_off(connection, shared))
    return time.perf_counter() - began


async def _work_off(connection: Connection, requests: Iterator[bytes]) -> None:
    for request in requests:
        check(await connection.ask(request))


def check(answer: Answer) -> Answer:
    """The answer, if it is a 200. Raises `BadAnswer`."""
    if answer.status != 200:
        raise BadAnswer(f"{answer.status}: {answer.body[:300]!r}")
    return answer
