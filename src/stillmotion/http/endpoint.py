"""An operation as an ASGI application: authenticate, read, decode, call, encode; refuse in the surface's own words."""

import asyncio
import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Generic

import structlog

from stillmotion.application.access import Allowance
from stillmotion.application.ports import Fingerprint, IdempotencyKey
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
    EXCHANGE,
    HEADERS,
    JSON_TYPE,
    NO_STORE,
    App,
    ClientGone,
    Headers,
    Message,
    Receive,
    Scope,
    Send,
    Whole,
    lines_of,
)
from stillmotion.http.body import PLAIN_CAP, BodyReader, apart_if_large
from stillmotion.http.decoding import QueryDecoder, Wire, WireDecoder
from stillmotion.http.metrics import Metrics
from stillmotion.http.multipart import FORM_TYPE
from stillmotion.http.operation import Answer, Call, Caller, Operation, Surface
from stillmotion.http.services import Services

_IDEMPOTENCY_KEY = re.compile(rb"([!-~]{1,255})[ \t]*")
_RETRY_COUNT = b"x-stainless-retry-count"
_NO_CONTENT = HTTPStatus.NO_CONTENT.value
_JSON_LINES = lines_of([JSON_TYPE, NO_STORE])
_LIMIT_LINES = b"ratelimit-limit: %d\r\nratelimit-remaining: %d\r\nratelimit-reset: %d\r\n"
"""What is left of a limit, as every authenticated answer says it: the fields of an `Allowance`."""
_LOG = structlog.get_logger("stillmotion.http")


@dataclass(frozen=True, slots=True)
class EdgeParts:
    """What all endpoints of one application share."""

    services: Services
    reader: BodyReader
    metrics: Metrics
    request_ids: Iterator[bytes]


class Endpoint(Generic[Caller, Wire]):
    """The ASGI application of one operation."""

    def __init__(self, operation: Operation[Caller, Wire], surface: Surface, edge: EdgeParts) -> None:
        self._operation = operation
        self._surface = surface
        self._services = edge.services
        self._reader = edge.reader
        self._request_ids = edge.request_ids
        self._metrics = edge.metrics.of(operation.operation_id)
        self._takes_body = operation.takes_body
        self._may_be_form = operation.is_form or bool(operation.files)
        self._decode = WireDecoder(operation.wire, operation.files)
        self._decode_query = QueryDecoder(operation.wire)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        services = self._services
        call = Call(services, scope, next(self._request_ids), services.clock.monotonic())
        try:
            answer = await self._succeed(call, receive)
            lines = self._lines(answer, call)
        except ClientGone:
            return
        except Exception as error:
            status, body, lines = self._refuse(error, call)
        else:
            if answer.sent_by is not None:
                await self._hand_over(answer.sent_by, call, lines, receive, send)
                return
            status, body = answer.status, answer.body
        exchange: Whole = scope[EXCHANGE]
        length = b"\r\n" if status == _NO_CONTENT else _length_line(len(body))
        await exchange.answer(status, b"".join((lines, b"x-request-id: ", call.request_id, length)), body)
        self._metrics.observe(status, services.clock.monotonic() - call.began_at)

    async def _hand_over(self, app: App, call: Call, lines: bytes, receive: Receive, send: Send) -> None:
        """Have an application answer, with our headers added; what is measured is the time until it begins."""
        clock = self._services.clock
        ours = [(name, value) for name, _, value in (line.partition(b": ") for line in lines.splitlines())]

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._metrics.observe(message["status"], clock.monotonic() - call.began_at)
                added = [*message["headers"], *ours, (b"x-request-id", call.request_id)]
                message = {**message, "headers": added}
            await send(message)

        with suppress(ClientGone):
            await app(call.scope, receive, sending)

    async def _succeed(self, call: Call, receive: Receive) -> Answer:
        operation, surface = self._operation, self._surface
        scope = call.scope
        headers: Headers = scope[HEADERS]
        key = surface.key_of(headers, scope["query_string"])
        caller: Any
        if surface.admit is None:
            access = self._services.access
            caller = call.subscription = access.known(key, call.began_at) or await access.authenticate(key)
            if not operation.submits:
                call.allowance = self._services.read_limits.spend(caller, call.began_at)
            if not surface.comes_with_all:
                caller.product.check_surface(surface.name)
        else:
            caller = surface.admit(call, key)
        if self._takes_body:
            body = None if self._may_be_form else self._reader.at_hand(scope)
            if body is None:
                wire, body = await self._take(call, headers, receive)
            else:
                call.size = len(body)
                wire = self._decode(body)
            if operation.submits:
                await _recognise(call, headers, body, blind_retries=surface.blind_retries)
        else:
            wire = self._decode_query(scope["query_string"])
        if operation.submits and self._services.is_closing():
            raise Unavailable("the server is shutting down")
        return await operation.handle(call, caller, wire)

    async def _take(self, call: Call, headers: Headers, receive: Receive) -> tuple[Wire, bytes]:
        """What came in, and the bytes that it is told again by."""
        operation = self._operation
        if operation.is_form or (operation.files and headers.get(b"content-type", b"").lower().startswith(FORM_TYPE)):
            form = await self._reader.read_form(headers, receive)
            call.files = form.files
            body = form.content if operation.submits else b""
            call.size = len(body)
            return self._decode.of_form(form), body
        body = await self._reader.read(headers, receive, pictures=operation.submits)
        call.size = len(body)
        return self._decode(body) if call.size <= PLAIN_CAP else await asyncio.to_thread(self._decode, body), body

    def _lines(self, answer: Answer, call: Call) -> bytes:
        """The headers of a success, but for the request's id and the body's length."""
        allowance, generation = call.allowance, answer.generation
        if answer.window is not None and call.subscription is not None:
            allowance = self._submits_left(answer.window, call.subscription.product.submits_per_minute)
        limits = b"" if allowance is None else _LIMIT_LINES % allowance
        kind = _JSON_LINES if answer.sent_by is None else b""
        if generation is None:
            return kind + limits
        return kind + limits + _generation_lines(generation.engine, generation.progress)

    def _submits_left(self, window: RateWindow, limit: int) -> Allowance:
        return Allowance(limit, max(0, limit - window.spent), window.seconds_left(self._services.clock.now()))

    def _refuse(self, error: Exception, call: Call) -> tuple[int, bytes, bytes]:
        """The answer to an error. A submit that was refused counts as a read, so that refusals are limited too."""
        if not isinstance(error, Refused):
            self._log(error, call)
        limits = b""
        if call.subscription is not None:
            try:
                call.allowance = call.allowance or self._services.read_limits.spend(call.subscription, call.began_at)
            except RateLimitExceeded as flooded:
                error = flooded
            allowance = _refused_by(error, call.subscription.product, call.allowance)
            limits = b"" if allowance is None else _LIMIT_LINES % allowance
        reply = self._surface.problems.reply(error)
        return reply.status, reply.body, lines_of(reply.headers) + limits

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


