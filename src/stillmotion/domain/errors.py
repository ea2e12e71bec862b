"""Tree of the service's errors, split by who is to blame.

::

    StillmotionError
    ├── Refused                       the caller's doing; nothing was stored
    │   ├── InvalidRequest            names each field and the remedy
    │   │   └── IdempotencyConflict   the key was used with another body
    │   ├── TurnedAway                with a `Reason` for programs
    │   │   ├── NotAuthenticated
    │   │   ├── AccessDenied          the product lacks the surface, model or action
    │   │   │   ├── QuotaSpent        until the period ends
    │   │   │   └── SessionRefused    the session is a reader's, or another site's page asked
    │   │   └── LimitExceeded         try again after a while
    │   │       ├── RateLimitExceeded
    │   │       └── ConcurrencyLimitExceeded
    │   ├── GenerationNotFound        also for another subscription's
    │   │   ├── CallbackNotFound      the generation has no such message
    │   │   └── CursorNotFound        a list is to begin after a generation that is not there
    │   ├── NotQueued                 only a queued generation has a place in line
    │   ├── AlreadyOver               a finished generation cannot be cancelled
    │   ├── CountDiffers              a batch is not as large as its sender thought
    │   ├── ModelNotFound             none of that name for this subscription
    │   ├── ProductNotFound           the administrator's own, as the next
    │   └── SubscriptionNotFound
    ├── GenerationFailed              the generation's doing: a code and a sentence for its owner
    ├── RenderCancelled               not an error of anyone's: stop now
    ├── LeaseLost                     another worker has it, or it is over
    ├── IllegalTransition             our bug
    ├── EngineUnfit                   the operator's doing: a sentence that says the fix
    ├── StoreOutgrown                 a newer version took away what this one reads: the process ends
    └── Unavailable                   ours and passing: storage down, shutting down
        └── StoreUnavailable          the database refuses (locked, full, read-only)
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from stillmotion.domain.plurals import plural


class StillmotionError(Exception):
    """The root of the tree."""


class Refused(StillmotionError):
    """An error that the caller can do something about."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault of a request: the part, and a sentence with the remedy.

    The part is a `Field`, which each surface renames, or a path in the surface's own names already.
    """

    field: str
    message: str


class InvalidRequest(Refused):
    """A request that cannot be carried out as written."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(f"{p.field}: {p.message}" for p in problems))
        self.problems = problems


class IdempotencyConflict(InvalidRequest):
    """The Idempotency-Key was used before, with another body."""

    def __init__(self) -> None:
        super().__init__(
            Problem("Idempotency-Key", "was used before with another body; send a new key for a new request")
        )


class Reason(StrEnum):
    """The cause of a 401, 403 or 429, for programs. `meaning` says it to people.

    Several causes share one status and, on the gateway surface, one body.
    """

    meaning: str

    def __new__(cls, value: str, meaning: str = "") -> Self:
        """A member whose text is its code alone. `Reason(code)` looks one up."""
        member = str.__new__(cls, value)
        member._value_, member.meaning = value, meaning
        return member

    NO_KEY = "no_key", "the request has no key where the surface looks for one"
    SEVERAL_KEYS = "several_keys", "the request has more than one key"
    UNKNOWN_KEY = "unknown_key", "the key is none of this server's, or was replaced"
    SUBSCRIPTION_SUSPENDED = "subscription_suspended", "the key's subscription is suspended"
    SUBSCRIPTION_EXPIRED = "subscription_expired", "the key's subscription is past its end"
    SUBSCRIPTION_CANCELLED = "subscription_cancelled", "the key's subscription was cancelled"
    SURFACE_NOT_INCLUDED = "surface_not_included", "the product does not include the surface"
    MODEL_NOT_INCLUDED = "model_not_included", "the product does not include the model"
    RESOLUTION_NOT_INCLUDED = "resolution_not_included", "the product does not include the resolution"
    LENGTH_NOT_INCLUDED = "length_not_included", "the product does not include clips so long"
    SESSION_ENDED = "session_ended", "the session is over: its time, its key's, or somebody signed out"
    FIRST_LINK = "first_link", "the first link was used, is too old, or was opened on another machine"
    CROSS_SITE = "cross_site", "a session's cookie came with a request that another site's page may have caused"
    READ_ONLY = "read_only", "the session may only read"
    NOT_INCLUDED = "not_included", "the product does not include it"
    QUOTA_SPENT = "quota_spent", "the month's video-seconds are spent: `Retry-After` says when the next month begins"
    SUBMITS_PER_MINUTE = "submits_per_minute", "there were too many submits in a minute"
    READS_PER_MINUTE = "reads_per_minute", "there were too many polls, lists and refused requests in a minute"
    WRONG_KEYS_PER_MINUTE = (
        "wrong_keys_per_minute",
        "there were too many wrong administrator's keys from one address in a minute",
    )
    UNFINISHED_GENERATIONS = "unfinished_generations", "too many generations of the subscription are unfinished"
    UPLOADS_KEPT = "uploads_kept", "the subscription keeps too many uploads"
    WATCHERS = "watchers", "too many watch one generation"
    TOO_MUCH = "too_much", "it is too much at once"


