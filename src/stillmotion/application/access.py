"""Access: authentication of keys and sessions, and the limit of reads."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import ceil, inf
from typing import NamedTuple, TypeVar

from stillmotion.application.ports.reads import ReadStore
from stillmotion.application.ports.store import AccessStore
from stillmotion.application.ports.values import Clock
from stillmotion.domain.errors import NotAuthenticated, RateLimitExceeded, Reason
from stillmotion.domain.plurals import plural
from stillmotion.domain.quotas import WINDOW, credit_balance, period
from stillmotion.domain.subscriptions import Key, Session, Subscription, SubscriptionState

KEY_MAX_CHARACTERS = 128
CHECK_SECONDS = 1.0
"""Time for which a revoked key or an ended session may still work."""
KNOWN_SECONDS = 60.0
"""Time for which a key is not looked up again while no key or subscription is changed."""
KNOWN_KEYS = 10_000
"""Size of each cache. It is cleared when it is full."""

T = TypeVar("T")


def key_digest(pepper: bytes, key: str) -> bytes:
    """The digest that a key is stored as: HMAC-SHA256 with a secret that is not in the database."""
    return hmac.digest(pepper, key.encode("utf-8", "surrogatepass"), "sha256")


def pepper_mark(pepper: bytes) -> bytes:
    """The mark of the keys that are hashed with a secret. It does not reveal the secret."""
    return hmac.digest(pepper, b"mark", "sha256")[:8]


class Visit(NamedTuple):
    """An open session, with the subscription that it acts for; None for an administrator without one."""

    session: Session
    subscription: Subscription | None


_Cache = dict[str, tuple[float, T]]
_Found = tuple[T, float]
"""A value, and the seconds for which it may be cached."""


@dataclass(slots=True)
class Access:
    """Authentication, with caches of good keys and sessions. Once a second a version tells if they are still valid.

    The last uses of keys wait here for `keep_uses`: a request writes nothing. Keys and sessions that were hashed with
    `pepper_before` are good too. Used keys are hashed anew with the next uses that are kept.
    """

    store: AccessStore
    clock: Clock
    pepper: bytes = field(repr=False)
    pepper_before: bytes | None = field(default=None, repr=False)
    _known: _Cache[Subscription] = field(default_factory=dict, repr=False)
    _visits: _Cache[Visit] = field(default_factory=dict, repr=False)
    _uses: dict[bytes, datetime] = field(default_factory=dict, repr=False)
    _outdated: dict[bytes, bytes] = field(default_factory=dict, repr=False)
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
        return await self._cached(self._known, key, self._look_up)

    def visiting(self, token: str, now: float) -> Visit | None:
        """The cached session of a token, None without one or if the version is due. `now` is monotonic."""
        known = self._visits.get(token)
        return known[1] if known is not None and now < min(self._check_at, known[0]) else None

    async def visit(self, token: str) -> Visit:
        """The open session of a token. Raises `NotAuthenticated`."""
        if len(token) > KEY_MAX_CHARACTERS:
            raise NotAuthenticated("there is no such session", Reason.SESSION_ENDED)
        return await self._cached(self._visits, token, self._look_up_visit)

    def stored_digest(self, key: str) -> bytes:
        """The digest that an authenticated key is stored under."""
        if self.pepper_before is not None and (before := key_digest(self.pepper_before, key)) in self._outdated:
            return before
        return key_digest(self.pepper, key)

    async def keep_uses(self) -> None:
        """Store the last uses of keys, each known to a minute, if there are new ones. Raises `StoreUnavailable`."""
        if self._uses:
            uses = self._uses.copy()
            await self.store.note_uses(uses)
            for digest, at in uses.items():
                if self._uses.get(digest) == at:
                    del self._uses[digest]
        if self._outdated:
            outdated, self._outdated = self._outdated, {}
            await self.store.rename_keys(outdated, pepper_mark(self.pepper))

    async def _cached(self, cache: _Cache[T], name: str, look_up: Callable[[str], Awaitable[_Found[T]]]) -> T:
        now = self.clock.monotonic()
        if now >= self._check_at:
            await self._check(now)
        known = cache.get(name)
        if known is not None and now < known[0]:
            return known[1]
        version = self._version
        value, seconds = await look_up(name)
        if version == self._version:  # Otherwise a change came during the look-up, and its answer may be older.
            if len(cache) >= KNOWN_KEYS:
                cache.clear()
            cache[name] = (now + seconds, value)
        return value

    async def _check(self, now: float) -> None:
        """Clear the caches if the version has changed."""
        version = await self.store.access_version()
        if version != self._version:
            self._known.clear()
            self._visits.clear()
            self._version = version
        self._check_at = now + CHECK_SECONDS

    async def credit_balance(self, subscription: Subscription) -> float:
        """The remaining quota of this month, in the product's unit."""
        usage = await self.store.usage(subscription.id, period(self.clock.now()))
        return credit_balance(subscription.product, usage.video_seconds)

    async def _look_up(self, key: str) -> _Found[Subscription]:
        digest = key_digest(self.pepper, key)
        found = await self.store.find_subscription(digest)
        if found is None and self.pepper_before is not None:
            before = key_digest(self.pepper_before, key)
            found = await self.store.find_subscription(before)
            if found is not None:
                self._outdated[before] = digest
        if found is None:
            raise NotAuthenticated("the key is unknown")
        if not found[1].mark and found[1].digest == digest:
            self._outdated[digest] = digest
        self._uses[found[1].digest] = self.clock.now()
        return self._active(*found)

    async def _look_up_visit(self, token: str) -> _Found[Visit]:
        found = await self.store.find_session(key_digest(self.pepper, token))
        if found is None and self.pepper_before is not None:
            found = await self.store.find_session(key_digest(self.pepper_before, token))
        now = self.clock.now()
        if found is None or found.session.expires_at <= now:
            raise NotAuthenticated("the session is over", Reason.SESSION_ENDED)
        session, owner = found
        left = min(KNOWN_SECONDS, (session.expires_at - now).total_seconds())
        try:
            subscription, good_for = self._active_owner(owner)
        except NotAuthenticated:
            if session.administrator is None:
                raise
            return Visit(session, None), left
        return Visit(session, subscription), min(left, good_for)

    def _active_owner(self, owner: tuple[Subscription, Key] | None) -> _Found[Subscription]:
        if owner is None:
            raise NotAuthenticated("the session's key was replaced", Reason.SESSION_ENDED)
        return self._active(*owner)

    def _active(self, subscription: Subscription, key: Key) -> _Found[Subscription]:
        """A key's subscription, and the seconds for which it may be cached: never beyond its end, or the key's."""
        now = self.clock.now()
        if key.expires_at is not None and key.expires_at <= now:
            raise NotAuthenticated("the key was replaced")
        state = subscription.state_at(now)
        if state is not SubscriptionState.ACTIVE:
            raise NotAuthenticated(f"the subscription is {state}", Reason(f"subscription_{state}"))
        ends = (each for each in (subscription.expires_at, key.expires_at) if each is not None)
        left = min(((each - now).total_seconds() for each in ends), default=KNOWN_SECONDS)
        return replace(subscription, used_key=key.prefix), min(KNOWN_SECONDS, left)


