"""Limits (a rate, a number at once) and quotas (an amount per period): counted in the submit's own transaction."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from stillmotion.domain.errors import ConcurrencyLimitExceeded, QuotaSpent, RateLimitExceeded
from stillmotion.domain.generation import Generation
from stillmotion.domain.lifecycle import State
from stillmotion.domain.subscriptions import Product

WINDOW = timedelta(minutes=1)
STRAGGLE = timedelta(seconds=10)
"""Requests are counted in the order of their commits, not of their times: one that comes late is of the same window."""
CONCURRENCY_RETRY_SECONDS = 5
RETRIED_WITHIN = timedelta(minutes=2)
"""A retry that says no more than that it is one means the same submit of less than this long ago."""


@dataclass(frozen=True, slots=True)
class RateWindow:
    """A fixed minute that starts with its first request, and what was spent in it."""

    started_at: datetime
    spent: int = 0

    def at(self, now: datetime) -> "RateWindow":
        """This window, or a new one where it has passed.

        Where the clock has stepped back well before it, it begins again at that time with all that was spent: nobody
        waits longer than a minute for a clock, and nobody gets a second window by one.
        """
        if now < self.started_at - STRAGGLE:
            return RateWindow(now, self.spent)
        return self if now < self.started_at + WINDOW else RateWindow(now)

    def seconds_left(self, now: datetime) -> int:
        """Whole seconds, rounded up, until the window ends: 1 to 60."""
        return min(60, max(1, math.ceil((self.started_at + WINDOW - now).total_seconds())))

    def spend(self, limit: int, now: datetime) -> "RateWindow":
        """Count one more request, or raise `RateLimitExceeded`."""
        window = self.at(now)
        if window.spent >= limit:
            raise RateLimitExceeded(f"{limit} submits a minute are allowed", window.seconds_left(now))
        return RateWindow(window.started_at, window.spent + 1)


def check_concurrency(product: Product, unfinished: int) -> None:
    """Raise `ConcurrencyLimitExceeded` where no further generation may be under way."""
    if unfinished >= product.concurrent_generations:
        raise ConcurrencyLimitExceeded(
            f"{product.concurrent_generations} generations may be unfinished at once", CONCURRENCY_RETRY_SECONDS
        )


def period(now: datetime) -> str:
    """The quota's period that a time falls in: a calendar month in UTC, `2026-11`."""
    return f"{now.year:04}-{now.month:02}"


def check_quota(product: Product, used_seconds: float, asked_seconds: float, now: datetime) -> None:
    """Raise `QuotaSpent` where the month's video-seconds do not cover what is asked."""
    quota = product.video_seconds_per_month
    if quota is not None and used_seconds + asked_seconds > quota:
        raise QuotaSpent(f"{quota} video-seconds a month are included", _seconds_to_next_month(now))


UNLIMITED_CREDIT = 1e9
"""The balance of a subscription without a quota."""


def credit_balance(product: Product, used_seconds: float) -> float:
    """What is left of the month, in the product's unit; where a second has no price, it counts as one."""
    if product.video_seconds_per_month is None:
        return UNLIMITED_CREDIT
    left = max(0.0, product.video_seconds_per_month - used_seconds)
    return left * float(product.price_per_second or 1)


def refunded_by(before: Generation, after: Generation) -> float:
    """Video-seconds to give back to the period of `created_at`: what failed or was cancelled costs nothing."""
    ended_badly = after.state in (State.FAILED, State.CANCELLED) and after.state is not before.state
    return after.request.seconds if ended_badly else 0.0


def _seconds_to_next_month(now: datetime) -> int:
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + timedelta(days=32)).replace(day=1)
    return max(1, math.ceil((following - now).total_seconds()))
