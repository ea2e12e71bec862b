"""Request bodies: read up to the cap of their operation, large ones only when there is room.

`http/server/request.py` keeps their deadlines.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from aiohttp import hdrs
from multipart import parse_options_header

from stillmotion.domain.errors import InvalidRequest, Problem
from stillmotion.http.parsing.byte_budget import ByteBudget
from stillmotion.http.parsing.multipart import FORM_CAP, BadForm, Form, FormParser, boundary_of
from stillmotion.http.server.request import BrokenBody, Request

PLAIN_CAP = 64 * 1024
"""Bytes of a body without a picture in it."""

PICTURES_CAP = 56 * 1024 * 1024
"""Bytes of a body with two pictures of 20 MiB in base64 and the JSON around them."""

LARGE_BYTES_AT_ONCE = 256 * 1024 * 1024
LARGE_BYTES_OF_ONE = 64 * 1024 * 1024
"""Bytes of bodies over `PLAIN_CAP` that are being read or stored: of all callers, and of one subscription.

A body is in memory up to three times while it is parsed.
"""

Result = TypeVar("Result")

Held = list[Callable[[], None]]
"""Calls that give back what a request took up, made once it is answered."""

_DATA_URI = re.compile(rb'"(?:[ \t]|\\[nrt])*data:', re.IGNORECASE)
_BARE_PICTURE = re.compile(rb'"(?:\\?/9j\\?/|iVBORw0KGgo|R0lGOD|UklGR|SUkq|TU0A|AAAA)[A-Za-z0-9+/\\]{64}')
"""Beginning of a picture in base64 without `data:` before it."""
_IN_UTF_8 = ("utf-8", "utf8", "us-ascii", "ascii")
_JSON = "application/json"


async def apart_if_large(size: int, work: Callable[..., Result], *arguments: object) -> Result:
    """Call `work`, in a thread for a body so large that other callers would have to wait."""
    return work(*arguments) if size <= PLAIN_CAP else await asyncio.to_thread(work, *arguments)


class UnreadBody(InvalidRequest):
    """Raised for a body that is refused before its end. The connection cannot be used for another request."""


@dataclass(frozen=True, slots=True)
class BodyReader:
    """Reader of bodies. The room of a large one is given back by a call in `held`, at the end of its request."""

    _room: ByteBudget = field(default_factory=lambda: ByteBudget(LARGE_BYTES_AT_ONCE, LARGE_BYTES_OF_ONE))

    @classmethod
    def returning(cls, return_memory: Callable[[], None]) -> "BodyReader":
        """A reader that calls `return_memory` after large bodies."""
        return cls(ByteBudget(LARGE_BYTES_AT_ONCE, LARGE_BYTES_OF_ONE, return_memory))

    def at_hand(self, request: Request) -> bytes | None:
        """A small body that has arrived already, as most have; None for any other. Raises as `read` does."""
        body = request.whole_body(PLAIN_CAP)
        if body is not None:
            _check_kind(request)
        return body

    async def read(self, request: Request, held: Held, owner: str, *, pictures: bool, kinds: str = _JSON) -> bytes:
        """The whole body. With `pictures` it may be large if there is a data URI in its beginning.

        `kinds` are the types that a caller of another type is told of.

        Raises `UnreadBody` for a refused body, `ClientGone` if its sender hung up.
        """
        _check_kind(request, kinds)
        _check_length(request, PICTURES_CAP if pictures else PLAIN_CAP)
        body, ended = await _read_past(PLAIN_CAP, b"", request)
        if len(body) <= PLAIN_CAP:
            return body
        if not (pictures and _DATA_URI.search(body)):
            if pictures and _BARE_PICTURE.search(body):
                raise _unread("holds a picture in base64 without its beginning: write data:image/jpeg;base64,…")
            raise _too_large(PLAIN_CAP)
        if not ended:
            await self._hold(request, held, owner, PICTURES_CAP)
            body, _ = await _read_past(PICTURES_CAP, body, request)
        if len(body) > PICTURES_CAP:
            raise _too_large(PICTURES_CAP)
        return body

    async def read_form(self, request: Request, held: Held, owner: str) -> Form:
        """The whole form. Raises as `read` does, and `UnreadBody` for a body that is no form."""
        boundary = boundary_of(request.headers.get("Content-Type", ""))
        if boundary is None:
            raise _unread("must be sent as multipart/form-data")
        _check_charset(request.headers.get("Content-Type", ""))
        _check_encoding(request)
        _check_length(request, FORM_CAP)
        size = 0
        try:
            parser = FormParser(boundary)
            while piece := await _piece(request):
                if size <= PLAIN_CAP < size + len(piece):
                    await self._hold(request, held, owner, FORM_CAP)
                size += len(piece)
                if size > FORM_CAP:
                    raise _too_large(FORM_CAP)
                parser.write(piece)
            return parser.form()
        except BadForm as error:
            raise UnreadBody(Problem(error.field, str(error))) from None

    async def _hold(self, request: Request, held: Held, owner: str, cap: int) -> None:
        """Wait for room. The wait does not count towards the body's deadline, as its sender is not to blame."""
        length = request.content_length
        held.append(await self._room.take(owner, cap if length is None else min(length, cap)))
        request.restart_body_deadline()


def _check_kind(request: Request, kinds: str = _JSON) -> None:
    """Refuse a body whose headers say that it is not plain JSON in UTF-8."""
    kind = request.headers.get(hdrs.CONTENT_TYPE)
    if kind is not None and kind != _JSON:
        name, _, parameters = kind.partition(";")
        if name.strip().lower() not in ("", _JSON):
            raise _unread(f"must be sent with Content-Type: {kinds}")
        _check_charset(kind if parameters else "")
    _check_encoding(request)


def _check_charset(content_type: str) -> None:
    """Refuse text whose type names another charset than UTF-8."""
    _, options = parse_options_header(content_type)
    charset = options.get("charset", "utf-8").strip().lower()
    if charset not in _IN_UTF_8:
        raise _unread("must be sent in UTF-8: leave charset out of its Content-Type, or write charset=utf-8")


def _check_encoding(request: Request) -> None:
    encoding = request.headers.get(hdrs.CONTENT_ENCODING)
    if encoding is not None and encoding.strip().lower() not in ("", "identity"):
        raise _unread("must be sent as it is, without a Content-Encoding")


def _check_length(request: Request, cap: int) -> None:
    """Refuse a body whose Content-Length is above the cap, before anything is read."""
    length = request.content_length
    if length is not None and length > cap:
        raise _too_large(cap)


async def _read_past(cap: int, start: bytes, request: Request) -> tuple[bytes, bool]:
    """The body from its `start` until it ends or exceeds `cap`, and true if it ended."""
    pieces = bytearray(start)
    while len(pieces) <= cap:
        piece = await _piece(request)
        if not piece:
            return bytes(pieces), True
        pieces += piece
    return bytes(pieces), False


async def _piece(request: Request) -> bytes:
    try:
        return await request.next_piece()
    except BrokenBody:
        raise _unread("must be written as HTTP/1.1 writes bodies: its length or its chunks are wrong") from None


def _too_large(cap: int) -> UnreadBody:
    return _unread(f"must be no larger than {cap} bytes")


def _unread(message: str) -> UnreadBody:
    return UnreadBody(Problem("body", message))
