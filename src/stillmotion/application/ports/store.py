"""Ports of the database: generations, uploads, access, subscriptions, callbacks, retention."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from stillmotion.domain.callbacks import Delivery, DeliveryAttempt
from stillmotion.domain.generation import Generation, GenerationView
from stillmotion.domain.quotas import RateWindow
from stillmotion.domain.subscriptions import Key, Product, Subscription, Usage
from stillmotion.domain.uploads import Upload

Change = Callable[[Generation], Generation]
"""A pure function from a generation to what becomes of it; may raise, then nothing is changed."""

Changed = Callable[[Generation], None]
"""Is told of a generation that has changed, once that is committed, by the task that changed it."""


def unwatched(generation: Generation) -> None:
    """A `Changed` for where nobody watches."""


Dialects = Mapping[str, Callable[[Generation], bytes]]
"""By surface: a generation as the JSON body that this surface answers with."""


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """What the caller named a submit, and a digest of the body it named so."""

    key: str
    body_digest: bytes


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a submit without a name is told again by: a digest of where it went and of its body.

    `is_retry` where the caller says that this is not its first attempt.
    """

    body_digest: bytes
    is_retry: bool = False


@dataclass(frozen=True, slots=True)
class Submission:
    """A generation that asks to be stored, with the limits it must pass."""

    generation: Generation
    product: Product
    idempotency: IdempotencyKey | None = None
    fingerprint: Fingerprint | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """What came of a submission: `replayed` where an earlier one, of which it is a repetition, is given again."""

    generation: Generation
    replayed: bool
    window: RateWindow


class Engines(NamedTuple):
    """Whose generations are meant: those of the engines `named`, or of all `others`."""

    named: frozenset[str] = frozenset()
    others: bool = True

    def include(self, engine: str) -> bool:
        """Whether an engine is meant."""
        return (engine in self.named) is not self.others


EVERY_ENGINE = Engines()


class GenerationStore(Protocol):
    """Generations, and the queue that they are."""

    async def submit(self, submission: Submission) -> Accepted:
        """Store the generation on disk before returning: limits, idempotency, quota and row in one transaction.

        A retry without an idempotency key is the repetition of the subscription's last submit with the same digest,
        if that was less than `RETRIED_WITHIN` ago. Raises `RateLimitExceeded`, `ConcurrencyLimitExceeded`,
        `QuotaSpent`, `IdempotencyConflict` (then nothing is stored, and nothing counted) or `StoreUnavailable`.
        """
        ...

    async def find(self, generation_id: str) -> Generation | None:
        """The generation as it was last committed."""
        ...

    async def digest_of(self, key: str) -> str | None:
        """The SHA-256 in hex of an object that is part of a result, by its key; None for any other."""
        ...

    async def owned(self, subscription_id: str, generation_id: str) -> Generation | None:
        """The generation as `find` has it; None where it is not that subscription's, as where there is none at all.

        The two are found out by the same steps.
        """
        ...

    async def view(self, subscription_id: str, generation_id: str) -> GenerationView:
        """What is shown of the generation as it was last committed.

        Raises `GenerationNotFound` where there is none, or it is another subscription's.
        """
        ...

    async def page(self, subscription_id: str, limit: int, offset: int) -> Sequence[GenerationView]:
        """Up to `limit` of a subscription's generations, the newest id first, after the first `offset`."""
        ...

    async def beyond(
        self, subscription_id: str, generation_id: str | None, limit: int, *, newest_first: bool
    ) -> Sequence[GenerationView]:
        """Up to `limit` of a subscription's generations in the order of their ids, those beyond the given one.

        It need not be there any more; with None they begin at the end that comes first.
        """
        ...

    async def change(self, generation_id: str, change: Change) -> Generation:
        """Apply a change in one transaction with what follows from it, and return the result.

        What follows: a delivery in the outbox where an announced state was entered and there is a callback
        URL; the quota's refund where it failed or was cancelled. The `Changed` that the store was made with is
        told. Raises `GenerationNotFound`, and whatever
        `change` raises.
        """
        ...

    async def claim_next(
        self, claim: Change, engines: Engines = EVERY_ENGINE, passed_over: Collection[str] = ()
    ) -> Generation | None:
        """Apply `claim` to the generation whose turn it is, as `change` does; None where none waits.

        Only those of `engines` count, and of no subscription whose id is `passed_over`. Subscriptions take turns
        (`domain.fairness`); of one subscription the generation that waits longest comes first.
        """
        ...

    async def queued_for(self, engine: str) -> Sequence[str]:
        """The ids of the generations that wait for an engine, in no order."""
        ...

    async def leased(self, until: datetime) -> Sequence[str]:
        """The ids of the generations being rendered whose lease ends at `until` or before."""
        ...

    async def counts(self) -> Mapping[str, int]:
        """How many generations are queued and dreaming, by state."""
        ...

    async def delete(self, generation_id: str) -> bool:
        """Delete a generation with its deliveries and idempotency keys; False where there is none.

        What has not finished is cancelled in the same transaction, as `change` would, and the `Changed` that the store
        was made with is told. The id is kept in `removals`.
        """
        ...

    async def removed(self, generation_id: str) -> None:
        """A deleted generation's objects are gone: forget its id."""
        ...


