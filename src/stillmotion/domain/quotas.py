"""Limits (of rate and concurrency) and quotas (of an amount per period), counted in the submit's transaction."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from stillmotion.domain.errors import ConcurrencyLimitExceeded, QuotaSpent, RateLimitExceeded
from stillmotion.domain.generation import Generation
from stillmotion.domain.lifecycle import State
from stillmotion.domain.plurals import plural
from stillmotion.domain.subscriptions import Product, Usage

WINDOW = timedelta(minutes=1)
STRAGGLE = timedelta(seconds=10)
"""Tolerance for requests that are committed out of their order in time: they count in the same window."""
CONCURRENCY_RETRY_SECONDS = 5
RETRIED_WITHIN = timedelta(minutes=2)
"""Age up to which a submit is repeated by a retry that has no idempotency key."""


@dataclass(frozen=True, slots=True)
class RateWindow:
    """Fixed window of a minute that starts with its first request, and the count of requests in it."""

    started_at: datetime
    spent: int = 0

    def at(self, now: datetime) -> "RateWindow":
        """This window, or a new one where it has passed.

        After a large step back of the clock the window restarts at the present time with the same count: a clock makes
        no caller wait longer than a minute, and gives none a second window.
        """
        if now < self.started_at - STRAGGLE:
            return RateWindow(now, self.spent)
        return self if now < self.started_at + WINDOW else RateWindow(now)

    def seconds_left(self, now: datetime) -> int:
        """Whole seconds, rounded up, until the window ends: 1 to 60."""
        return min(60, max(1, math.ceil((self.started_at + WINDOW - now).total_seconds())))

    def spend(self, limit: int, now: datetime) -> "RateWindow":
        """The window with one more request. Raises `RateLimitExceeded`."""
        window = self.at(now)
        if window.spent >= limit:
            raise RateLimitExceeded(
                f"{plural(limit, 'submit a minute is', 'submits a minute are')} allowed", window.seconds_left(now)
            )
        return RateWindow(window.started_at, window.spent + 1)


def check_concurrency(product: Product, unfinished: int) -> None:
    """Raise `ConcurrencyLimitExceeded` if the product allows no further unfinished generation."""
    if unfinished >= product.concurrent_generations:
        raise ConcurrencyLimitExceeded(
            f"{plural(product.concurrent_generations, 'generation')} may be unfinished at once",
            CONCURRENCY_RETRY_SECONDS,
        )


def period(now: datetime) -> str:
    """Quota period of a time: its calendar month in UTC, such as `2026-11`."""
    return f"{now.year:04}-{now.month:02}"


def check_quota(product: Product, used_seconds: float, asked_seconds: float, now: datetime) -> None:
    """Raise `QuotaSpent` if the month's remaining video-seconds do not cover the asked ones."""
    quota = product.video_seconds_per_month
    if quota is not None and used_seconds + asked_seconds > quota:
        raise QuotaSpent(f"{quota} video-seconds a month are included", _seconds_to_next_month(now))


UNLIMITED_CREDIT = 1e9
"""The balance of a subscription without a quota."""


def credit_balance(product: Product, used_seconds: float) -> float:
    """Rest of the month's quota at the product's price per second; without a price a second counts as one."""
    if product.video_seconds_per_month is None:
        return UNLIMITED_CREDIT
    left = max(0.0, product.video_seconds_per_month - used_seconds)
    return left * float(product.price_per_second or 1)


def refunded_by(before: Generation, after: Generation) -> float:
    """Video-seconds refunded to the period of `created_at`: a failed or cancelled generation costs nothing."""
    ended_badly = after.state in (State.FAILED, State.CANCELLED) and after.state is not before.state
    return after.request.seconds if ended_badly else 0.0


class LimitState(NamedTuple):
    """State of a limit: its size, the rest, and the time when all of it is free again; None where time is no cure."""

    name: str
    limit: int | None
    remaining: float | None
    resets_at: datetime | None


def limits_of(
    product: Product, usage: Usage, now: datetime, reads_left: int, reads_reset_at: datetime
) -> list[LimitState]:
    """The state of all limits of a product. Reads are counted elsewhere."""
    window = RateWindow(usage.window_began or now, usage.submits).at(now)
    submits, concurrent = product.submits_per_minute, product.concurrent_generations
    quota = product.video_seconds_per_month
    return [
        LimitState("submits_per_minute", submits, max(0, submits - window.spent), window.started_at + WINDOW),
        LimitState("reads_per_minute", product.reads_per_minute, reads_left, reads_reset_at),
        LimitState("concurrent_generations", concurrent, max(0, concurrent - usage.unfinished), None),
        LimitState(
            "video_seconds_per_month",
            quota,
            None if quota is None else max(0.0, quota - usage.video_seconds),
            _next_month(now),
        ),
    ]


def _seconds_to_next_month(now: datetime) -> int:
    return max(1, math.ceil((_next_month(now) - now).total_seconds()))


def _next_month(now: datetime) -> datetime:
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)
