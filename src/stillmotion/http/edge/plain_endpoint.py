"""Handlers that are no operation of a surface (assets, health, pages): named, counted, errors in a surface's words."""

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from stillmotion.domain.errors import Refused, Unavailable
from stillmotion.http.edge.endpoint import EdgeParts
from stillmotion.http.edge.refusals import Refusals
from stillmotion.http.server.replies import Reply
from stillmotion.http.server.request import ClientGone, Request
from stillmotion.http.server.streams import Pieces, send_in_pieces

Answering = Callable[[Request], Awaitable[Reply | tuple[Reply, Pieces | None]]]

_LOG = structlog.get_logger("stillmotion.http")


class PlainEndpoint:
    """A handler whose answers get a request id and whose errors are answered from a surface's table.

    `route` is the template of its paths, empty where they have none.
    """

    def __init__(self, name: str, answering: Answering, parts: EdgeParts, problems: Refusals, route: str = "") -> None:
        self._name = name
        self._route = route
        self._answering = answering
        self._parts = parts
        self._problems = problems
        self._metrics = parts.metrics.of(name)

    async def __call__(self, request: Request) -> web.StreamResponse:
        """Answer one request."""
        clock = self._parts.services.clock
        began_at = clock.monotonic()
        request_id = next(self._parts.request_ids)
        refused = None
        try:
            answer = await self._answering(request)
        except ClientGone:
            raise
        except Exception as error:
            refused = error
            answer = self._refusal(error, request_id)
        reply, pieces = (answer, None) if isinstance(answer, Reply) else answer
        seconds = clock.monotonic() - began_at
        self._metrics.observe(reply.status, seconds)
        self._parts.lines.write(request.method, self._route, reply.status, seconds, request_id, error=refused)
        named = ("X-Request-Id", request_id)
        return reply.response(named) if pieces is None else await send_in_pieces(request, reply, pieces, named)

    def _refusal(self, error: Exception, request_id: str) -> Reply:
        if isinstance(error, Unavailable):
            _LOG.warning("unavailable", operation=self._name, request_id=request_id, why=str(error))
        elif not isinstance(error, Refused):
            _LOG.error("request_failed", operation=self._name, request_id=request_id, exc_info=error)
        return self._problems.reply(error)
