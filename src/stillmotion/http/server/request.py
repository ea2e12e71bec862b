"""A request as the edge reads it: its path and query, and its body within a deadline."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from aiohttp import HttpVersion10, web

LARGE_BODY = 64 * 1024
"""Bytes from which on a body has longer to come."""

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_NO_VALUES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds that a connection waits for its caller.

    `head` is the time for a request to begin and its headers to be whole, counted from the connection or from the last
    answer: longer than the pause between two polls. `body` is the time for a whole body of up to `LARGE_BODY` bytes,
    and for one piece of any other; `large_body` is the time for all of such a body. `piece` is the time for a piece of
    an answer to be taken.
    """

    head: float = 15.0
    body: float = 20.0
    large_body: float = 120.0
    piece: float = 60.0


DEADLINES = Deadlines()


class ClientGone(Exception):
    """The caller hung up, or took too long, before its request was whole: there is nobody to answer."""


class BrokenBody(Exception):
    """The body is not written as HTTP writes bodies: where it ends cannot be known."""


class Request(web.BaseRequest):
    """One request. `route` is its decoded path, `raw_query` its query as it was sent.

    `path_values` are those of the path's parameters, by name: routing sets them. `added_headers` go with the answer,
    whatever it is.
    """

    path_values: Mapping[str, str] = _NO_VALUES
    added_headers: tuple[tuple[str, str], ...] = ()
    deadlines: Deadlines = DEADLINES
    _body_until: float | None = None

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        # A target may be a whole address, as a proxy is asked (RFC 9112, 3.2.2): its path is what counts.
        target = self.raw_path if self.raw_path.startswith("/") else self.rel_url.raw_path_qs
        path, _, query = target.partition("?")
        self.route = unquote(path) if "%" in path else path
        self.raw_query = query.encode("utf-8", "surrogateescape") if query else b""

    def has_twice(self, name: str) -> bool:
        """Whether a header stands more than once."""
        return len(self.headers.getall(name, ())) > 1

    def whole_body(self, most: int) -> bytes | None:
        """All of the body; None where it is not there yet, or longer than `most` bytes."""
        content = self.content
        if not content.is_eof() or content.total_bytes > most or content.exception() is not None:
            return None
        return content.read_nowait()

    async def next_piece(self) -> bytes:
        """The next bytes of the body, empty at its end.

        The whole body has one deadline, which begins with the first call. Raises `ClientGone` where the caller hung up,
        and where the deadline is over: the connection is then cut. Raises `BrokenBody` for bytes that are no body.
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
        """Give the rest of the body the whole time again: it had to wait for us."""
        self._body_until = asyncio.get_running_loop().time() + self._body_seconds()

    def cut(self) -> None:
        """End the connection at once: what was not sent yet is not sent."""
        if self.transport is not None:
            self.transport.abort()

    def _body_seconds(self) -> float:
        length = self.content_length
        return self.deadlines.body if length is not None and length <= LARGE_BODY else self.deadlines.large_body

    async def _allow_body(self) -> None:
        """Tell a caller who waits for leave to send its body that it may (RFC 9110, 10.1.1)."""
        asked = self.headers.get("Expect", "").lower() == "100-continue"
        if asked and self.version != HttpVersion10 and not self.content.total_bytes and not self.content.is_eof():
            await self.writer.write(_CONTINUE)
            self.writer.output_size = 0  # aiohttp takes an answer for begun once anything was written.