@lru_cache(maxsize=1024)
def _length_line(length: int) -> bytes:
    """The end of a request id's line, and the line of a body's length: many are as long as others."""
    return b"\r\ncontent-length: %d\r\n" % length


@lru_cache(maxsize=1024)
def _generation_lines(engine: str, progress: float) -> bytes:
    """What really renders it, and how far it is. Most of what is asked for has not begun or is done."""
    line = lines_of([(b"x-stillmotion-engine", engine.encode("ascii", "replace"))])
    return b"%bx-stillmotion-progress: %.2f\r\n" % (line, progress)


async def _recognise(call: Call, headers: Headers, body: bytes, *, blind_retries: bool) -> None:
    """Note what tells this submit again: the name it was given, else where it went and its body."""
    name = _name(headers)
    if name is None and not blind_retries:
        return
    digest = await apart_if_large(len(body), _digest, call.scope["path"], body)
    if name is None:
        call.fingerprint = Fingerprint(digest, is_retry=_is_retry(headers))
    else:
        call.idempotency = IdempotencyKey(name, digest)


def _name(headers: Headers) -> str | None:
    key = headers.get(b"idempotency-key")
    if key is None:
        return None
    name = _IDEMPOTENCY_KEY.fullmatch(key)
    if name is None or b"idempotency-key" in headers.repeated:
        raise InvalidRequest(Problem("Idempotency-Key", "must be one header of 1 to 255 visible ASCII characters"))
    return name[1].decode("ascii")


def _is_retry(headers: Headers) -> bool:
    """Whether an SDK says that it sent this before: it names its submits in no other way."""
    count = headers.get(_RETRY_COUNT)
    return count is not None and count.isdigit() and count.strip(b"0") != b""


def _digest(path: str, body: bytes) -> bytes:
    digest = hashlib.sha256(path.encode("utf-8", "surrogatepass"))
    digest.update(b"\0")
    digest.update(body)
    return digest.digest()
