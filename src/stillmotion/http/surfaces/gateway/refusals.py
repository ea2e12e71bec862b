"""The gateway's refusals: the founding document's statuses and bodies."""

from typing import Final

from stillmotion.domain.errors import (
    AccessDenied,
    Field,
    GenerationNotFound,
    InvalidRequest,
    LimitExceeded,
    NotAuthenticated,
    QuotaSpent,
    SessionRefused,
    Unavailable,
)
from stillmotion.http.edge.refusals import EndpointNotFound, FieldNames, RefusalRule, Refusals, in_words
from stillmotion.http.surfaces.gateway.wire import Error, FieldProblem, InvalidParameters, TaskNotFound

KEY_HEADER = "Ocp-Apim-Subscription-Key"

_INVALID = "Invalid request parameters"
_EXAMPLE = FieldProblem("prompt", "must not be blank: say what should happen in the video")
_UNEXPECTED = Error("An unexpected error occurred, please try again later")
_CHALLENGE = f'SubscriptionKey realm="Stillmotion", name="{KEY_HEADER}", type="header"'


FIELDS: Final[FieldNames] = {
    **{each: each.value for each in Field},
    **dict.fromkeys((Field.FRAME0, Field.FRAME0_URL, Field.FRAME0_ID), "url"),
    **dict.fromkeys((Field.FRAME1, Field.FRAME1_URL, Field.FRAME1_ID), "end_url"),
    Field.SECONDS: "duration",
}
"""Fields of the founding document by the domain's; a caller cannot ask for a field without a name here."""


def _details(error: InvalidRequest) -> InvalidParameters:
    told = (FieldProblem(each.field, each.message) for each in in_words(error, FIELDS))
    return InvalidParameters(_INVALID, tuple(told))


def _sentence(error: SessionRefused) -> Error:
    text = str(error)
    return Error(text[:1].upper() + text[1:])


PROBLEMS = Refusals(
    [
        RefusalRule(
            InvalidRequest,
            400,
            "the JSON is malformed, or a field is missing, blank, too long, unknown or refused",
            InvalidParameters(_INVALID, (_EXAMPLE,)),
            detailed=_details,
        ),
        RefusalRule(
            NotAuthenticated,
            401,
            "there is no key or more than one, the key is unknown or revoked, or its subscription is not active",
            Error("Invalid or missing authentication"),
            headers=(("WWW-Authenticate", _CHALLENGE),),
        ),
        RefusalRule(
            AccessDenied,
            403,
            "the product does not include this surface, model or action",
            Error("Access denied for this operation"),
        ),
        RefusalRule(
            SessionRefused,
            403,
            "the session is a reader's and this is a change, or another site's page may have asked",
            Error("A session is used from this server's own pages alone: send a key, or Sec-Fetch-Site: same-origin"),
            detailed=_sentence,
        ),
        RefusalRule(
            QuotaSpent,
            403,
            "the month's quota is spent",
            Error("Access denied for this operation"),
            retry_after=True,
        ),
        RefusalRule(
            EndpointNotFound, 404, "the path is unknown, or known with another method", Error("Endpoint not found")
        ),
        RefusalRule(
            GenerationNotFound,
            404,
            "the task is unknown or another subscription's",
            TaskNotFound("failed", "task not found"),
        ),
        RefusalRule(
            LimitExceeded,
            429,
            "there were too many requests in a minute, or too many generations are unfinished",
            Error("Rate limit exceeded, please retry later"),
            retry_after=True,
        ),
        RefusalRule(Exception, 500, "there is a bug: the log has the request id", _UNEXPECTED),
        RefusalRule(
            Unavailable,
            503,
            "the database or the storage does not answer just now",
            _UNEXPECTED,
            retry_after=True,
        ),
    ]
)