class RetentionStore(GenerationStore, Protocol):
    """What is to go, and what must stay."""

    async def expired(self, now: datetime, limit: int) -> Sequence[str]:
        """Ids of finished generations that were kept for as long as their products say, up to `limit`."""
        ...

    async def removals(self, limit: int) -> Sequence[str]:
        """Ids of deleted generations whose objects may still be there, those deleted first before the others."""
        ...

    async def named(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys of objects that a generation names: its result, or a picture that it is made from."""
        ...


class UploadStore(Protocol):
    """What is known of uploads."""

    async def add_upload(self, upload: Upload) -> None:
        """Keep a new one. Raises `LimitExceeded` where its subscription has as many as it may."""
        ...

    async def find_upload(self, subscription_id: str, upload_id: str) -> Upload | None:
        """The subscription's upload of that id, expired or not; another's is answered for by the same work as none."""
        ...

    async def expired_uploads(self, now: datetime, limit: int) -> Sequence[Upload]:
        """Up to `limit` of those that have expired, the longest expired first."""
        ...

    async def forget_upload(self, upload_id: str) -> None:
        """Keep it no longer; nothing happens where there is none."""
        ...


class UsageStore(Protocol):
    """What subscriptions spend."""

    async def usage(self, subscription_id: str, period: str) -> Usage:
        """What was spent in that period (`domain.quotas.period`), and what is under way; zero for what is unknown."""
        ...


class AccessStore(UsageStore, Protocol):
    """Keys, as they are looked up on every request."""

    async def find_subscription(self, key_digest: bytes) -> tuple[Subscription, Key] | None:
        """The subscription that a key belongs to, with its product, whatever its state."""
        ...

    async def access_version(self) -> int:
        """A number that is another one as soon as `find_subscription` has another answer for a key that it found."""
        ...


class SubscriptionStore(UsageStore, Protocol):
    """Products, subscriptions and keys, as they are administered."""

    async def add_product(self, product: Product) -> None:
        """Keep a new product. Raises `InvalidRequest` where the name is taken."""
        ...

    async def find_product(self, name: str) -> Product | None:
        """The product of that name."""
        ...

    async def products(self) -> Sequence[Product]:
        """All products in the order of their names."""
        ...

    async def change_product(self, name: str, change: Callable[[Product], Product]) -> Product:
        """Apply a pure change to all but id and name in one transaction.

        Raises `ProductNotFound`, and whatever `change` raises.
        """
        ...

    async def add_subscription(self, subscription: Subscription, keys: Sequence[Key]) -> None:
        """Keep a new subscription with its keys, all or nothing."""
        ...

    async def subscriptions(self) -> Sequence[tuple[Subscription, Sequence[Key]]]:
        """All subscriptions with their keys, oldest first."""
        ...

    async def find_with_keys(self, subscription_id: str) -> tuple[Subscription, Sequence[Key]] | None:
        """A subscription and its keys, the primary first."""
        ...

    async def change_subscription(
        self, subscription_id: str, change: Callable[[Subscription], Subscription]
    ) -> Subscription:
        """Apply a pure change to its name, product, state or end in one transaction.

        Raises `SubscriptionNotFound`, and whatever `change` raises.
        """
        ...

    async def replace_key(self, key: Key) -> None:
        """Put a key in its slot, in place of the one there. Raises `SubscriptionNotFound`."""
        ...


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A callback to make now, with all it takes."""

    delivery: Delivery
    generation: Generation
    secret: str

    @property
    def announced(self) -> Generation:
        """The generation as it was when it entered the state that is announced."""
        return self.generation.as_announced(self.delivery.announces)


class CallbackStore(Protocol):
    """The outbox, and the log of what was tried."""

    async def due(self, now: datetime, each: int) -> Sequence[Delivery]:
        """Pending deliveries whose time has come, the longest due first: of every line `each` at most."""
        ...

    async def find_due(self, delivery_id: str) -> DueDelivery | None:
        """A pending delivery with all it takes, as it is now; None where it is pending no more, or deleted."""
        ...

    async def record(self, delivery: Delivery, attempt: DeliveryAttempt) -> None:
        """Keep an attempt, and what it left of the delivery; nothing where that is deleted.

        Where the delivery was replayed meanwhile it stays as it is, and only the attempt is kept.
        """
        ...

    async def find_delivery(self, delivery_id: str) -> Delivery | None:
        """A delivery as it is now."""
        ...

    async def deliveries(self, generation_id: str) -> Sequence[Delivery]:
        """All deliveries of a generation in the order they were caused."""
        ...

    async def latest_deliveries(self, subscription_id: str, limit: int) -> Sequence[Delivery]:
        """The deliveries of a subscription that were caused last, the latest first."""
        ...

    async def attempts(self, delivery_id: str) -> Sequence[DeliveryAttempt]:
        """Every attempt of a delivery that came to an end, chain by chain."""
        ...

    async def replay(self, delivery_id: str, now: datetime) -> Delivery | None:
        """Begin a new chain of attempts for a delivery, due now; None where there is none."""
        ...
