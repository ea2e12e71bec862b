"""Products, subscriptions, their keys, and sessions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from stillmotion.domain.errors import AccessDenied, InvalidRequest, Problem, Reason
from stillmotion.domain.plurals import plural
from stillmotion.domain.request import MAX_SECONDS, MIN_SECONDS, Resolution

MAX_LIMIT = 1_000_000_000
MAX_RETENTION_DAYS = 36_500
NAME_MAX_CHARACTERS = 200
_PRODUCT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Product:
    """Product: the surfaces, models and amounts that its subscriptions have.

    `surfaces`, `models` and `resolutions` are None for all, later ones included. `max_seconds` (of a clip) and
    `video_seconds_per_month` are None for no limit. `price_per_second` is in the operator's own unit. `retention_days`
    is None where finished generations are kept until they are deleted.
    """

    id: str
    name: str
    surfaces: frozenset[str] | None = None
    models: frozenset[str] | None = None
    resolutions: frozenset[Resolution] | None = None
    max_seconds: float | None = None
    submits_per_minute: int = 60
    reads_per_minute: int = 6000
    concurrent_generations: int = 100
    video_seconds_per_month: int | None = None
    price_per_second: Decimal = Decimal(0)
    retention_days: int | None = None

    def check_surface(self, surface: str) -> None:
        """Raise `AccessDenied` if the surface is not included."""
        if self.surfaces is not None and surface not in self.surfaces:
            raise AccessDenied(
                f"the product {self.name} does not include the {surface} surface", Reason.SURFACE_NOT_INCLUDED
            )

    def check_model(self, model: str) -> None:
        """Raise `AccessDenied` if the model is not included."""
        if self.models is not None and model not in self.models:
            raise AccessDenied(f"the product {self.name} does not include the model {model}", Reason.MODEL_NOT_INCLUDED)

    def included(self, models: Sequence[str]) -> tuple[str, ...]:
        """The included ones of these models."""
        return tuple(each for each in models if self.models is None or each in self.models)

    def cost_of(self, seconds: float) -> Decimal:
        """Cost of a clip of that length at today's price."""
        return self.price_per_second * Decimal(str(seconds))

    def check_size(self, resolution: Resolution, seconds: float) -> None:
        """Raise `AccessDenied` for a resolution or a length that is not included."""
        if self.resolutions is not None and resolution not in self.resolutions:
            raise AccessDenied(f"the product {self.name} does not include {resolution}", Reason.RESOLUTION_NOT_INCLUDED)
        if self.max_seconds is not None and seconds > self.max_seconds:
            raise AccessDenied(
                f"the product {self.name} includes clips of {plural(self.max_seconds, 'second')} at most",
                Reason.LENGTH_NOT_INCLUDED,
            )


def product_problems(product: Product) -> list[Problem]:
    """Problems of a product, a remedy in each sentence; empty for a good one."""
    problems = []
    if not _PRODUCT_NAME.fullmatch(product.name):
        problems.append(
            Problem("name", "must be 1 to 64 of the characters a-z A-Z 0-9 . _ - and begin with a letter or digit")
        )
    problems += [
        Problem(name, "must name one at least, or be null for every one")
        for name in ("surfaces", "models", "resolutions")
        if getattr(product, name) == frozenset()
    ]
    if product.max_seconds is not None and not MIN_SECONDS <= product.max_seconds <= MAX_SECONDS:
        problems.append(
            Problem("max_seconds", f"must be from {MIN_SECONDS:g} to {MAX_SECONDS:g}, or null for no limit")
        )
    problems += [
        Problem(name, f"must be a whole number from 1 to {MAX_LIMIT}")
        for name in ("submits_per_minute", "reads_per_minute", "concurrent_generations")
        if not 1 <= getattr(product, name) <= MAX_LIMIT
    ]
    quota = product.video_seconds_per_month
    if quota is not None and not 0 <= quota <= MAX_LIMIT:
        problems.append(
            Problem("video_seconds_per_month", f"must be a whole number from 0 to {MAX_LIMIT}, or null for no quota")
        )
    if product.retention_days is not None and not 1 <= product.retention_days <= MAX_RETENTION_DAYS:
        problems.append(
            Problem(
                "retention_days",
                f"must be a whole number from 1 to {MAX_RETENTION_DAYS}, or null to keep until deleted",
            )
        )
    if not (product.price_per_second.is_finite() and 0 <= product.price_per_second <= MAX_LIMIT):
        problems.append(Problem("price_per_second", f"must be a number from 0 to {MAX_LIMIT}"))
    return problems


