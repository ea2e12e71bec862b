"""A receiver of callbacks on loopback, whose path decides its behaviour."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

OK = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


def empty(status: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Length: 0", "Connection: close", *headers, "", ""]).encode()


ANSWERS = {
    "/ok": OK,
    "/created": empty("201 Created"),
    "/broken": empty("500 Internal Server Error"),
    "/gone": empty("410 Gone"),
    "/moved": empty("307 Temporary Redirect", "Location: /ok"),
    "/busy": empty("503 Service Unavailable", "Retry-After: 600"),
    "/closes": b"HTTP/1.1 20",
    "/cut": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
}


@dataclass
class Receiver:
    """Record of received callbacks: path, headers by lower-case name, body."""

    port: int = 0
    heard: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answers: dict[str, bytes] = field(default_factory=lambda: dict(ANSWERS))

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        path = first.split(" ")[1]
        self.heard.append((path, headers, body))
        if path == "/hangs":
            await asyncio.Event().wait()
        elif path == "/drips":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
            while True:
                writer.write(b".")
                await writer.drain()
                await asyncio.sleep(0.2)
        else:
            writer.write(self.answers[path])
            await writer.drain()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver that listens for the length of the block."""
    receiver, at_work = Receiver(), set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        at_work.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await receiver.answer(reader, writer)
        finally:
            at_work.discard(task)
            writer.transport.abort() if task.cancelled() else writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in list(at_work):
            task.cancel()
        await asyncio.gather(*at_work, return_exceptions=True)