class TurnedAway(Refused):
    """An answer 401, 403 or 429. `reason` is for programs, the message for people."""

    def __init__(self, message: str, reason: Reason) -> None:
        super().__init__(message)
        self.reason = reason


class NotAuthenticated(TurnedAway):
    """No key, an unknown or revoked key, or a subscription that is not active."""

    def __init__(self, message: str, reason: Reason = Reason.UNKNOWN_KEY) -> None:
        super().__init__(message, reason)


class AccessDenied(TurnedAway):
    """A request for something that the subscription's product does not include."""

    def __init__(self, message: str, reason: Reason = Reason.NOT_INCLUDED) -> None:
        super().__init__(message, reason)


class SessionRefused(AccessDenied):
    """A request that its session does not allow, though its key would: a reader's change, or another site's doing."""


class QuotaSpent(AccessDenied):
    """The period's quota is used up. `retry_after` is in whole seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message, Reason.QUOTA_SPENT)
        self.retry_after = retry_after


class GenerationNotFound(Refused):
    """No such generation for this subscription."""


class CallbackNotFound(GenerationNotFound):
    """The generation has no such message."""


class CursorNotFound(GenerationNotFound):
    """A list begins after a generation that this subscription does not have."""


class NotQueued(Refused):
    """A generation without a place in line, since it is under way or finished."""

    def __init__(self, generation_id: str, state: str) -> None:
        super().__init__(f"{generation_id} is {state}: only a queued generation has a place in line")


class AlreadyOver(Refused):
    """A finished generation, which cannot be cancelled."""

    def __init__(self, generation_id: str, state: str) -> None:
        super().__init__(f"{generation_id} is {state} already: only an unfinished generation can be cancelled")


class CountDiffers(Refused):
    """A batch whose sender expected another number of generations. Nothing was done."""

    def __init__(self, expected: int, found: int) -> None:
        passing = plural(found, "generation passes", "generations pass")
        super().__init__(f"{passing} the filter, not {expected}: look at the list again")
        self.found = found


class ModelNotFound(Refused):
    """No model of that name that the subscription's product includes."""

    def __init__(self, model: str) -> None:
        super().__init__(f"there is no model {model}")
        self.model = model


class ProductNotFound(Refused):
    """No product of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no product called {name}: look for it in the list of products, or create it")


class SubscriptionNotFound(Refused):
    """No subscription of that id."""

    def __init__(self, subscription_id: str) -> None:
        super().__init__(f"there is no subscription {subscription_id}: look for it in the list of subscriptions")


class LimitExceeded(TurnedAway):
    """Too much at once. `retry_after` is in whole seconds, 1 to 60."""

    def __init__(self, message: str, retry_after: int, reason: Reason = Reason.TOO_MUCH) -> None:
        super().__init__(message, reason)
        self.retry_after = retry_after


class RateLimitExceeded(LimitExceeded):
    """More requests in the window than the product allows."""

    def __init__(self, message: str, retry_after: int, reason: Reason = Reason.SUBMITS_PER_MINUTE) -> None:
        super().__init__(message, retry_after, reason)


class ConcurrencyLimitExceeded(LimitExceeded):
    """More unfinished generations than the product allows."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message, retry_after, Reason.UNFINISHED_GENERATIONS)


class GenerationFailed(StillmotionError):
    """The generation cannot be made. `reason` is a sentence for its owner, `code` is for programs.

    A permanent failure would happen again with another attempt. Inside the package `domain.failures` makes these.
    """

    def __init__(self, code: str, reason: str, *, permanent: bool = True) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason
        self.permanent = permanent


class RenderCancelled(StillmotionError):
    """The render was told to stop."""


class LeaseLost(StillmotionError):
    """The worker no longer holds the generation: its result must be thrown away."""


class IllegalTransition(StillmotionError):
    """A change of state that is not in the lifecycle table."""

    def __init__(self, state: str, event: str) -> None:
        super().__init__(f"a {state} generation cannot {event}")
        self.state = state
        self.event = event


class EngineUnfit(StillmotionError):
    """An engine cannot be loaded with its settings. The message names the setting and the fix."""


class StoreOutgrown(StillmotionError):
    """The database has lost what this version of the code needs, for the sake of a newer one."""


class Unavailable(StillmotionError):
    """The service cannot do it at the moment. `retry_after` is in whole seconds."""

    def __init__(self, message: str, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StoreUnavailable(Unavailable):
    """The database refuses: locked, full, read-only or gone."""


class Field(StrEnum):
    """A part of a request. The value is its name on the command line and in logs; each surface has names of its own."""

    PROMPT = "prompt"
    NEGATIVE_PROMPT = "negative_prompt"
    FRAME0 = "frame0"
    FRAME0_URL = "frame0.url"
    FRAME0_ID = "frame0.id"
    FRAME1 = "frame1"
    FRAME1_URL = "frame1.url"
    FRAME1_ID = "frame1.id"
    ASPECT_RATIO = "aspect_ratio"
    RESOLUTION = "resolution"
    LOOP = "loop"
    SECONDS = "seconds"
    FPS = "fps"
    FRAME_COUNT = "num_frames"
    SEED = "seed"
    CODEC = "codec"
    CALLBACK_URL = "callback_url"
    MODEL = "model"
    SOURCE = "source"
    SOURCE_URL = "source.url"
    PLACEMENT = "placement"
