"""A misbehaving web server on loopback, and a network in which every public address leads to it.

The guard sees real socket addresses. Only the last step, `connect`, is redirected to loopback. Every connected address
is recorded, and a test fails if a denied one is among them.
"""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qs, urlsplit

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6364f80f00010501012718e366"
    "0000000049454e44ae426082"
)
HTML = b"<!doctype html><title>not a picture</title>" + b" " * 100


def plain(body: bytes = PNG, status: str = "200 OK", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(head).encode() + body


def redirect(location: str, status: str = "302 Found") -> bytes:
    return plain(b"", status, f"Location: {location}")


def chain(query: dict[str, list[str]]) -> bytes:
    left = int(query["n"][0])
    return redirect(f"/chain?n={left - 1}") if left else plain()


ANSWERS: dict[str, Callable[[dict[str, list[str]]], bytes]] = {
    "/redir": lambda query: redirect(query["to"][0], query.get("status", ["302 Found"])[0]),
    "/chain": chain,
    "/redir-nolocation": lambda _: plain(b"", "302 Found"),
    "/cl-short": lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + PNG[:10],
    "/cl-dup": lambda _: plain(PNG, "200 OK", "Content-Length: 5"),
    "/cl-huge": lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + PNG,
    "/gzip": lambda _: plain(PNG, "200 OK", "Content-Encoding: gzip"),
    "/gzip-many": lambda _: plain(PNG, "200 OK", "Content-Encoding: gzip, gzip, gzip, gzip, gzip, gzip"),
    "/headers-many": lambda _: plain(PNG, "200 OK", *(f"X-{number}: y" for number in range(100_000))),
    "/aws-chunked": lambda _: plain(PNG, "200 OK", "Content-Encoding: aws-chunked"),
    "/coded": lambda query: plain(PNG, "200 OK", *(f"Content-Encoding: {each}" for each in query["as"])),
    "/header-of-12k": lambda _: plain(PNG, "200 OK", "Content-Security-Policy: " + "https://example.com/ " * 600),
    "/203": lambda _: plain(PNG, "203 Non-Authoritative Information"),
    "/latin-1": lambda _: redirect("/caf\u00e9.png").decode().encode("latin-1"),
    "/header-long": lambda _: plain(PNG, "200 OK", "X-Long: " + "y" * 100_000),
    "/206": lambda _: plain(PNG, "206 Partial Content", f"Content-Range: bytes 0-{len(PNG) - 1}/{len(PNG)}"),
    "/404": lambda _: plain(PNG, "404 Not Found"),
    "/503": lambda _: plain(b"", "503 Service Unavailable"),
    "/300": lambda _: plain(PNG, "300 Multiple Choices", "Location: /img.png"),
    "/empty": lambda _: plain(b""),
    "/html-as-png": lambda _: plain(HTML, "200 OK", "Content-Type: image/png"),
    "/png-as-text": lambda _: plain(PNG, "200 OK", "Content-Type: text/plain"),
    "/http09": lambda _: PNG,
    "/cookie": lambda _: plain(b"", "302 Found", "Location: /img.png", "Set-Cookie: a=b; Path=/"),
}


@dataclass
class Network:
    """The network: its DNS table, and records of look-ups, connections and requests."""

    dns: dict[str, Any]
    public: frozenset[str]
    port: int = 0
    files: Mapping[str, bytes] = field(default_factory=dict)
    connected: list[str] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)

    async def lookup(self, name: str) -> Sequence[str]:
        """An answer from the DNS table of the shared cases. A name that is not in it is never answered."""
        self.looked_up.append(name)
        if name not in self.dns:
            await asyncio.Event().wait()
        answer = self.dns[name]
        if isinstance(answer, dict):
            turn = min(self.looked_up.count(name), len(answer["sequence"])) - 1
            return list(answer["sequence"][turn])
        return list(answer)

    def socket(self, info: tuple[Any, ...]) -> socket.socket:
        """A socket whose `connect` is redirected to the hostile server."""
        network = self

        class Bent(socket.socket):
            def connect(self, address: Any) -> None:
                network.connected.append(str(ip_address(address[0])))
                if network.connected[-1] not in network.public:
                    raise ConnectionRefusedError(111, "the canary: a denied address was connected to")
                own = "::1" if self.family == socket.AF_INET6 else "127.0.0.1"
                super().connect((own, network.port))

        return Bent(info[0], info[1], info[2])


async def serve(network: Network, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one request on one connection."""
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        head = await reader.readuntil(b"\r\n\r\n")
        network.requests.append(head)
        address = urlsplit(head.split(b" ")[1].decode())
        match address.path:
            case "/slowhead":
                await slowly(writer)
            case "/endless":
                await endless(writer)
            case "/silent":
                await asyncio.Event().wait()
            case "/reset":
                await reset(writer)
            case path if path in network.files:
                writer.write(plain(network.files[path]))
                await writer.drain()
            case path:
                writer.write(ANSWERS.get(path, lambda _: plain())(parse_qs(address.query)))
                await writer.drain()
    with suppress(ConnectionError, ssl.SSLError):
        writer.close()
        await writer.wait_closed()


async def slowly(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X")
        await writer.drain()
        await asyncio.sleep(0.05)


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    piece = b"10000\r\n" + PNG + bytes(0x10000 - len(PNG)) + b"\r\n"
    while True:
        writer.write(piece)
        await writer.drain()
        # A drain that need not wait lets nobody else run, and over TLS the loss of the connection is told by the loop.
        await asyncio.sleep(0)


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + PNG)
    await writer.drain()
    await asyncio.sleep(0.05)
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def hostile_network(
    dns: dict[str, Any],
    public: frozenset[str],
    tls: ssl.SSLContext | None = None,
    files: Mapping[str, bytes] | None = None,
) -> AsyncIterator[Network]:
    """The hostile server, listening on loopback for the length of the block."""
    network = Network(dns, public, files=files or {})
    at_work: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        at_work.add(task)
        try:
            await serve(network, reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            at_work.discard(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    network.port = server.sockets[0].getsockname()[1]
    servers = [server]
    with suppress(OSError):
        servers.append(await asyncio.start_server(connected, "::1", network.port, ssl=tls))
    try:
        yield network
    finally:
        for each in servers:
            each.close()
        for task in list(at_work):
            task.cancel()
        await asyncio.gather(*at_work, return_exceptions=True)
