"""A name server on loopback that answers, or does not, as it is told: over UDP and TCP."""

import asyncio
import struct
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

ANSWER, CUT_OFF = 0x8180, 0x8380
A, CNAME, AAAA = 1, 5, 28
POINTS_TO_QUESTION = b"\xc0\x0c"
PORTS_TRIED = 20
UDP_BYTES = 1232
"""The size of a datagram with EDNS: a longer answer is cut off, and asked for again over TCP."""


class Reply(Enum):
    """A reply in place of addresses."""

    NOTHING = "nothing"
    """The question is heard and never answered."""
    UNKNOWN = 3
    FAILS = 2
    LAME = 5
    """The server refuses the question."""
    EMPTY = "empty"
    """The name is there, and has no address."""
    LOOP = "loop"
    """Two names, each the other's alias."""
    GARBAGE = "garbage"


class NameServer:
    """`zone` gives a name's addresses, or its reply; a name that begins with `*.` stands for all below the rest."""

    def __init__(self, zone: Mapping[str, Sequence[str] | Reply], ttl: int = 0) -> None:
        self._zone, self._ttl = zone, ttl
        self.asked: Counter[str] = Counter()
        self.address = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["NameServer"]:
        """Serve for the length of the block; `address` is then host and port."""
        transport, streams = await self._bound()
        try:
            yield self
        finally:
            transport.close()
            streams.close()

    async def _bound(self) -> tuple[asyncio.BaseTransport, asyncio.Server]:
        """Both sockets, on one port: a port that is free for datagrams may be taken for streams, so some are tried."""
        loop = asyncio.get_running_loop()
        for _ in range(PORTS_TRIED):
            transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), ("127.0.0.1", 0))
            port = transport.get_extra_info("sockname")[1]
            try:
                streams = await asyncio.start_server(self._serve_stream, "127.0.0.1", port)
            except OSError:
                transport.close()
            else:
                self.address = f"127.0.0.1:{port}"
                return transport, streams
        raise OSError("no port is free for datagrams and for streams")

    def answer(self, question: bytes, most_bytes: int) -> bytes | None:
        """The message that answers this one, None for no answer."""
        name, kind, end = _read(question)
        self.asked[name] += 1
        found = self._find(name)
        records: list[bytes] = []
        code = 0
        match found:
            case Reply.NOTHING:
                return None
            case Reply.GARBAGE:
                return question[:2] + b"\xff" * 40
            case Reply.UNKNOWN | Reply.FAILS | Reply.LAME:
                code = found.value
            case Reply.LOOP:
                other = _written(f"other.{name}")
                records = [self._record(CNAME, other), other + _data(CNAME, self._ttl, POINTS_TO_QUESTION)]
            case Reply.EMPTY:
                pass
            case _:
                addresses = [ip_address(each) for each in found]
                records = [self._record(_kind(each), each.packed) for each in addresses if _kind(each) == kind]
        whole = _message(question[:2], ANSWER | code, question[12:end], records)
        return whole if len(whole) <= most_bytes else _message(question[:2], CUT_OFF, question[12:end], [])

    def _record(self, kind: int, data: bytes) -> bytes:
        return POINTS_TO_QUESTION + _data(kind, self._ttl, data)

    def _find(self, name: str) -> Sequence[str] | Reply:
        if name in self._zone:
            return self._zone[name]
        _, _, above = name.partition(".")
        return self._zone.get(f"*.{above}", Reply.UNKNOWN)

    async def _serve_stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.read(2):
                answer = self.answer(await reader.readexactly(int.from_bytes(head, "big")), 1 << 16)
                if answer is not None:
                    writer.write(len(answer).to_bytes(2, "big") + answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        answer = self._server.answer(data, UDP_BYTES)
        if answer is not None:
            self._transport.sendto(answer, addr)


def _read(question: bytes) -> tuple[str, int, int]:
    """The name, the kind of record, and the offset of the question's end."""
    labels, place = [], 12
    while length := question[place]:
        labels.append(question[place + 1 : place + 1 + length].decode("ascii").lower())
        place += 1 + length
    return ".".join(labels), int.from_bytes(question[place + 1 : place + 3], "big"), place + 5


def _written(name: str) -> bytes:
    return b"".join(bytes([len(each)]) + each.encode("ascii") for each in name.split(".")) + b"\0"


def _kind(address: IPv4Address | IPv6Address) -> int:
    return A if address.version == 4 else AAAA


def _data(kind: int, ttl: int, data: bytes) -> bytes:
    return struct.pack(">HHIH", kind, 1, ttl, len(data)) + data


def _message(number: bytes, flags: int, question: bytes, records: Sequence[bytes]) -> bytes:
    return number + struct.pack(">HHHHH", flags, 1, len(records), 0, 0) + question + b"".join(records)
