"""Why a caller was turned away, for programs: one code for each cause, where the answer's body is one for several."""

from collections.abc import Mapping
from enum import StrEnum


class Reason(StrEnum):
    """The cause of a 401, 403 or 429."""

    NO_KEY = "no_key"
    SEVERAL_KEYS = "several_keys"
    UNKNOWN_KEY = "unknown_key"
    SUBSCRIPTION_SUSPENDED = "subscription_suspended"
    SUBSCRIPTION_EXPIRED = "subscription_expired"
    SUBSCRIPTION_CANCELLED = "subscription_cancelled"
    SURFACE_NOT_INCLUDED = "surface_not_included"
    MODEL_NOT_INCLUDED = "model_not_included"
    RESOLUTION_NOT_INCLUDED = "resolution_not_included"
    LENGTH_NOT_INCLUDED = "length_not_included"
    NOT_INCLUDED = "not_included"
    QUOTA_SPENT = "quota_spent"
    SUBMITS_PER_MINUTE = "submits_per_minute"
    READS_PER_MINUTE = "reads_per_minute"
    WRONG_KEYS_PER_MINUTE = "wrong_keys_per_minute"
    UNFINISHED_GENERATIONS = "unfinished_generations"
    UPLOADS_KEPT = "uploads_kept"
    WATCHERS = "watchers"
    TOO_MUCH = "too_much"


MEANINGS: Mapping[Reason, str] = {
    Reason.NO_KEY: "the request has no key where the surface looks for one",
    Reason.SEVERAL_KEYS: "the request has more than one key",
    Reason.UNKNOWN_KEY: "the key is none of this server's, or was replaced",
    Reason.SUBSCRIPTION_SUSPENDED: "the key's subscription is suspended",
    Reason.SUBSCRIPTION_EXPIRED: "the key's subscription is past its end",
    Reason.SUBSCRIPTION_CANCELLED: "the key's subscription was cancelled",
    Reason.SURFACE_NOT_INCLUDED: "the product does not include the surface",
    Reason.MODEL_NOT_INCLUDED: "the product does not include the model",
    Reason.RESOLUTION_NOT_INCLUDED: "the product does not include the resolution",
    Reason.LENGTH_NOT_INCLUDED: "the product does not include clips so long",
    Reason.NOT_INCLUDED: "the product does not include it",
    Reason.QUOTA_SPENT: "the month's video-seconds are spent: `Retry-After` says when the next month begins",
    Reason.SUBMITS_PER_MINUTE: "there were too many submits in a minute",
    Reason.READS_PER_MINUTE: "there were too many polls, lists and refused requests in a minute",
    Reason.WRONG_KEYS_PER_MINUTE: "there were too many wrong administrator's keys from one address in a minute",
    Reason.UNFINISHED_GENERATIONS: "too many generations of the subscription are unfinished",
    Reason.UPLOADS_KEPT: "the subscription keeps too many uploads",
    Reason.WATCHERS: "too many watch one generation",
    Reason.TOO_MUCH: "it is too much at once",
}
