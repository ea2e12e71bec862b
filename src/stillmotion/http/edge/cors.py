"""CORS: the web pages of other origins that may call the API, and the headers that their scripts may read.

https://fetch.spec.whatwg.org/#http-cors-protocol
"""

import re
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

from aiohttp import web

from stillmotion.http.edge.record_fields import RECORD_HEADERS
from stillmotion.http.server.replies import Handler, Header, Reply
from stillmotion.http.server.request import Request

ANY = "*"
EXPOSED = (
    "X-Stillmotion-Engine",
    "X-Stillmotion-Progress",
    "X-Stillmotion-Reason",
    *RECORD_HEADERS,
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "X-Request-Id",
    "Retry-After",
    "Content-Range",
    "Content-Length",
)
"""Response headers that scripts of other origins may read, besides the CORS-safelisted ones."""

_METHODS = "GET, HEAD, POST, PATCH, DELETE"
_SECONDS = 600
"""Time for which a browser may cache a preflight's answer."""
_NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,4096}", re.ASCII)
_VARY: Header = ("Vary", "Origin")
_EXPOSE: Header = ("Access-Control-Expose-Headers", ", ".join(EXPOSED))
_FOR_ANY: tuple[Header, ...] = (("Access-Control-Allow-Origin", ANY), _EXPOSE)


@dataclass(frozen=True, slots=True)
class Origins:
    """Handler that lets pages of the `allowed` origins in, or of any origin if `*` is among them.

    Pages of any origin may fetch below `open_prefix`: an address there is a secret of its own.
    """

    handler: Handler
    allowed: Sequence[str]
    open_prefix: str

    def __call__(self, request: Request) -> Awaitable[web.StreamResponse]:
        """Answer one request. A preflight is answered for every path without a key, as browsers send none with it."""
        is_open = request.route.startswith(self.open_prefix)
        return self._answer(request, is_open=is_open) if is_open or self.allowed else self.handler(request)

    async def _answer(self, request: Request, *, is_open: bool) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        granted = None if origin is None else ANY if is_open else self._granted(origin)
        asked = request.headers.get("Access-Control-Request-Method")
        if request.method == "OPTIONS" and asked is not None and granted is not None:
            return _preflight(request, granted).response()
        if is_open:
            request.added_headers = _FOR_ANY
        else:
            request.added_headers = (_VARY,) if granted is None else (*_granting(granted), _EXPOSE)
        response = await self.handler(request)
        if not response.prepared:
            response.headers.extend(request.added_headers)
        return response

    def _granted(self, origin: str) -> str | None:
        """The value of `Access-Control-Allow-Origin` for an origin; None if it may not read the answer."""
        if ANY in self.allowed:
            return ANY
        return origin if origin in self.allowed else None


def _granting(granted: str) -> tuple[Header, ...]:
    return ("Access-Control-Allow-Origin", granted), _VARY


def _preflight(request: Request, granted: str) -> Reply:
    headers = [*_granting(granted), ("Access-Control-Allow-Methods", _METHODS)]
    names = request.headers.get("Access-Control-Request-Headers", "")
    if _NAMES.fullmatch(names):
        headers.append(("Access-Control-Allow-Headers", names))
    if request.headers.get("Access-Control-Request-Private-Network") == "true":
        headers.append(("Access-Control-Allow-Private-Network", "true"))
    return Reply(204, b"", [*headers, ("Access-Control-Max-Age", str(_SECONDS))])
