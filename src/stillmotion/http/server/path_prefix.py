"""Path prefix: a server below a path of its host, behind a proxy that strips the path from requests or keeps it."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from aiohttp import web

from stillmotion.http.server.replies import NO_STORE, Handler, Reply
from stillmotion.http.server.request import Request


def prefix_of(public_url: str) -> str:
    """The prefix of all paths as callers see them, without a slash at its end; empty for none."""
    return unquote(urlsplit(public_url).path).rstrip("/")


@dataclass(frozen=True, slots=True)
class PathPrefix:
    """Handler of paths with and without a prefix. A path that `is_known` is never stripped."""

    handler: Handler
    prefix: str
    is_known: Callable[[str], bool]

    async def __call__(self, request: Request) -> web.StreamResponse:
        """Answer one request."""
        path = request.route
        if path == self.prefix and not self.is_known(path):
            # The page there has relative links, so its own address must end in a slash.
            return Reply(308, b"", [("Location", f"{quote(self.prefix)}/"), NO_STORE]).response()
        if path.startswith(f"{self.prefix}/") and not self.is_known(path):
            request.route = path.removeprefix(self.prefix)
        return await self.handler(request)
