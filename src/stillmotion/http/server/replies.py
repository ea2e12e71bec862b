"""Replies: whole answers with their headers, and the types of handlers."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aiohttp import hdrs, web
from multidict import CIMultiDictProxy, istr

from stillmotion.http.server.request import Request

Header = tuple[str, str]
"""Name and value. The names that most answers have are `istr`: multidict makes their lower case once."""
Headers = CIMultiDictProxy[str]
"""Headers of a request. Names are case-insensitive; `getall` gives all values of a repeated header."""

Handler = Callable[[Request], Awaitable[web.StreamResponse]]
"""Handler of a request. The server sends its response, unless that is sent already."""

JSON_TYPE: Header = (hdrs.CONTENT_TYPE, "application/json")
NO_STORE: Header = (hdrs.CACHE_CONTROL, "no-store")
NO_SNIFFING: Header = (istr("X-Content-Type-Options"), "nosniff")
"""On every answer: browsers must not guess another type."""
SERVER: Header = (hdrs.SERVER, "Stillmotion")
"""On every answer: without it aiohttp names its own version and Python's."""


class Reply(NamedTuple):
    """A whole answer, which may end its connection. aiohttp adds the length, and leaves the body out for HEAD."""

    status: int
    body: bytes
    headers: list[Header]
    closes: bool = False

    def response(self, *more: Header) -> web.Response:
        """The response for aiohttp, with `more` headers."""
        response = web.Response(status=self.status, body=self.body, headers=[*self.headers, SERVER, NO_SNIFFING, *more])
        if self.closes:
            response.force_close()
        return response


Refusing = Callable[[web.BaseRequest, Reply], web.Response]
"""Maker of the response to a request that the server refuses before any handler sees it."""


def refuse_plainly(request: web.BaseRequest, reply: Reply) -> web.Response:
    """The reply as it is."""
    del request
    return reply.response()
