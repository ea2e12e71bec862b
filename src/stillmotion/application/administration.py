"""Administration: products and subscriptions, and the operator's key for them over HTTP."""

import hashlib
import hmac
from dataclasses import dataclass, field

from stillmotion.application.access import KEY_MAX_CHARACTERS, Window
from stillmotion.application.action_log import ActionLog
from stillmotion.application.ports.values import Clock
from stillmotion.application.products import Products
from stillmotion.application.queue_administration import QueueAdministration
from stillmotion.application.subscriptions import Subscriptions
from stillmotion.domain.errors import NotAuthenticated, RateLimitExceeded
from stillmotion.domain.quotas import WINDOW

WRONG_KEYS_PER_MINUTE = 10
"""Wrong keys from one address before the next ones are told to wait. The right key is always accepted."""

ADDRESSES = 10_000
"""Addresses that are remembered. All are forgotten when there are more."""


@dataclass(frozen=True, slots=True)
class Administration:
    """The operator's use cases, on the command line and over HTTP."""

    products: Products
    subscriptions: Subscriptions
    queue: QueueAdministration
    log: ActionLog


@dataclass(frozen=True, slots=True)
class AdminAccess:
    """Authentication by the operator's key."""

    administration: Administration
    clock: Clock
    key: str = field(repr=False)
    _wrong: dict[str, Window] = field(default_factory=dict, repr=False)

    def authenticate(self, key: str | None, address: str) -> Administration:
        """The administration. Raises `NotAuthenticated`, or `RateLimitExceeded` after too many wrong keys."""
        if key and len(key) <= KEY_MAX_CHARACTERS and hmac.compare_digest(_digest(key), _digest(self.key)):
            return self.administration
        now = self.clock.monotonic()
        window = self._wrong.get(address)
        if window is not None and now < window.ends_at and window.spent >= WRONG_KEYS_PER_MINUTE:
            raise RateLimitExceeded(
                f"{WRONG_KEYS_PER_MINUTE} wrong keys a minute are allowed", window.seconds_left(now)
            )
        if not key:
            raise NotAuthenticated("no administrator's key")
        if len(self._wrong) >= ADDRESSES:
            self._wrong.clear()
        if window is None or now >= window.ends_at:
            window = self._wrong[address] = Window(now + WINDOW.total_seconds())
        window.spent += 1
        raise NotAuthenticated("not the administrator's key")


def _digest(key: str) -> bytes:
    """A digest of a key: all have the same length, so that a comparison tells nothing of it."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