class SubscriptionState(StrEnum):
    """State of a subscription. Only an `active` one works, and `cancelled` is final."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class RetiredSecret:
    """A callback secret that was replaced, and signs beside the new one until its end."""

    secret: str = field(repr=False)
    until: datetime


def valid_secrets(current: str, retired: RetiredSecret | None, now: datetime) -> Sequence[str]:
    """The secrets that sign at a time, the current first."""
    return [current] if retired is None or retired.until <= now else [current, retired.secret]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A customer of a product. `callback_secret` signs its callbacks (Standard Webhooks, `whsec_…`).

    `state` is the state set last; an expiry date may have ended it since (`state_at`). `used_key` begins the key by
    which the subscription was found for a request; empty if it was found otherwise.
    """

    id: str
    name: str
    product: Product
    created_at: datetime
    callback_secret: str = field(repr=False)
    state: SubscriptionState = SubscriptionState.ACTIVE
    expires_at: datetime | None = None
    retired_secret: RetiredSecret | None = None
    used_key: str = field(default="", compare=False)

    def state_at(self, now: datetime) -> SubscriptionState:
        """State at a time: an active subscription expires by itself."""
        expired = self.expires_at is not None and self.expires_at <= now
        return SubscriptionState.EXPIRED if expired and self.state is SubscriptionState.ACTIVE else self.state

    def secrets(self, now: datetime) -> Sequence[str]:
        """The callback secrets that are valid at a time, the current first."""
        return valid_secrets(self.callback_secret, self.retired_secret, now)

    def entering(self, state: SubscriptionState) -> "Subscription":
        """The subscription in another state. Raises `InvalidRequest` once it is cancelled."""
        if self.state is SubscriptionState.CANCELLED and state is not self.state:
            raise InvalidRequest(Problem("state", "is cancelled, and that is for good: make a new subscription"))
        return replace(self, state=state)


def check_name(name: str) -> None:
    """Raise `InvalidRequest` for an impossible name of a subscription."""
    if not (name.strip() and len(name) <= NAME_MAX_CHARACTERS and name.isprintable()):
        raise InvalidRequest(
            Problem(
                "name", f"must be 1 to {NAME_MAX_CHARACTERS} printable characters: say whom the subscription is for"
            )
        )


class KeySlot(StrEnum):
    """One of a subscription's two keys. One can be replaced while the other works."""

    PRIMARY = "primary"
    SECONDARY = "secondary"


class KeySecret(StrEnum):
    """Secret that a key was hashed with: the `present` one, the one `before` it, or one that is `lost`."""

    PRESENT = "present"
    BEFORE = "before"
    LOST = "lost"


def secret_of_mark(mark: bytes, present: bytes, before: bytes | None) -> KeySecret:
    """The secret of a key with that mark, where the two are accepted that have the others."""
    if mark == present:
        return KeySecret.PRESENT
    if before is None:
        return KeySecret.LOST if mark else KeySecret.PRESENT
    return KeySecret.BEFORE if mark in (b"", before) else KeySecret.LOST


@dataclass(frozen=True, slots=True)
class Key:
    """Stored part of a key: a keyed hash to find it by, and its first characters to recognise it by.

    A key that was replaced works until `expires_at`, beside the new one of its slot. `mark` tells the secret of the
    hash; it is empty for a key from before marks, until it is used.
    """

    digest: bytes = field(repr=False)
    prefix: str
    slot: KeySlot
    subscription_id: str
    created_at: datetime
    expires_at: datetime | None = None
    used_at: datetime | None = None
    mark: bytes = b""


@dataclass(frozen=True, slots=True)
class Session:
    """A browser's session: it has the rights of the keys that opened it, while those are good and until its own end.

    `key_digest` is the digest of a subscription's key, `administrator` that of the administrator's key; None without
    that half. A reader changes nothing.
    """

    digest: bytes = field(repr=False)
    created_at: datetime
    expires_at: datetime
    key_digest: bytes | None = field(default=None, repr=False)
    administrator: bytes | None = field(default=None, repr=False)
    is_reader: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """Usage of a subscription: this month's video-seconds, and its unfinished and queued generations.

    `submits` were counted in the rate window that began at `window_began`; None before the first.
    """

    video_seconds: float
    unfinished: int
    queued: int
    window_began: datetime | None = field(default=None, compare=False)
    submits: int = field(default=0, compare=False)
