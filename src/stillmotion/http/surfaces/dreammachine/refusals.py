"""The Dream Machine's refusals: each a sentence in `detail`."""

from collections.abc import Callable
from typing import Final

from stillmotion.domain.errors import (
    AccessDenied,
    Field,
    GenerationNotFound,
    IdempotencyConflict,
    InvalidRequest,
    LimitExceeded,
    NotAuthenticated,
    Problem,
    QuotaSpent,
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
from stillmotion.http.parsing.strict_json import WrongShape
from stillmotion.http.server.replies import Header
from stillmotion.http.surfaces.dreammachine.wire import Detail

_UNEXPECTED = Detail("An unexpected error occurred, please try again later")
_GIVE_UP: Header = ("X-Should-Retry", "false")
"""Header that keeps the SDKs from useless retries."""


class Sentence(InvalidRequest):
    """Refusal in the API's own words, which do not name the `field`."""

    def __init__(self, sentence: str, field: str = "body") -> None:
        super().__init__(Problem(field, sentence))
        self.sentence = sentence


FIELDS: Final[FieldNames] = {
    **{each: each.value for each in Field},
    Field.FRAME0: "keyframes.frame0",
    Field.FRAME0_URL: "keyframes.frame0.url",
    Field.FRAME0_ID: "keyframes.frame0.id",
    Field.FRAME1: "keyframes.frame1",
    Field.FRAME1_URL: "keyframes.frame1.url",
    Field.FRAME1_ID: "keyframes.frame1.id",
    Field.SECONDS: "duration",
    Field.SOURCE: "id",
    Field.SOURCE_URL: "media.url",
}


def _detail(error: InvalidRequest) -> Detail:
    if isinstance(error, Sentence):
        return Detail(error.sentence)
    return Detail("; ".join(f"{each.field}: {each.message}" for each in in_words(error, FIELDS)))


def _because(sentence: str) -> Callable[[TurnedAway], Detail]:
    return lambda error: Detail(f"{sentence}: {error}")


PROBLEMS = Refusals(
    [
        RefusalRule(
            InvalidRequest,
            400,
            "a value is refused: the sentence names the field and the remedy",
            Detail("Prompt is too short, minimum length is 3 characters"),
            detailed=_detail,
        ),
        RefusalRule(
            WrongShape,
            422,
            "the body is not JSON of the shape described: a field is missing, unknown or of another type",
            Detail("aspect_ratio: must be one of 1:1, 16:9, 9:16, 4:3, 3:4, 21:9, 9:21"),
            detailed=_detail,
        ),
        RefusalRule(
            IdempotencyConflict,
            422,
            "the Idempotency-Key was used before, with another body",
            Detail("Idempotency-Key: was used before with another body; send a new key for a new request"),
            detailed=_detail,
        ),
        RefusalRule(
            NotAuthenticated,
            401,
            "there is no key or more than one, the key is unknown or revoked, or its subscription is not active",
            Detail("Invalid or missing authentication: the key is unknown"),
            detailed=_because("Invalid or missing authentication"),
            headers=(CHALLENGE,),
        ),
        RefusalRule(
            AccessDenied,
            403,
            "the product does not include this surface, model or action",
            Detail("Access denied for this operation: the product basic does not include the model ray-2"),
            detailed=_because("Access denied for this operation"),
        ),
        RefusalRule(
            SessionRefused,
            403,
            "the session is a reader's and this is a change, or another site's page may have asked",
            Detail(
                "Access denied for this operation: this session may only read: sign in with the key, not as a reader"
            ),
            detailed=_because("Access denied for this operation"),
        ),
        RefusalRule(
            QuotaSpent,
            403,
            "the month's quota is spent",
            Detail("The quota of this month is spent"),
            headers=(_GIVE_UP,),
            retry_after=True,
        ),
        RefusalRule(EndpointNotFound, 404, "the path is unknown", Detail("Not Found")),
        RefusalRule(MethodNotAllowed, 405, "the path is there for other methods", Detail("Method Not Allowed")),
        RefusalRule(
            GenerationNotFound,
            404,
            "the generation is unknown or another subscription's",
            Detail("Generation not found"),
        ),
        RefusalRule(
            LimitExceeded,
            429,
            "there were too many requests in a minute, or too many generations are unfinished",
            Detail("Rate limit exceeded, please retry later: 60 submits a minute are allowed"),
            detailed=_because("Rate limit exceeded, please retry later"),
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
