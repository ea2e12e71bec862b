"""Request: its path and query, and its body within a deadline."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from aiohttp import HttpVersion10, web

LARGE_BODY = 64 * 1024
"""Bytes. A larger body has the longer deadline."""

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_LONGEST_ADDRESS = 64
"""Characters of an IPv6 address with its zone and port, and some more."""
_NO_VALUES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Deadlines of a connection, in seconds.

    `head` is the time from the connection or the last answer until a whole head: longer than the pause between two
    polls. `body` is the time for a whole body of up to `LARGE_BODY` bytes, and for one piece of a larger one;
    `large_body` is the time for all of a larger one. `piece` is the time for the caller to take a piece of an answer.
    """

    head: float = 15.0
    body: float = 20.0
    large_body: float = 120.0
    piece: float = 60.0


DEADLINES = Deadlines()


class ClientGone(Exception):
    """Raised if the caller hung up or missed a deadline before its request was whole. Nobody is there to answer."""


class BrokenBody(Exception):
    """Raised for a body whose framing is wrong: its end is unknown."""


def _without_port(address: str) -> str:
    """An address of X-Forwarded-For. Some balancers add the port, which is another for every connection."""
    address = address.strip()[:_LONGEST_ADDRESS]
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


class Request(web.BaseRequest):
    """One request. `route` is its decoded path, `raw_query` its undecoded query.

    `path_values` are the path's parameters by name, set by routing. `added_headers` go with every kind of answer.
    """

    path_values: Mapping[str, str] = _NO_VALUES
    added_headers: tuple[tuple[str, str], ...] = ()
    deadlines: Deadlines = DEADLINES
    _body_until: float | None = None

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        # Absolute form (RFC 9112, 3.2.2), as in requests to a proxy: only its path counts.
        target = self.raw_path if self.raw_path.startswith("/") else self.rel_url.raw_path_qs
        path, _, query = target.partition("?")
        # NUL is replaced as bytes are that are not UTF-8: no name or id has it, and PostgreSQL takes none.
        self.route = unquote(path).replace("\0", "\ufffd") if "%" in path else path
        self.raw_query = query.encode("utf-8", "surrogateescape") if query else b""

    def has_twice(self, name: str) -> bool:
        """True for a repeated header."""
        return len(self.headers.getall(name, ())) > 1

    def address(self, proxies: int) -> str:
        """The caller's address behind so many proxies, each of which adds its caller's to X-Forwarded-For.

        With fewer addresses than that, it is the first. With 0 it is the peer's, and the header counts for nothing.
        """
        peer = self.remote or ""
        if not proxies:
            return peer
        told = ",".join(self.headers.getall("X-Forwarded-For", ())).split(",")
        addresses = [*filter(None, map(_without_port, told)), peer]
        return addresses[max(0, len(addresses) - 1 - proxies)]

    def whole_body(self, most: int) -> bytes | None:
        """The whole body; None if it has not arrived yet or is longer than `most` bytes."""
        content = self.content
        if not content.is_eof() or content.total_bytes > most or content.exception() is not None:
            return None
        return content.read_nowait()

    async def next_piece(self) -> bytes:
        """The next bytes of the body, empty at its end.

        The whole body has one deadline, which begins with the first call. Raises `ClientGone` if the caller hung up,
        or if the deadline is over, and then the connection is cut. Raises `BrokenBody` for wrong framing.
        """
        now = asyncio.get_running_loop().time()
        if self._body_until is None:
            self._body_until = now + self._body_seconds()
            await self._allow_body()
        try:
            async with asyncio.timeout_at(min(self._body_until, now + self.deadlines.body)):
                return await self.content.readany()
        except TimeoutError:
            self.cut()
            raise ClientGone from None
        except web.RequestPayloadError as error:
            raise BrokenBody from error
        except OSError as error:
            raise ClientGone from error

    def restart_body_deadline(self) -> None:
        """Restart the deadline of the body, after a wait that was the server's."""
        self._body_until = asyncio.get_running_loop().time() + self._body_seconds()

    def cut(self) -> None:
        """End the connection at once and drop unsent bytes."""
        if self.transport is not None:
            self.transport.abort()

    def _body_seconds(self) -> float:
        length = self.content_length
        return self.deadlines.body if length is not None and length <= LARGE_BODY else self.deadlines.large_body

    async def _allow_body(self) -> None:
        """Send `100 Continue` to a caller that waits for it (RFC 9110, 10.1.1)."""
        asked = self.headers.get("Expect", "").lower() == "100-continue"
        if asked and self.version != HttpVersion10 and not self.content.total_bytes and not self.content.is_eof():
            await self.writer.write(_CONTINUE)
            self.writer.output_size = 0  # aiohttp would take the answer for begun.
