"""Error boundary: every request gets an id, and its answer or refusal is counted, written down and sent."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from aiohttp import web
from multidict import istr

from stillmotion.application.ports.tracing import Attributes, SpanKind
from stillmotion.domain.errors import Refused, Unavailable
from stillmotion.http.edge.access_lines import CLIENT_GONE, AccessLines, reason_of, visible_part
from stillmotion.http.edge.metrics import Metrics
from stillmotion.http.edge.operation import Call
from stillmotion.http.edge.refusals import Refusals
from stillmotion.http.edge.request_ring import RequestLine
from stillmotion.http.edge.services import Services
from stillmotion.http.parsing.body import BodyReader
from stillmotion.http.server.replies import Reply
from stillmotion.http.server.request import ClientGone, Request
from stillmotion.http.server.streams import Pieces, send_in_pieces

Answering = Callable[[Request], Awaitable[Reply | tuple[Reply, Pieces | None]]]

_LOG = structlog.get_logger("stillmotion.http")
_REQUEST_ID = istr("X-Request-Id")


@dataclass(frozen=True, slots=True)
class EdgeParts:
    """The parts that all endpoints of one application share."""

    services: Services
    reader: BodyReader
    metrics: Metrics
    request_ids: Iterator[str]
    lines: AccessLines

    def refuse(self, request: web.BaseRequest, reply: Reply) -> web.Response:
        """Give a request that no endpoint has seen an id and an access line. It has no route."""
        request_id = next(self.request_ids)
        self.lines.write(request.method, "", reply.status, 0.0, request_id)
        now = self.services.clock.now()
        self.services.recent.add(RequestLine(now, request_id, request.method, "", reply.status, 0.0, None, None, None))
        return reply.response((_REQUEST_ID, request_id))


class Boundary(ABC):
    """Handler that turns every error into an answer from a surface's table.

    `name` is the name of the requests in metrics and in the log. `route` is the template of their paths, empty without.
    """

    def __init__(self, name: str, route: str, parts: EdgeParts, problems: Refusals) -> None:
        self._name = name
        self._route = route
        self._parts = parts
        self._services = parts.services
        self._problems = problems
        self._metrics = parts.metrics.of(name)

    def __call__(self, request: Request) -> Awaitable[web.StreamResponse]:
        """Answer one request."""
        return self._traced(request) if self._services.tracing.is_on else self._respond(request)

    async def _traced(self, request: Request) -> web.StreamResponse:
        name, caller = f"{request.method} {self._route}".rstrip(), request.headers.get("traceparent", "")
        attributes = self._attributes(request)
        with self._services.tracing.span(name, SpanKind.SERVER, attributes, caused_by=caller) as span:
            response = await self._respond(request)
            span.tell({"http.response.status_code": response.status})
            if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                span.fail(str(response.status))
            return response

    def _attributes(self, request: Request) -> Attributes:
        """Attributes of a request's span. A path with values in it may hold a secret: the route stands for it."""
        attributes = {"http.request.method": request.method, "url.scheme": "http", "url.path": self._route}
        return {**attributes, "http.route": self._route} if self._route else attributes

    async def _respond(self, request: Request) -> web.StreamResponse:
        monotonic = self._services.clock.monotonic
        call = Call(self._services, request, next(self._parts.request_ids), monotonic())
        refused: Exception | None = None
        try:
            reply, pieces = await self._answer(call)
        except ClientGone as gone:
            self._note(call, CLIENT_GONE, monotonic() - call.began_at, gone)
            call.let_go()
            raise
        except Exception as error:
            reply, pieces = self._refuse(error, call), None
            # Its traceback holds this frame and those that hold the body: a cycle until the collector runs.
            refused = error.with_traceback(None)
        try:
            seconds = monotonic() - call.began_at
            self._metrics.observe(reply.status, seconds)
            self._note(call, reply.status, seconds, refused)
            named = (_REQUEST_ID, call.request_id)
            return reply.response(named) if pieces is None else await send_in_pieces(request, reply, pieces, named)
        finally:
            call.let_go()

    @abstractmethod
    async def _answer(self, call: Call) -> tuple[Reply, Pieces | None]:
        """The answer of a request that goes well, with its body in pieces if the reply does not hold all of it."""
        ...

    def _refuse(self, error: Exception, call: Call) -> Reply:
        """The answer to an error, which is counted. An error that is not the caller's is logged."""
        self._parts.metrics.refuse(reason_of(error))
        if isinstance(error, Unavailable):
            _LOG.warning("unavailable", operation=self._name, request_id=call.request_id, why=str(error))
        elif not isinstance(error, Refused):
            _LOG.error("request_failed", operation=self._name, request_id=call.request_id, exc_info=error)
        return self._problems.reply(error)

    def _note(self, call: Call, status: int, seconds: float, error: Exception | None) -> None:
        """Add the request to the last ones, and write the access line, if lines are wanted."""
        services, lines, method = self._services, self._parts.lines, call.request.method
        caller = call.subscription if call.visit is None else call.visit.subscription
        key = visible_part(call.key) if caller is None else caller.used_key
        reason = None if error is None else reason_of(error)
        now = services.clock.now()
        services.recent.add(
            RequestLine(now, call.request_id, method, self._route, status, seconds, key, reason, call.accepted)
        )
        if lines.are_wanted:
            lines.write(method, self._route, status, seconds, call.request_id, key=key, error=error)


class PlainEndpoint(Boundary):
    """Endpoint of a handler that is no operation of a surface: downloads, health, pages, unknown paths."""

    def __init__(self, name: str, answering: Answering, parts: EdgeParts, problems: Refusals, route: str = "") -> None:
        super().__init__(name, route, parts, problems)
        self._answering = answering

    async def _answer(self, call: Call) -> tuple[Reply, Pieces | None]:
        answer = await self._answering(call.request)
        return (answer, None) if isinstance(answer, Reply) else answer
