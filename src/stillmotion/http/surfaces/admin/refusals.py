"""The administration's refusals."""

from stillmotion.domain.errors import (
    AccessDenied,
    AlreadyOver,
    CountDiffers,
    GenerationNotFound,
    InvalidRequest,
    LimitExceeded,
    ModelNotFound,
    NotAuthenticated,
    NotQueued,
    ProductNotFound,
    SessionRefused,
    SubscriptionNotFound,
    Unavailable,
)
from stillmotion.http.edge.refusals import EndpointNotFound, MethodNotAllowed, RefusalRule, Refusals
from stillmotion.http.surfaces.admin.wire import Refusal, RefusedField

_INVALID = "The request cannot be carried out as written"
_EXAMPLE = RefusedField("submits_per_minute", "must be a whole number, 1 or more")


def _details(error: InvalidRequest) -> Refusal:
    return Refusal(_INVALID, tuple(RefusedField(each.field, each.message) for each in error.problems))


def _sentence(error: Exception) -> Refusal:
    text = str(error)
    return Refusal(text[:1].upper() + text[1:])


PROBLEMS = Refusals(
    [
        RefusalRule(
            InvalidRequest,
            400,
            "a field is missing, unknown or of no use, or the change cannot be made",
            Refusal(_INVALID, (_EXAMPLE,)),
            detailed=_details,
        ),
        RefusalRule(
            NotAuthenticated,
            401,
            "there is no key, or it is not the administrator's",
            Refusal("Send the administrator's key: Authorization: Bearer KEY"),
            headers=(("WWW-Authenticate", 'Bearer realm="Stillmotion administration"'),),
        ),
        RefusalRule(
            SessionRefused,
            403,
            "the session is a reader's and this is a change, or another site's page may have asked",
            Refusal("This session may only read: sign in with the key, not as a reader"),
            detailed=_sentence,
        ),
        RefusalRule(
            AccessDenied,
            403,
            "the subscription may not have it: its product or its quota says so",
            Refusal("The month's video-seconds are spent"),
            detailed=_sentence,
        ),
        RefusalRule(EndpointNotFound, 404, "the path is unknown", Refusal("There is nothing at this path")),
        RefusalRule(
            ProductNotFound,
            404,
            "there is no such product",
            Refusal("There is no product called basic: look for it in the list of products, or create it"),
            detailed=_sentence,
        ),
        RefusalRule(
            SubscriptionNotFound,
            404,
            "there is no such subscription",
            Refusal("There is no subscription 0199: look for it in the list of subscriptions"),
            detailed=_sentence,
        ),
        RefusalRule(
            ModelNotFound,
            404,
            "the catalogue has no such model",
            Refusal("There is no model wan22: look for it in the list of models"),
            detailed=_sentence,
        ),
        RefusalRule(
            GenerationNotFound,
            404,
            "there is no such generation",
            Refusal("There is no generation 0199: look for it in the list of generations"),
            detailed=_sentence,
        ),
        RefusalRule(
            MethodNotAllowed, 405, "the path is there for other methods", Refusal("This path has other methods")
        ),
        RefusalRule(
            AlreadyOver,
            409,
            "the generation is finished",
            Refusal("0199 is completed already: only an unfinished generation can be cancelled"),
            detailed=_sentence,
        ),
        RefusalRule(
            NotQueued,
            409,
            "the generation does not wait any more",
            Refusal("0199 is dreaming: only a queued generation has a place in line"),
            detailed=_sentence,
        ),
        RefusalRule(
            CountDiffers,
            409,
            "another number of generations passes the filter: the sentence says it",
            Refusal("12 generations pass the filter, not 10: look at the list again"),
            detailed=_sentence,
        ),
        RefusalRule(
            LimitExceeded,
            429,
            "too many wrong keys came from this address within a minute, or the subscription is at a limit",
            Refusal("10 wrong keys a minute are allowed"),
            detailed=_sentence,
            retry_after=True,
        ),
        RefusalRule(
            Exception, 500, "there is a bug: the log has the request id", Refusal("Something went wrong: see the log")
        ),
        RefusalRule(
            Unavailable,
            503,
            "the database does not answer just now",
            Refusal("The database does not answer just now: try again"),
            retry_after=True,
        ),
    ]
)
