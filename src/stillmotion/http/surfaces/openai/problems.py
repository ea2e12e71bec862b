"""The videos API's refusals: one object, `error`, with a sentence, a type, a parameter and a code."""

from collections.abc import Mapping

from stillmotion.domain.errors import (
    AccessDenied,
    GenerationNotFound,
    IdempotencyConflict,
    InvalidRequest,
    LimitExceeded,
    NotAuthenticated,
    Problem,
    QuotaSpent,
    Unavailable,
)
from stillmotion.http.bearer import CHALLENGE
from stillmotion.http.problems import EndpointNotFound, MethodNotAllowed, Problems, Row
from stillmotion.http.replies import Header
from stillmotion.http.surfaces.openai.wire import Error, ErrorDetail

_INVALID, _SERVER = "invalid_request_error", "server_error"
_UNEXPECTED = "An unexpected error occurred, please try again later"
_GIVE_UP: Header = ("X-Should-Retry", "false")
"""Tells the client that asking again soon is of no use."""

_PARAMETERS: Mapping[str, str] = {
    "url": "input_reference",
    "keyframes.frame0": "input_reference",
    "duration": "seconds",
}
"""What the application calls otherwise."""


def _error(message: str, kind: str = _INVALID, param: str | None = None, code: str | None = None) -> Error:
    return Error(ErrorDetail(message, kind, param, code))


def _named(problem: Problem) -> tuple[str, str]:
    """The parameter that a problem is about, and the sentence. A model that needs an end picture gets none here."""
    if problem.field == "keyframes.frame1":
        return "model", f"cannot be used with this API: {problem.message.partition(': ')[2]}"
    return _PARAMETERS.get(problem.field, problem.field), problem.message


def _detailed(error: InvalidRequest, code: str | None = None) -> Error:
    problems = [_named(each) for each in error.problems]
    return _error("; ".join(f"{field}: {message}" for field, message in problems), param=problems[0][0], code=code)


def _conflict(error: IdempotencyConflict) -> Error:
    return _detailed(error, "idempotency_conflict")


PROBLEMS = Problems(
    [
        Row(
            InvalidRequest,
            400,
            "the body is malformed, or a field is missing, blank, too long, unknown or refused",
            _error("size: must be a string like 1280x720, width times height", param="size"),
            detailed=_detailed,
        ),
        Row(
            NotAuthenticated,
            401,
            "there is no key or more than one, the key is unknown or revoked, or its subscription is not active",
            _error("Invalid or missing authentication", code="invalid_api_key"),
            headers=(CHALLENGE,),
        ),
        Row(
            AccessDenied,
            403,
            "the product does not include this surface, model or action",
            _error("Access denied for this operation", "permission_error", code="access_denied"),
        ),
        Row(
            QuotaSpent,
            403,
            "the month's quota is spent",
            _error("The quota of this month is spent", "permission_error", code="insufficient_quota"),
            headers=(_GIVE_UP,),
            retry_after=True,
        ),
        Row(EndpointNotFound, 404, "the path is unknown", _error("There is no such endpoint", code="unknown_url")),
        Row(
            GenerationNotFound,
            404,
            "the video is unknown or another subscription's",
            _error("There is no such video", param="video_id", code="video_not_found"),
        ),
        Row(
            MethodNotAllowed,
            405,
            "the path is there for other methods",
            _error("This endpoint has no such method", code="method_not_allowed"),
        ),
        Row(
            IdempotencyConflict,
            422,
            "the Idempotency-Key was used before, with another body",
            _conflict(IdempotencyConflict()),
            detailed=_conflict,
        ),
        Row(
            LimitExceeded,
            429,
            "there were too many requests in a minute, or too many videos are unfinished",
            _error("Rate limit exceeded, please retry later", "rate_limit_error", code="rate_limit_exceeded"),
            retry_after=True,
        ),
        Row(Exception, 500, "there is a bug: the log has the request id", _error(_UNEXPECTED, _SERVER)),
        Row(
            Unavailable,
            503,
            "the database or the storage does not answer just now",
            _error(_UNEXPECTED, _SERVER),
            retry_after=True,
        ),
    ]
)
