"""Reading a request's body: never more of it than its operation can use.

How long a body may take to come is the server's to say (`server.py`): it drops a connection that is too slow.
"""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TypeVar

from stillmotion.domain.errors import InvalidRequest, Problem
from stillmotion.http.asgi import EXCHANGE, HEADERS, ClientGone, Headers, Message, Receive, Scope, Whole
from stillmotion.http.multipart import FORM_CAP, BadForm, Form, FormParser, boundary_of

PLAIN_CAP = 64 * 1024
"""Bytes of a body without a picture in it."""

PICTURES_CAP = 56 * 1024 * 1024
"""Bytes of a body with two pictures of 20 MiB in base64, and what stands around them."""

PICTURE_BODIES_AT_ONCE = 4
"""A large body is held in memory three times over while it is taken apart."""

FORMS_AT_ONCE = 16
"""A form is held in memory three times over; those of up to `PLAIN_CAP` bytes do not count."""

Result = TypeVar("Result")

_PICTURE_MARKS = (b'"data:image/', b'"data:image\\/')
_JSON = b"application/json"


async def apart_if_large(size: int, work: Callable[..., Result], *arguments: object) -> Result:
    """Do `work`, in a thread where it handles a body so large that other callers would notice."""
    return work(*arguments) if size <= PLAIN_CAP else await asyncio.to_thread(work, *arguments)


class UnreadBody(InvalidRequest):
    """The body was refused before its end: the connection cannot be used for another request."""


@dataclass(frozen=True, slots=True)
class BodyReader:
    """Reads bodies, a few large ones at a time."""

    _large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PICTURE_BODIES_AT_ONCE))
    _forms: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(FORMS_AT_ONCE))

    def at_hand(self, scope: Scope) -> bytes | None:
        """A small body that is there already, which most are; None for any other. Raises as `read` does."""
        exchange: Whole = scope[EXCHANGE]
        body = exchange.whole_body(PLAIN_CAP)
        if body is not None:
            _check_kind(scope[HEADERS])
        return body

    async def read(self, headers: Headers, receive: Receive, *, pictures: bool) -> bytes:
        """The whole body, with `pictures` a large one where its beginning shows a data URI.

        Raises `UnreadBody` for one that is refused, `ClientGone` where its sender hung up.
        """
        _check_kind(headers)
        _check_length(headers, PICTURES_CAP if pictures else PLAIN_CAP)
        message = await receive()
        body: bytes = message.get("body", b"")
        ended = _ends_with(message)
        if not ended and len(body) <= PLAIN_CAP:
            body, ended = await _read_past(PLAIN_CAP, body, receive)
        if len(body) <= PLAIN_CAP:
            return body
        if not (pictures and any(mark in body for mark in _PICTURE_MARKS)):
            raise _too_large(PLAIN_CAP)
        return body if ended else await self._read_rest(body, receive)

    async def read_form(self, headers: Headers, receive: Receive) -> Form:
        """The whole form. Raises as `read` does, and for whatever is no form."""
        boundary = boundary_of(headers.get(b"content-type", b""))
        if boundary is None:
            raise _unread("must be sent as multipart/form-data")
        _check_kind(headers, is_form=True)
        _check_length(headers, FORM_CAP)
        try:
            return await self._read_form(FormParser(boundary), receive)
        except BadForm as error:
            raise UnreadBody(Problem(error.field, str(error))) from None

    async def _read_form(self, parser: FormParser, receive: Receive) -> Form:
        size, ended, counts = 0, False, False
        async with AsyncExitStack() as counted:
            while not ended:
                message = await receive()
                ended = _ends_with(message)
                piece = message.get("body", b"")
                size += len(piece)
                if size > FORM_CAP:
                    raise _too_large(FORM_CAP)
                if size > PLAIN_CAP and not counts:
                    await counted.enter_async_context(self._forms)
                    counts = True
                parser.write(piece)
        return parser.form()

    async def _read_rest(self, start: bytes, receive: Receive) -> bytes:
        async with self._large:
            body, _ = await _read_past(PICTURES_CAP, start, receive)
        if len(body) > PICTURES_CAP:
            raise _too_large(PICTURES_CAP)
        return body


def _check_kind(headers: Headers, *, is_form: bool = False) -> None:
    """Refuse what says of itself that it is not plain JSON, or a form."""
    kind = None if is_form else headers.get(b"content-type")
    if kind is not None and kind != _JSON and kind.partition(b";")[0].strip().lower() not in (b"", _JSON):
        raise _unread("must be sent with Content-Type: application/json")
    encoding = headers.get(b"content-encoding")
    if encoding is not None and encoding.strip().lower() not in (b"", b"identity"):
        raise _unread("must be sent as it is, without a Content-Encoding")


def _check_length(headers: Headers, cap: int) -> None:
    """Refuse, before anything is read, what says of itself that it is longer than we take."""
    length = headers.get(b"content-length")
    if length is not None and length.isdigit() and int(length) > cap:
        raise _too_large(cap)


def _ends_with(message: Message) -> bool:
    """Whether this was the last piece of a body."""
    if message["type"] != "http.request":
        raise ClientGone
    return not message.get("more_body", False)


async def _read_past(cap: int, start: bytes, receive: Receive) -> tuple[bytes, bool]:
    """The body from its `start` until it ends or has grown past `cap`, and whether it ended."""
    pieces = bytearray(start)
    ended = False
    while not ended and len(pieces) <= cap:
        message = await receive()
        ended = _ends_with(message)
        pieces += message.get("body", b"")
    return bytes(pieces), ended


def _too_large(cap: int) -> UnreadBody:
    return _unread(f"must be no larger than {cap} bytes")


def _unread(message: str) -> UnreadBody:
    return UnreadBody(Problem("body", message))
