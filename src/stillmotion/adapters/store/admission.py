"""Admission of one more generation: the same rules for every store, checked inside its transaction."""

from dataclasses import dataclass
from datetime import datetime

from stillmotion.application.ports.store import Submission
from stillmotion.domain.errors import IdempotencyConflict
from stillmotion.domain.quotas import RateWindow, check_concurrency, check_quota


@dataclass(frozen=True, slots=True)
class Standing:
    """Usage of a subscription so far: its rate window, unfinished generations, seconds of this period."""

    window: RateWindow | None
    unfinished: int
    queued: int
    used_seconds: float

    def window_at(self, now: datetime) -> RateWindow:
        """The rate window of a request at `now`, before the request is counted."""
        return (self.window or RateWindow(now)).at(now)


def admit(submission: Submission, standing: Standing) -> RateWindow:
    """The rate window with this submission counted.

    Raises `RateLimitExceeded`, `ConcurrencyLimitExceeded` or `QuotaSpent`.
    """
    now = submission.generation.created_at
    product = submission.product
    window = standing.window_at(now).spend(product.submits_per_minute, now)
    check_concurrency(product, standing.unfinished)
    check_quota(product, standing.used_seconds, submission.generation.request.seconds, now)
    return window


def check_same_body(known: bytes, asked: bytes) -> None:
    """Raise `IdempotencyConflict` for a key that is used again with another body."""
    if known != asked:
        raise IdempotencyConflict
