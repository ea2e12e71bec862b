"""Who may ask: products, subscriptions and their keys."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Product:
    """What a subscription may do, and how much of it.

    `models` is None where every configured model is included. `video_seconds_per_month` is None where there
    is no quota, `retention_days` where finished generations are kept until they are deleted.
    """

    id: str
    name: str
    surfaces: frozenset[str] = frozenset({"gateway", "dream-machine"})
    models: frozenset[str] | None = None
    submits_per_minute: int = 60
    reads_per_minute: int = 6000
    concurrent_generations: int = 100
    video_seconds_per_month: int | None = None
    retention_days: int | None = None


class SubscriptionState(StrEnum):
    """Only `active` works."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A customer of a product. `callback_secret` signs its callbacks (Standard Webhooks, `whsec_…`)."""

    id: str
    name: str
    product: Product
    created_at: datetime
    callback_secret: str = field(repr=False)
    state: SubscriptionState = SubscriptionState.ACTIVE


class KeySlot(StrEnum):
    """A subscription has two keys, so that one can be replaced while the other works."""

    PRIMARY = "primary"
    SECONDARY = "secondary"


@dataclass(frozen=True, slots=True)
class Key:
    """What is kept of a key: a keyed hash to find it by and the first characters to recognise it by."""

    digest: bytes = field(repr=False)
    prefix: str
    slot: KeySlot
    subscription_id: str
    created_at: datetime
