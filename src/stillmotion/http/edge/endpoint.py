"""Endpoint of an operation: authenticate, read, decode, call, encode."""

import asyncio
import hashlib
import re
from typing import Any, Generic

import structlog
from aiohttp import hdrs
from multidict import istr

from stillmotion.application.access import Allowance
from stillmotion.application.ports.store import Fingerprint, IdempotencyKey
from stillmotion.domain.errors import (
    ConcurrencyLimitExceeded,
    InvalidRequest,
    LimitExceeded,
    Problem,
    RateLimitExceeded,
    Unavailable,
)
from stillmotion.domain.generation import GenerationView
from stillmotion.domain.quotas import RateWindow
from stillmotion.domain.subscriptions import Product
from stillmotion.http.edge.error_boundary import Boundary, EdgeParts
from stillmotion.http.edge.operation import Call, Caller, Operation, OperationResult, Surface
from stillmotion.http.edge.visits import recognise, subscription_of
from stillmotion.http.parsing.body import PLAIN_CAP, apart_if_large
from stillmotion.http.parsing.decoding import QueryDecoder, Wire, WireDecoder
from stillmotion.http.parsing.multipart import FORM_TYPE
from stillmotion.http.server.replies import JSON_TYPE, NO_STORE, Header, Reply
from stillmotion.http.server.request import Request
from stillmotion.http.server.streams import Pieces

_IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")
_RETRY_COUNT = "X-Stainless-Retry-Count"
_LIMIT, _REMAINING, _RESET = map(istr, ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"))
_ENGINE, _PROGRESS = map(istr, ("X-Stillmotion-Engine", "X-Stillmotion-Progress"))
_LOG = structlog.get_logger("stillmotion.http")


class Endpoint(Boundary, Generic[Caller, Wire]):
    """Endpoint of one operation."""

    def __init__(self, operation: Operation[Caller, Wire], surface: Surface, parts: EdgeParts) -> None:
        super().__init__(operation.operation_id, operation.path, parts, surface.problems)
        self._operation = operation
        self._surface = surface
        self._reader = parts.reader
        self._takes_body = operation.takes_body
        self._may_be_form = operation.is_form or bool(operation.files)
        self._decode = WireDecoder(operation.wire, operation.files)
        self._decode_query = QueryDecoder(operation.wire)

    async def _answer(self, call: Call) -> tuple[Reply, Pieces | None]:
        operation, request = self._operation, call.request
        caller = await self._admit(call)
        if self._takes_body:
            body = None if self._may_be_form else self._reader.at_hand(request)
            if body is None:
                wire, body = await self._take(call)
            else:
                call.size = len(body)
                wire = self._decode(body)
            if operation.submits:
                await _recognise(call, body, blind_retries=self._surface.blind_retries)
        else:
            wire = self._decode_query(request.raw_query)
        if operation.submits and self._services.draining.has_begun:
            raise Unavailable("the server is shutting down")
        answer = await operation.handle(call, caller, wire)
        if operation.submits and answer.generation is not None:
            self._tell(call, answer.generation)
        if answer.streamed_by is None:
            return Reply(answer.status, answer.body, self._headers(answer, call, JSON_TYPE, NO_STORE)), None
        reply, pieces = await answer.streamed_by(request)
        return reply._replace(headers=self._headers(answer, call, *reply.headers)), pieces

    async def _admit(self, call: Call) -> Any:
        """The authenticated caller of a request, with this read counted. Raises as the surface's table has it."""
        surface, services = self._surface, self._services
        key = call.key = surface.key_of(call.request.headers, call.request.raw_query)
        if key is None and hdrs.COOKIE in call.request.headers:
            await recognise(call, changes=self._operation.changes)
        if surface.admit is not None:
            return surface.admit(call, key)
        # Nearly every key is known: a poll of one awaits nothing here.
        known = services.access.known(key, call.began_at)
        caller = call.subscription = known or await subscription_of(call)
        if not self._operation.submits:
            call.allowance = services.read_limits.spend(caller, call.began_at)
        if not surface.comes_with_all:
            caller.product.check_surface(surface.name)
        return caller

    def _tell(self, call: Call, generation: GenerationView) -> None:
        """Log an accepted generation with the id of its request, which the answer and the access line have too."""
        call.accepted = generation.id
        about = {"generation": generation.id, "request_id": call.request_id, "surface": self._surface.name}
        _LOG.info("generation_accepted", **about, engine=generation.engine, subscription=call.owner)

    async def _take(self, call: Call) -> tuple[Wire, bytes]:
        """The decoded body, and the bytes by which a repeated submit is detected."""
        operation, request = self._operation, call.request
        is_form = request.headers.get("Content-Type", "").lower().startswith(FORM_TYPE)
        if operation.is_form or (operation.files and is_form):
            form = await self._reader.read_form(request, call.held, call.owner)
            call.files = form.files
            body = form.content if operation.submits else b""
            call.size = len(body)
            return self._decode.of_form(form), body
        pictures = operation.submits or operation.holds_pictures
        kinds = f"application/json or {FORM_TYPE}" if operation.files else "application/json"
        body = await self._reader.read(request, call.held, call.owner, pictures=pictures, kinds=kinds)
        call.size = len(body)
        return self._decode(body) if call.size <= PLAIN_CAP else await asyncio.to_thread(self._decode, body), body

    def _headers(self, answer: OperationResult, call: Call, *first: Header) -> list[Header]:
        """The headers of a success: the `first`, the rate limit, the operation's own, the engine and the progress."""
        allowance, generation = call.allowance, answer.generation
        if answer.window is not None and call.subscription is not None:
            allowance = self._submits_left(answer.window, call.subscription.product.submits_per_minute)
        headers = [*first, *_limit_headers(allowance), *answer.headers]
        if generation is not None:
            headers.append((_ENGINE, generation.engine))
            headers.append((_PROGRESS, f"{generation.progress:.2f}"))
        return headers

    def _submits_left(self, window: RateWindow, limit: int) -> Allowance:
        return Allowance(limit, max(0, limit - window.spent), window.seconds_left(self._services.clock.now()))

    def _refuse(self, error: Exception, call: Call) -> Reply:
        """See `Boundary`. A refused submit counts as a read, so that a flood of refused submits is limited too."""
        reply = super()._refuse(error, call)
        if call.subscription is None:
            return reply
        try:
            call.allowance = call.allowance or self._services.read_limits.spend(call.subscription, call.began_at)
        except RateLimitExceeded as flooded:
            error, reply = flooded, self._problems.reply(flooded)
        reply.headers.extend(_limit_headers(_refused_by(error, call.subscription.product, call.allowance)))
        return reply


def _refused_by(error: Exception, product: Product, reads: Allowance | None) -> Allowance | None:
    """The limit that an error is about, or else that of `reads`. Without `reads`, the limit of reads was exceeded."""
    if isinstance(error, ConcurrencyLimitExceeded):
        return Allowance(product.concurrent_generations, 0, error.retry_after)
    if isinstance(error, LimitExceeded):
        limit = product.reads_per_minute if reads is None else product.submits_per_minute
        return Allowance(limit, 0, error.retry_after)
    return reads


def _limit_headers(allowance: Allowance | None) -> list[Header]:
    """The `RateLimit` headers of an authenticated answer."""
    if allowance is None:
        return []
    limit, remaining, reset = allowance
    return [(_LIMIT, str(limit)), (_REMAINING, str(remaining)), (_RESET, str(reset))]


async def _recognise(call: Call, body: bytes, *, blind_retries: bool) -> None:
    """Set by what a repeated submit is detected: the Idempotency-Key, else a hash of path and body."""
    name = _idempotency_key(call.request)
    if name is None and not blind_retries:
        return
    digest = await apart_if_large(len(body), _digest, call.request.route, body)
    if name is None:
        call.fingerprint = Fingerprint(digest, is_retry=_is_retry(call.request))
    else:
        call.idempotency = IdempotencyKey(name, digest)


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    key = key.strip(" \t")
    if _IDEMPOTENCY_KEY.fullmatch(key) is None or request.has_twice("Idempotency-Key"):
        raise InvalidRequest(Problem("Idempotency-Key", "must be one header of 1 to 255 visible ASCII characters"))
    return key


def _is_retry(request: Request) -> bool:
    """True for a retry as the SDKs of Stainless mark it. They send no Idempotency-Key."""
    count = request.headers.get(_RETRY_COUNT, "")
    return count.isascii() and count.isdigit() and count.strip("0") != ""


def _digest(path: str, body: bytes) -> bytes:
    digest = hashlib.sha256(path.encode("utf-8", "surrogatepass"))
    digest.update(b"\0")
    digest.update(body)
    return digest.digest()
