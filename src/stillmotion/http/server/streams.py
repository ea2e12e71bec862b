"""Streams: answers that are sent in pieces, such as downloads and server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from aiohttp import HttpVersion10, web

from stillmotion.http.server.replies import NO_SNIFFING, SERVER, Header, Reply
from stillmotion.http.server.request import ClientGone, Request

Pieces = AsyncGenerator[bytes, None]

Opening = Callable[[Request], Awaitable[tuple[Reply, Pieces | None]]]
"""Opener of an answer: its status and headers, and its body in pieces, None if the reply holds all of it."""


class BrokenOff(Exception):
    """Raised if a body has begun and cannot be finished. The connection ends, so that the body does not look whole."""


async def send_in_pieces(request: Request, reply: Reply, pieces: Pieces, *more: Header) -> web.StreamResponse:
    """Send an answer with `more` headers. HEAD gets the headers alone.

    Raises `ClientGone` if the caller hung up, or did not take a piece in time.
    """
    response = web.StreamResponse(
        status=reply.status, headers=[*reply.headers, SERVER, NO_SNIFFING, *more, *request.added_headers]
    )
    if request.version == HttpVersion10:
        response.force_close()  # HTTP/1.0 has no chunks: the end of the connection is the end of the body.
    async with aclosing(pieces):
        try:
            await _within(request.deadlines.piece, response.prepare(request))
            if request.method != "HEAD":
                async for piece in pieces:
                    await _within(request.deadlines.piece, response.write(piece))
        except BrokenOff:
            if request.transport is not None:
                request.transport.close()
        except TimeoutError:
            request.cut()
            raise ClientGone from None
        except ConnectionError as error:
            raise ClientGone from error
    return response


async def _within(seconds: float, sending: Awaitable[object]) -> None:
    async with asyncio.timeout(seconds):
        await sending
