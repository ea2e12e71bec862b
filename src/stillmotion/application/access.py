"""Access: authentication of keys, and the limit of reads."""

import hmac
from dataclasses import dataclass, field
from math import ceil, inf
from typing import NamedTuple

from stillmotion.application.ports.store import AccessStore
from stillmotion.application.ports.values import Clock
from stillmotion.domain.errors import NotAuthenticated, RateLimitExceeded, Reason
from stillmotion.domain.quotas import WINDOW, credit_balance, period
from stillmotion.domain.subscriptions import Key, Subscription, SubscriptionState

KEY_MAX_CHARACTERS = 128
CHECK_SECONDS = 1.0
"""Time for which a revoked key may still work."""
KNOWN_SECONDS = 60.0
"""Time for which a key is not looked up again while no key or subscription is changed."""
KNOWN_KEYS = 10_000
"""Size of the cache. It is cleared when it is full."""


def key_digest(pepper: bytes, key: str) -> bytes:
    """The digest that a key is stored as: HMAC-SHA256 with a secret that is not in the database."""
    return hmac.digest(pepper, key.encode("utf-8", "surrogatepass"), "sha256")


@dataclass(slots=True)
class Access:
    """Authentication, with a cache of good keys. Once a second a version number tells if the cache is still valid."""

    store: AccessStore
    clock: Clock
    pepper: bytes = field(repr=False)
    _known: dict[str, tuple[float, Subscription]] = field(default_factory=dict, repr=False)
    _version: int | None = None
    _check_at: float = -inf

    def known(self, key: str | None, now: float) -> Subscription | None:
        """The cached subscription of a key, None without one or if the version is due. `now` is monotonic."""
        if now >= self._check_at:
            return None
        known = self._known.get(key or "")
        return known[1] if known is not None and now < known[0] else None

    async def authenticate(self, key: str | None) -> Subscription:
        """The active subscription of a key. Raises `NotAuthenticated`."""
        if not key or len(key) > KEY_MAX_CHARACTERS:
            reason = Reason.UNKNOWN_KEY if key else Reason.NO_KEY
            raise NotAuthenticated("there is no key, or none of ours", reason)
        now = self.clock.monotonic()
        if now >= self._check_at:
            await self._check(now)
        known = self.known(key, now)
        if known is not None:
            return known
        version = self._version
        subscription = await self._look_up(key)
        if version == self._version:  # Otherwise a change came during the look-up, and its answer may be older.
            if len(self._known) >= KNOWN_KEYS:
                self._known.clear()
            self._known[key] = (now + self._good_for(subscription), subscription)
        return subscription

    async def _check(self, now: float) -> None:
        """Clear the cache if the version has changed."""
        version = await self.store.access_version()
        if version != self._version:
            self._known.clear()
            self._version = version
        self._check_at = now + CHECK_SECONDS

    def _good_for(self, subscription: Subscription) -> float:
        """Seconds for which a subscription may be cached: never beyond its end."""
        if subscription.expires_at is None:
            return KNOWN_SECONDS
        return min(KNOWN_SECONDS, (subscription.expires_at - self.clock.now()).total_seconds())

    async def credit_balance(self, subscription: Subscription) -> float:
        """The remaining quota of this month, in the product's unit."""
        usage = await self.store.usage(subscription.id, period(self.clock.now()))
        return credit_balance(subscription.product, usage.video_seconds)

    async def _look_up(self, key: str) -> Subscription:
        found: tuple[Subscription, Key] | None = await self.store.find_subscription(key_digest(self.pepper, key))
        if found is None:
            raise NotAuthenticated("the key is unknown")
        subscription, _ = found
        state = subscription.state_at(self.clock.now())
        if state is not SubscriptionState.ACTIVE:
            raise NotAuthenticated(f"the subscription is {state}", Reason(f"subscription_{state}"))
        return subscription


class Allowance(NamedTuple):
    """State of a limit: its size, the rest, and the whole seconds until all of it is free again."""

    limit: int
    remaining: int
    seconds_left: int


@dataclass(slots=True)
class Window:
    """Rate window: a minute of this process's clock, and the reads in it."""

    ends_at: float
    spent: int = 0

    def seconds_left(self, now: float) -> int:
        """Whole seconds until the end, rounded up."""
        return ceil(self.ends_at - now)


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Limit of polls and other reads for each subscription. It is kept in this process and forgotten at a restart."""

    _windows: dict[str, Window] = field(default_factory=dict, repr=False)

    def spend(self, subscription: Subscription, now: float) -> Allowance:
        """Count one read, at `now` on the monotonic clock. Raises `RateLimitExceeded`."""
        limit = subscription.product.reads_per_minute
        window = self._windows.get(subscription.id)
        if window is None or now >= window.ends_at:
            window = self._windows[subscription.id] = Window(now + WINDOW.total_seconds())
        seconds_left = ceil(window.ends_at - now)
        if window.spent >= limit:
            raise RateLimitExceeded(f"{limit} reads a minute are allowed", seconds_left, Reason.READS_PER_MINUTE)
        window.spent += 1
        return Allowance(limit, limit - window.spent, seconds_left)
