"""An operation as an ASGI application: authenticate, read, decode, call, encode; refuse in the surface's own words."""

import asyncio
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from stillmotion.application.access import check_surface
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
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.asgi import (
    JSON_TYPE,
    NO_STORE,
    ClientGone,
    Header,
    Headers,
    Receive,
    Reply,
    Scope,
    Send,
    send_reply,
)
from stillmotion.http.body import PLAIN_CAP, BodyReader
from stillmotion.http.decoding import Wire, WireDecoder
from stillmotion.http.links import Links
from stillmotion.http.metrics import Metrics
from stillmotion.http.operation import Answer, Call, Operation, Surface
from stillmotion.http.services import Services

Result = TypeVar("Result")

_IDEMPOTENCY_KEY = re.compile(rb"[!-~]{1,255}")
_LOG = structlog.get_logger("stillmotion.http")


async def apart_if_large(size: int, work: Callable[..., Result], *arguments: object) -> Result:
    """Do `work`, in a thread where it handles a body so large that other callers would notice."""
    return work(*arguments) if size <= PLAIN_CAP else await asyncio.to_thread(work, *arguments)


@dataclass(frozen=True, slots=True)
class EdgeParts:
    """What all endpoints of one application share."""

    services: Services
    reader: BodyReader
    metrics: Metrics
    request_ids: Iterator[str]


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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        monotonic = self._services.clock.monotonic
        started = monotonic()
        visit = Visit(next(self._request_ids))
        try:
            reply = await self._succeed(scope, receive, visit)
        except ClientGone:
            return
        except Exception as error:
            reply = self._refuse(error, visit)
        await send_reply(send, reply)
        self._metrics.observe(reply.status, monotonic() - started)

    async def _succeed(self, scope: Scope, receive: Receive, visit: "Visit") -> Reply:
        services = self._services
        operation = self._operation
        headers = Headers(scope["headers"])
        key = self._surface.key_of(headers, scope["query_string"])
        visit.subscription = subscription = await services.access.authenticate(key)
        if not operation.submits:
            visit.window = services.read_limits.spend(subscription)
        check_surface(subscription, self._surface.name)
        body = await self._reader.read(headers, receive, pictures=operation.submits)
        size = len(body)
        wire = self._decode(body) if size <= PLAIN_CAP else await asyncio.to_thread(self._decode, body)
        idempotency = await _idempotency(headers, body) if operation.submits else None
        links = Links(services.asset_urls, scope, services.public_url)
        answer = await operation.handle(
            Call(services.generations, subscription, wire, size, idempotency, links)
        )
        return self._reply(answer, subscription, visit)

    def _reply(self, answer: Answer, subscription: Subscription, visit: "Visit") -> Reply:
        product = subscription.product
        window, limit = visit.window, product.reads_per_minute
        if answer.window is not None:
            window, limit = answer.window, product.submits_per_minute
        headers = [JSON_TYPE, NO_STORE, visit.named()]
        if window is not None:
            headers += self._allowance(limit, window)
        generation = answer.generation
        if generation is not None:
            headers.append((b"x-stillmotion-engine", generation.engine.encode("ascii", "replace")))
            headers.append((b"x-stillmotion-progress", b"%.2f" % generation.progress))
        return Reply(answer.status, answer.body, headers)

    def _refuse(self, error: Exception, visit: "Visit") -> Reply:
        """The answer to an error. A submit that was refused counts as a read, so that refusals are limited too."""
        if not isinstance(error, Refused):
            self._log(error, visit)
        limits: list[Header] = []
        if visit.subscription is not None:
            try:
                visit.window = visit.window or self._services.read_limits.spend(visit.subscription)
            except RateLimitExceeded as flooded:
                error = flooded
            limits = self._limits_shown(error, visit.subscription, visit.window)
        reply = self._surface.problems.reply(error)
        return Reply(reply.status, reply.body, [*reply.headers, visit.named(), *limits])

    def _limits_shown(
        self, error: Exception, subscription: Subscription, window: RateWindow | None
    ) -> list[Header]:
        """The limit that refused the request, or else the one of reads; without a `window` reads are refused."""
        product = subscription.product
        if isinstance(error, ConcurrencyLimitExceeded):
            return _limit_headers(product.concurrent_generations, 0, error.retry_after)
        if isinstance(error, LimitExceeded):
            limit = product.reads_per_minute if window is None else product.submits_per_minute
            return _limit_headers(limit, 0, error.retry_after)
        return [] if window is None else self._allowance(product.reads_per_minute, window)

    def _allowance(self, limit: int, window: RateWindow) -> list[Header]:
        return _limit_headers(limit, max(0, limit - window.spent), window.seconds_left(self._services.clock.now()))

    def _log(self, error: Exception, visit: "Visit") -> None:
        about = {"operation": self._operation.operation_id, "request_id": visit.request_id}
        if isinstance(error, Unavailable):
            _LOG.warning("unavailable", **about, why=str(error))
        else:
            _LOG.error("request_failed", **about, exc_info=error)


@dataclass(slots=True)
class Visit:
    """What is known of a request so far: needed most where it goes wrong."""

    request_id: str
    subscription: Subscription | None = None
    window: RateWindow | None = None

    def named(self) -> Header:
        """The header that names the request."""
        return (b"x-request-id", self.request_id.encode("ascii"))


def _limit_headers(limit: int, remaining: int, reset: int) -> list[Header]:
    return [
        (b"ratelimit-limit", b"%d" % limit),
        (b"ratelimit-remaining", b"%d" % remaining),
        (b"ratelimit-reset", b"%d" % reset),
    ]


async def _idempotency(headers: Headers, body: bytes) -> IdempotencyKey | None:
    key = headers.get(b"idempotency-key")
    if key is None:
        return None
    if b"idempotency-key" in headers.repeated or not _IDEMPOTENCY_KEY.fullmatch(key):
        raise InvalidRequest(Problem("Idempotency-Key", "must be one header of 1 to 255 visible ASCII characters"))
    return IdempotencyKey(key.decode("ascii"), await apart_if_large(len(body), _digest, body))


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()