class Allowance(NamedTuple):
    """State of a limit: its size, the rest, and the whole seconds until all of it is free again."""

    limit: int
    remaining: int
    seconds_left: int


@dataclass(slots=True)
class Window:
    """Rate window: a minute of this process's clock, and the reads in it. So many of them are `told` to the store."""

    ends_at: float
    spent: int = 0
    told: int = 0

    def seconds_left(self, now: float) -> int:
        """Whole seconds until the end, rounded up."""
        return ceil(self.ends_at - now)


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Limit of polls and other reads for each subscription. It is kept in this process and forgotten at a restart.

    Where several servers share a store, each tells what it has counted and learns the sums, once a second.
    """

    _windows: dict[str, Window] = field(default_factory=dict, repr=False)

    def spend(self, subscription: Subscription, now: float) -> Allowance:
        """Count one read, at `now` on the monotonic clock. Raises `RateLimitExceeded`."""
        limit = subscription.product.reads_per_minute
        window = self._windows.get(subscription.id)
        if window is None or now >= window.ends_at:
            window = self._windows[subscription.id] = Window(now + WINDOW.total_seconds())
        seconds_left = ceil(window.ends_at - now)
        if window.spent >= limit:
            raise RateLimitExceeded(
                f"{plural(limit, 'read a minute is', 'reads a minute are')} allowed",
                seconds_left,
                Reason.READS_PER_MINUTE,
            )
        window.spent += 1
        return Allowance(limit, max(0, limit - window.spent), seconds_left)

    async def share(self, store: ReadStore, clock: Clock) -> None:
        """Tell the reads since the last time, and learn those of the other servers. Raises `StoreUnavailable`."""
        asked = {id_: (window, window.spent) for id_, window in self._windows.items() if window.spent > window.told}
        if not asked:
            return
        untold = {id_: spent - window.told for id_, (window, spent) in asked.items()}
        now, began = clock.now(), clock.monotonic()
        for id_, shared in (await store.add_reads(untold, now + WINDOW, now)).items():
            window, (told, spent) = self._windows[id_], asked[id_]
            since = window.spent - spent if window is told else window.spent
            ends_at = began + (shared.ends_at - now).total_seconds()
            if clock.monotonic() < ends_at:
                self._windows[id_] = Window(ends_at, shared.spent + since, shared.spent)
