"""An operation as an ASGI application: authenticate, read, decode, call, encode; refuse in the surface's own words."""

import asyncio
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Generic

import structlog

from stillmotion.application.access import Allowance, check_surface
from stillmotion.application.ports import IdempotencyKey
from stillmotion.domain.errors import (
    ConcurrencyLimitExceeded,
    InvalidRequest,
    LimitExceeded,
    Problem,
    RateLimitExceeded,
    Refused,
    Unavailable,
)
from stillmotion.domain.quotas import RateWindow
from stillmotion.domain.subscriptions import Product
from stillmotion.http.asgi import (
    HEADERS,
    JSON_TYPE,
    NO_STORE,
    ClientGone,
    Header,
    Headers,
    Receive,
    Scope,
    Send,
)
from stillmotion.http.body import PLAIN_CAP, BodyReader, apart_if_large
from stillmotion.http.decoding import QueryDecoder, Wire, WireDecoder
from stillmotion.http.metrics import Metrics
from stillmotion.http.operation import Answer, Call, Operation, Surface
from stillmotion.http.services import Services

_IDEMPOTENCY_KEY = re.compile(rb"([!-~]{1,255})[ \t]*")
_LOG = structlog.get_logger("stillmotion.http")


@dataclass(frozen=True, slots=True)
class EdgeParts:
    """What all endpoints of one application share."""

    services: Services
    reader: BodyReader
    metrics: Metrics
    request_ids: Iterator[bytes]


class Endpoint(Generic[Wire]):
    """The ASGI application of one operation."""

    def __init__(self, operation: Operation[Wire], surface: Surface, edge: EdgeParts) -> None:
        self._operation = operation
        self._surface = surface
        self._services = edge.services
        self._reader = edge.reader
        self._request_ids = edge.request_ids
        self._metrics = edge.metrics.of(operation.operation_id)
        self._decode = WireDecoder(operation.wire)
        self._decode_query = QueryDecoder(operation.wire)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        services = self._services
        started = services.clock.monotonic()
        call = Call(services, scope, next(self._request_ids))
        try:
            status, body, headers = await self._succeed(call, receive)
        except ClientGone:
            return
        except Exception as error:
            status, body, headers = self._refuse(error, call)
        headers.append((b"x-request-id", call.request_id))
        if status != HTTPStatus.NO_CONTENT:
            headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        self._metrics.observe(status, services.clock.monotonic() - started)

    async def _succeed(self, call: Call, receive: Receive) -> tuple[int, bytes, list[Header]]:
        operation, services = self._operation, self._services
        headers: Headers = call.scope[HEADERS]
        key = self._surface.key_of(headers, call.scope["query_string"])
        call.subscription = subscription = await services.access.authenticate(key)
        if not operation.submits:
            call.allowance = services.read_limits.spend(subscription)
        if not self._surface.comes_with_all:
            check_surface(subscription, self._surface.name)
        if operation.takes_body:
            body = await self._reader.read(headers, receive, pictures=operation.submits)
            call.size = len(body)
            wire = self._decode(body) if call.size <= PLAIN_CAP else await asyncio.to_thread(self._decode, body)
            if operation.submits:
                if services.is_closing():
                    raise Unavailable("the server is shutting down")
                call.idempotency = await _idempotency(headers, body)
        else:
            wire = self._decode_query(call.scope["query_string"])
        answer = await operation.handle(call, subscription, wire)
        return answer.status, answer.body, self._headers(answer, subscription.product, call.allowance)

    def _headers(self, answer: Answer, product: Product, allowance: Allowance | None) -> list[Header]:
        if answer.window is not None:
            allowance = self._submits_left(answer.window, product.submits_per_minute)
        headers = [JSON_TYPE, NO_STORE] if allowance is None else [JSON_TYPE, NO_STORE, *limit_headers(allowance)]
        generation = answer.generation
        if generation is not None:
            headers.append((b"x-stillmotion-engine", generation.engine.encode("ascii", "replace")))
            headers.append((b"x-stillmotion-progress", b"%.2f" % generation.progress))
        return headers

    def _submits_left(self, window: RateWindow, limit: int) -> Allowance:
        return Allowance(limit, max(0, limit - window.spent), window.seconds_left(self._services.clock.now()))

    def _refuse(self, error: Exception, call: Call) -> tuple[int, bytes, list[Header]]:
        """The answer to an error. A submit that was refused counts as a read, so that refusals are limited too."""
        if not isinstance(error, Refused):
            self._log(error, call)
        limits: list[Header] = []
        if call.subscription is not None:
            try:
                call.allowance = call.allowance or self._services.read_limits.spend(call.subscription)
            except RateLimitExceeded as flooded:
                error = flooded
            allowance = _refused_by(error, call.subscription.product, call.allowance)
            limits = [] if allowance is None else limit_headers(allowance)
        reply = self._surface.problems.reply(error)
        return reply.status, reply.body, [*reply.headers, *limits]

    def _log(self, error: Exception, call: Call) -> None:
        about = {"operation": self._operation.operation_id, "request_id": call.request_id.decode("ascii")}
        if isinstance(error, Unavailable):
            _LOG.warning("unavailable", **about, why=str(error))
        else:
            _LOG.error("request_failed", **about, exc_info=error)


def _refused_by(error: Exception, product: Product, reads: Allowance | None) -> Allowance | None:
    """The limit that refused a request, or else the one of reads; without `reads` it was that which refused."""
    if isinstance(error, ConcurrencyLimitExceeded):
        return Allowance(product.concurrent_generations, 0, error.retry_after)
    if isinstance(error, LimitExceeded):
        limit = product.reads_per_minute if reads is None else product.submits_per_minute
        return Allowance(limit, 0, error.retry_after)
    return reads


def limit_headers(allowance: Allowance) -> list[Header]:
    """What is left of a limit, as every authenticated answer says it."""
    limit, remaining, reset = allowance
    return [
        (b"ratelimit-limit", b"%d" % limit),
        (b"ratelimit-remaining", b"%d" % remaining),
        (b"ratelimit-reset", b"%d" % reset),
    ]


async def _idempotency(headers: Headers, body: bytes) -> IdempotencyKey | None:
    key = headers.get(b"idempotency-key")
    if key is None:
        return None
    name = _IDEMPOTENCY_KEY.fullmatch(key)
    if name is None or b"idempotency-key" in headers.repeated:
        raise InvalidRequest(Problem("Idempotency-Key", "must be one header of 1 to 255 visible ASCII characters"))
    return IdempotencyKey(name[1].decode("ascii"), await apart_if_large(len(body), _digest, body))


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()
