"""Answers as the edge writes them: headers, whole replies, and the handlers that give them."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aiohttp import web
from multidict import CIMultiDictProxy

from stillmotion.http.server.request import Request

Header = tuple[str, str]
Headers = CIMultiDictProxy[str]
"""A request's headers. Names are compared without regard to case; `getall` gives each of those that came twice."""

Handler = Callable[[Request], Awaitable[web.StreamResponse]]
"""Answers one request. A response that was not sent yet is sent by the server."""

JSON_TYPE: Header = ("Content-Type", "application/json")
NO_STORE: Header = ("Cache-Control", "no-store")
NO_SNIFFING: Header = ("X-Content-Type-Options", "nosniff")
"""On every answer: what its type says is what it is."""
CLOSE: Header = ("Connection", "close")
SERVER: Header = ("Server", "Stillmotion")
"""On every answer: without it aiohttp tells its own version and Python's."""


class Reply(NamedTuple):
    """A whole answer. Its length is added when it is sent; to HEAD it is sent without its body."""

    status: int
    body: bytes
    headers: list[Header]

    def response(self, *more: Header) -> web.Response:
        """The answer as aiohttp sends it, with `more` headers. With `CLOSE` among them it ends the connection."""
        response = web.Response(status=self.status, body=self.body, headers=[*self.headers, SERVER, NO_SNIFFING, *more])
        if CLOSE in self.headers:
            response.force_close()
        return response


Refusing = Callable[[web.BaseRequest, Reply], web.Response]
"""Makes the response of a request that the server refuses before any handler sees it."""


def refuse_plainly(request: web.BaseRequest, reply: Reply) -> web.Response:
    """The reply as it is."""
    del request
    return reply.response()
