"""The gateway's two operations."""

from urllib.parse import parse_qsl

from multidict import istr

from stillmotion.domain.errors import (
    AccessDenied,
    GenerationNotFound,
    InvalidRequest,
    LimitExceeded,
    NotAuthenticated,
    QuotaSpent,
    Reason,
    Unavailable,
)
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.edge.operation import Call, Operation, OperationResult, Surface
from stillmotion.http.edge.record_fields import record_headers
from stillmotion.http.parsing.body import apart_if_large
from stillmotion.http.parsing.decoding import KEY_PARAMETER
from stillmotion.http.server.replies import Headers
from stillmotion.http.surfaces.gateway import examples, wire
from stillmotion.http.surfaces.gateway.refusals import KEY_HEADER, PROBLEMS
from stillmotion.http.surfaces.gateway.translate import encode, to_request

NAME = "gateway"

_KEY_HEADER = istr(KEY_HEADER)
_MAX_PARAMETERS = 20


def key_of(headers: Headers, query: bytes) -> str | None:
    """The key of a request, in its header or else in its query.

    Raises `NotAuthenticated` for several keys.
    """
    sent = headers.getall(_KEY_HEADER, ())
    if len(sent) > 1:
        raise NotAuthenticated("there is more than one key header", Reason.SEVERAL_KEYS)
    if sent:
        return sent[0].strip()
    return _key_in(query) if query else None


def _key_in(query: bytes) -> str | None:
    try:
        parameters = parse_qsl(query.decode("latin-1"), max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        raise NotAuthenticated("the query has too many parameters", Reason.SEVERAL_KEYS) from None
    keys = [value for name, value in parameters if name == KEY_PARAMETER]
    if len(keys) > 1:
        raise NotAuthenticated("there is more than one key in the query", Reason.SEVERAL_KEYS)
    return keys[0] if keys else None


async def submit(call: Call, subscription: Subscription, submitted: wire.SubmitRequest) -> OperationResult:
    """Accept a generation."""
    request = await apart_if_large(call.size, to_request, submitted)
    accepted = await call.services.generations.submit(subscription, NAME, request, call.idempotency)
    view = await call.services.generations.shown(accepted)
    return OperationResult(encode(view, call.link_to), view, accepted.window, headers=record_headers(view))


async def get_status(call: Call, subscription: Subscription, asked: wire.StatusRequest) -> OperationResult:
    """The present state of a generation."""
    view = await call.services.generations.view(subscription, asked.task_id)
    return OperationResult(encode(view, call.link_to), view, headers=record_headers(view))


_SHARED = (InvalidRequest, NotAuthenticated, AccessDenied, LimitExceeded, Exception, Unavailable)

GATEWAY = Surface(
    name=NAME,
    key_of=key_of,
    problems=PROBLEMS,
    encode=encode,
    security_schemes={
        "subscriptionKeyHeader": {"type": "apiKey", "in": "header", "name": KEY_HEADER},
        "subscriptionKeyQuery": {"type": "apiKey", "in": "query", "name": KEY_PARAMETER},
    },
    operations=(
        Operation(
            operation_id="generateRequestFromImage",
            method="POST",
            path="/lumalabs-ai/v1/generateRequestFromImage",
            summary="Turn a picture and a sentence into a video",
            description="Answers at once with the queued generation; ask getStatus for what becomes of it.",
            wire=wire.SubmitRequest,
            answer=wire.Generation,
            example=examples.SUBMIT,
            answers={"queued": examples.QUEUED},
            refusals=(*_SHARED, QuotaSpent),
            handle=submit,
            submits=True,
            shows_record=True,
        ),
        Operation(
            operation_id="getStatus",
            method="POST",
            path="/lumalabs-ai-polling/v1/getStatus",
            summary="Look at a generation",
            description="Every answer to a completed generation holds fresh addresses of the video and the thumbnail.",
            wire=wire.StatusRequest,
            answer=wire.Generation,
            example=examples.GET_STATUS,
            answers={
                "queued": examples.QUEUED,
                "completed": examples.COMPLETED,
                "failed": examples.FAILED,
            },
            refusals=(*_SHARED, GenerationNotFound),
            only_reads=True,
            shows_record=True,
            handle=get_status,
        ),
    ),
)
