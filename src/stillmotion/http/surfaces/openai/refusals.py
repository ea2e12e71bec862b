"""The videos API's refusals: one object, `error`, with a sentence, a type, a parameter and a code."""

from collections.abc import Callable
from typing import Final

from stillmotion.domain.errors import (
    AccessDenied,
    CursorNotFound,
    Field,
    GenerationNotFound,
    IdempotencyConflict,
    InvalidRequest,
    LimitExceeded,
    ModelNotFound,
    NotAuthenticated,
    Problem,
    QuotaSpent,
    Reason,
    SessionRefused,
    TurnedAway,
    Unavailable,
)
from stillmotion.http.edge.bearer import CHALLENGE
from stillmotion.http.edge.refusals import (
    EndpointNotFound,
    FieldNames,
    MethodNotAllowed,
    RefusalRule,
    Refusals,
    in_words,
)
from stillmotion.http.server.replies import Header
from stillmotion.http.surfaces.openai.wire import ErrorDetail, VideoError

_INVALID, _SERVER = "invalid_request_error", "server_error"
_UNEXPECTED = "An unexpected error occurred, please try again later"
_GIVE_UP: Header = ("X-Should-Retry", "false")
"""Header that keeps the SDK from useless retries."""

_NAME_SHOWN = 100
"""Most characters of an unknown model's name that a refusal repeats."""

FIELDS: Final[FieldNames] = {
    **{each: each.value for each in Field},
    **dict.fromkeys((Field.FRAME0, Field.FRAME0_URL, Field.FRAME0_ID), "input_reference"),
    # A model that needs an end picture gets none here.
    **dict.fromkeys((Field.FRAME1, Field.FRAME1_URL, Field.FRAME1_ID, Field.LOOP), "model"),
    **dict.fromkeys((Field.ASPECT_RATIO, Field.RESOLUTION), "size"),
}


def _error(message: str, kind: str = _INVALID, param: str | None = None, code: str | None = None) -> VideoError:
    return VideoError(ErrorDetail(message, kind, param, code))


def _told(problem: Problem) -> Problem:
    if problem.field == Field.FRAME1:
        return Problem(problem.field, f"cannot be used with this API: {problem.message.partition(': ')[2]}")
    return problem


def _detailed(error: InvalidRequest, code: str | None = None) -> VideoError:
    problems = in_words(InvalidRequest(*map(_told, error.problems)), FIELDS)
    sentences = [f"{each.field}: {each.message}" for each in problems]
    return _error("; ".join(sentences), param=problems[0].field, code=code)


def _no_model(error: ModelNotFound) -> VideoError:
    asked = error.model[:_NAME_SHOWN].encode("utf-8", "replace").decode("utf-8")
    sentence = f"The model '{asked}' does not exist or you do not have access to it."
    return _error(sentence, param="model", code="model_not_found")


def _turned_away(sentence: str, kind: str, code: str | None = None) -> Callable[[TurnedAway], VideoError]:
    """Refusal of a cause, with our own code where the API has none for it."""
    return lambda error: _error(f"{sentence}: {error}", kind, code=code or error.reason.value)


_NOT_AUTHENTICATED = _turned_away("Invalid or missing authentication", _INVALID, "invalid_api_key")
_DENIED = _turned_away("Access denied for this operation", "permission_error")
_LIMITED = _turned_away("Rate limit exceeded, please retry later", "rate_limit_error", "rate_limit_exceeded")


def _conflict(error: IdempotencyConflict) -> VideoError:
    return _detailed(error, "idempotency_conflict")


PROBLEMS = Refusals(
    [
        RefusalRule(
            InvalidRequest,
            400,
            "the body is malformed, or a field is missing, blank, too long, unknown or refused",
            _error("size: must be a string like 1280x720, width times height", param="size"),
            detailed=_detailed,
        ),
        RefusalRule(
            NotAuthenticated,
            401,
            "there is no key or more than one, the key is unknown or revoked, or its subscription is not active",
            _NOT_AUTHENTICATED(NotAuthenticated("the key is unknown")),
            detailed=_NOT_AUTHENTICATED,
            headers=(CHALLENGE,),
        ),
        RefusalRule(
            AccessDenied,
            403,
            "the product does not include this surface, model or action",
            _DENIED(AccessDenied("the product basic does not include the model sora-2", Reason.MODEL_NOT_INCLUDED)),
            detailed=_DENIED,
        ),
        RefusalRule(
            SessionRefused,
            403,
            "the session is a reader's and this is a change, or another site's page may have asked",
            _DENIED(
                SessionRefused("this session may only read: sign in with the key, not as a reader", Reason.READ_ONLY)
            ),
            detailed=_DENIED,
        ),
        RefusalRule(
            QuotaSpent,
            403,
            "the month's quota is spent",
            _error("The quota of this month is spent", "permission_error", code="insufficient_quota"),
            headers=(_GIVE_UP,),
            retry_after=True,
        ),
        RefusalRule(
            EndpointNotFound, 404, "the path is unknown", _error("There is no such endpoint", code="unknown_url")
        ),
        RefusalRule(
            GenerationNotFound,
            404,
            "the video is unknown or another subscription's",
            _error("There is no such video", param="video_id", code="video_not_found"),
        ),
        RefusalRule(
            CursorNotFound,
            404,
            "a list is to begin after a video that is unknown or another subscription's",
            _error(
                "There is no such video: after must be the id of one of yours", param="after", code="video_not_found"
            ),
        ),
        RefusalRule(
            ModelNotFound,
            404,
            "the model is unknown, or the product does not include it",
            _no_model(ModelNotFound("sora-1")),
            detailed=_no_model,
        ),
        RefusalRule(
            MethodNotAllowed,
            405,
            "the path is there for other methods",
            _error("This endpoint has no such method", code="method_not_allowed"),
        ),
        RefusalRule(
            IdempotencyConflict,
            422,
            "the Idempotency-Key was used before, with another body",
            _conflict(IdempotencyConflict()),
            detailed=_conflict,
        ),
        RefusalRule(
            LimitExceeded,
            429,
            "there were too many requests in a minute, or too many videos are unfinished",
            _LIMITED(LimitExceeded("60 submits a minute are allowed", 60)),
            detailed=_LIMITED,
            retry_after=True,
        ),
        RefusalRule(Exception, 500, "there is a bug: the log has the request id", _error(_UNEXPECTED, _SERVER)),
        RefusalRule(
            Unavailable,
            503,
            "the database or the storage does not answer just now",
            _error(_UNEXPECTED, _SERVER),
            retry_after=True,
        ),
    ]
)
