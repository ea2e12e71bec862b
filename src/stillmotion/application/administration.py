"""Administration: products and subscriptions, and the operator's key for them over HTTP."""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

from stillmotion.application.access import KEY_MAX_CHARACTERS, Visit, Window, key_digest
from stillmotion.application.models.supervision import ModelSupervision
from stillmotion.application.operators.action_log import ActionLog
from stillmotion.application.operators.oversight import Oversight
from stillmotion.application.operators.queue_administration import QueueAdministration
from stillmotion.application.operators.service_status import ServiceStatus
from stillmotion.application.operators.worker_registry import WorkerRegistry
from stillmotion.application.ports.activity import EverybodysCallbackStore
from stillmotion.application.ports.values import Clock
from stillmotion.application.products import Products
from stillmotion.application.subscriptions import Subscriptions
from stillmotion.domain.errors import NotAuthenticated, RateLimitExceeded, Reason
from stillmotion.domain.quotas import WINDOW

WRONG_KEYS_PER_MINUTE = 10
"""Wrong keys from one address before the next ones are told to wait. The right key is always accepted."""

ADDRESSES = 10_000
"""Addresses that are remembered. All are forgotten when there are more."""

OWNER: Final = b"owner"
"""Mark of an administrator's session that the first link opened: whoever reads the machine's terminal owns it."""


@dataclass(frozen=True, slots=True)
class Administration:
    """The operator's use cases, on the command line and over HTTP."""

    products: Products
    subscriptions: Subscriptions
    queue: QueueAdministration
    log: ActionLog
    oversight: Oversight
    registry: WorkerRegistry
    models: ModelSupervision
    status: ServiceStatus
    deliveries: EverybodysCallbackStore


@dataclass(frozen=True, slots=True)
class AdminAccess:
    """Authentication by the operator's key, or by a session. An empty `key` is nobody's."""

    administration: Administration
    clock: Clock
    key: str = field(repr=False)
    _wrong: dict[str, Window] = field(default_factory=dict, repr=False)

    @property
    def mark(self) -> bytes:
        """The digest of the key that is kept in sessions: they end when the key is changed."""
        return key_digest(self.administration.subscriptions.pepper, self.key)

    def accepts(self, key: str | None) -> bool:
        """True for the operator's key."""
        if not key or not self.key or len(key) > KEY_MAX_CHARACTERS:
            return False
        return hmac.compare_digest(_digest(key), _digest(self.key))

    def admits(self, visit: Visit | None) -> bool:
        """True for a session that the operator's key opened, or that is the machine's owner's."""
        mark = None if visit is None else visit.session.administrator
        if mark is None:
            return False
        if mark == OWNER:
            return True
        office = self.administration.subscriptions
        peppers = (each for each in (office.pepper, office.pepper_before) if each is not None)
        return bool(self.key) and any(hmac.compare_digest(mark, key_digest(each, self.key)) for each in peppers)

    def authenticate(self, key: str | None, address: str) -> Administration:
        """The administration. Raises `NotAuthenticated`, or `RateLimitExceeded` after too many wrong keys."""
        if self.accepts(key):
            return self.administration
        now = self.clock.monotonic()
        window = self._wrong.get(address)
        if window is not None and now < window.ends_at and window.spent >= WRONG_KEYS_PER_MINUTE:
            raise RateLimitExceeded(
                f"{WRONG_KEYS_PER_MINUTE} wrong keys a minute are allowed",
                window.seconds_left(now),
                Reason.WRONG_KEYS_PER_MINUTE,
            )
        if not key:
            raise NotAuthenticated("no administrator's key", Reason.NO_KEY)
        if len(self._wrong) >= ADDRESSES:
            self._wrong.clear()
        if window is None or now >= window.ends_at:
            window = self._wrong[address] = Window(now + WINDOW.total_seconds())
        window.spent += 1
        raise NotAuthenticated("not the administrator's key")


def _digest(key: str) -> bytes:
    """A digest of a key: all have the same length, so that a comparison tells nothing of it."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
