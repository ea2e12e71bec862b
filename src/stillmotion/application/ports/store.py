"""Ports of the database: generations, uploads, access, subscriptions, callbacks, retention."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from stillmotion.application.ports.record import RecordStore
from stillmotion.application.ports.sessions import SessionStore
from stillmotion.domain.callbacks import Delivery, DeliveryAttempt, DeliveryState
from stillmotion.domain.generation import Deletion, Generation, GenerationView, Lease, WorkStage
from stillmotion.domain.operators.queue_controls import NOBODY, QueueControls, WorkerName
from stillmotion.domain.quotas import RateWindow
from stillmotion.domain.subscriptions import Key, Product, RetiredSecret, Subscription, Usage, valid_secrets
from stillmotion.domain.uploads import Upload

Change = Callable[[Generation], Generation]
"""A pure function from a generation to its next state. If it raises, nothing is changed."""

Changed = Callable[[Generation], None]
"""Listener to committed changes, called by the task that made the change. Another may listen to ends alone."""

Told = Callable[[Generation | Deletion], None]
"""Listener to all that becomes of generations: submits, changes and deletions, each once it is committed."""


def unwatched(generation: Generation | Deletion) -> None:
    """Do nothing: a `Changed` or `Told` without listeners."""


Dialects = Mapping[str, Callable[[Generation], bytes]]
"""By surface: the function that writes a generation as that surface's JSON body."""


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The caller's name for a submit, and a digest of the submit's body."""

    key: str
    body_digest: bytes


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Fingerprint of a submit without an idempotency key: a digest of its path and body.

    `is_retry` if the caller marks it as a retry.
    """

    body_digest: bytes
    is_retry: bool = False


@dataclass(frozen=True, slots=True)
class Submission:
    """A generation to be stored, with the limits that it must pass."""

    generation: Generation
    product: Product
    idempotency: IdempotencyKey | None = None
    fingerprint: Fingerprint | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """Result of a submission. `replayed` if it repeats an earlier one, whose generation is given again."""

    generation: Generation
    replayed: bool
    window: RateWindow


class Engines(NamedTuple):
    """A selection of engines: those `named`, or all `others`."""

    named: frozenset[str] = frozenset()
    others: bool = True

    def include(self, engine: str) -> bool:
        """True if the engine is selected."""
        return (engine in self.named) is not self.others

    def without(self, engines: frozenset[str]) -> "Engines":
        """The selection without some engines."""
        return Engines(self.named | engines if self.others else self.named - engines, self.others)


EVERY_ENGINE = Engines()


class EngineLimit(NamedTuple):
    """Limit of an engine: so many of its generations are leased at most, over all processes."""

    engine: str
    most: int


class GenerationStore(RecordStore, Protocol):
    """Store of generations, and their queue."""

    @property
    def epoch(self) -> int:
        """Number of failovers that this process saw. After one, confirmed changes of before may be missing."""
        ...

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
        """The SHA-256 in hex of a result's object, by its key; None for any other key."""
        ...

    async def owned(self, subscription_id: str, generation_id: str) -> Generation | None:
        """The generation as `find` has it, if it is that subscription's; None otherwise.

        Another's generation and an unknown one take the same steps.
        """
        ...

    async def view(self, subscription_id: str, generation_id: str) -> GenerationView:
        """The owner's view of the generation as it was last committed.

        Raises `GenerationNotFound` for an unknown generation and for another subscription's.
        """
        ...

    async def change(self, generation_id: str, change: Change) -> Generation:
        """Apply a change in one transaction with its consequences, and return the result.

        They are a delivery in the outbox, if an announced state was entered and there is a callback URL, and the
        quota's refund, if the generation failed or was cancelled. The store's `Told` is called. Raises
        `GenerationNotFound`, and every error of `change`.
        """
        ...

    async def renew(
        self,
        lease: Lease,
        until: datetime,
        progress: float,
        preview: str | None = None,
        stage: WorkStage = WorkStage.RENDERING,
    ) -> datetime | None:
        """Renew a lease, with the progress, which never goes back, the preview and the stage.

        The answer is the time up to which somebody looks at the previews (`watch_previews`); None if nobody ever did.
        No consequence but these: a store may keep them apart from the rest, and need not wait for the disk. Raises
        `LeaseLost` if the generation is no longer rendered under the lease, or deleted.
        """
        ...

    async def watch_previews(self, generation_ids: Collection[str], until: datetime) -> None:
        """Note that somebody looks at the previews of these up to then. Those that are not rendered are left out."""
        ...

    async def claim_next(
        self,
        claim: Change,
        engines: Engines = EVERY_ENGINE,
        passed_over: Collection[str] = (),
        worker: WorkerName = NOBODY,
        within: EngineLimit | None = None,
    ) -> Generation | None:
        """Apply `claim` to the next generation, as `change` does; None if none waits for this `worker`.

        Only generations of `engines` count, and none of subscriptions whose ids are `passed_over`. Subscriptions take
        turns (`domain.fairness`); the oldest generation of a subscription comes first. The queue's controls are read
        in the same transaction: once a pause is stored, nothing more is claimed. The attempt is recorded as the
        worker's. Beyond the limit `within`, which is counted in the same transaction, nothing is claimed.
        """
        ...

    async def queue_controls(self) -> QueueControls:
        """All controls of the queue as they were last committed."""
        ...

    async def queued_for(self, engine: str) -> Sequence[str]:
        """The ids of the generations that wait for an engine, in no order."""
        ...

    async def leased(self, until: datetime) -> Sequence[str]:
        """The ids of the generations being rendered whose lease ends at `until` or before."""
        ...

    async def counts(self) -> Mapping[str, int]:
        """The number of queued and of dreaming generations, by state."""
        ...

    async def delete(self, generation_id: str) -> bool:
        """Delete a generation with its deliveries and idempotency keys; False if it does not exist.

        An unfinished one is cancelled in the same transaction, as `change` would, and the store's `Told` is called.
        The id is kept in `removals`.
        """
        ...

    async def removed(self, generation_id: str) -> None:
        """Forget the id of a deleted generation whose objects are removed."""
        ...


class RetentionStore(GenerationStore, Protocol):
    """Store queries of retention."""

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
    """Store of uploads."""

    async def add_upload(self, upload: Upload) -> None:
        """Store a new upload. Raises `LimitExceeded` if its subscription has too many."""
        ...

    async def find_upload(self, subscription_id: str, upload_id: str) -> Upload | None:
        """The subscription's upload, expired or not. Another's takes the same work as an unknown one."""
        ...

    async def expired_uploads(self, now: datetime, limit: int) -> Sequence[Upload]:
        """Up to `limit` expired uploads, the longest expired first."""
        ...

    async def forget_upload(self, upload_id: str) -> None:
        """Remove an upload's row, if there is one."""
        ...


class UsageStore(Protocol):
    """Store of the usage of subscriptions."""

    async def usage(self, subscription_id: str, period: str) -> Usage:
        """Usage in a period (`domain.quotas.period`), and unfinished generations; zero for an unknown subscription."""
        ...


class AccessStore(UsageStore, SessionStore, Protocol):
    """Store of keys and sessions, read for requests."""

    async def find_subscription(self, key_digest: bytes) -> tuple[Subscription, Key] | None:
        """The subscription of a key, in any state, with its product."""
        ...

    async def access_version(self) -> int:
        """A number that changes whenever what `find_subscription` or `find_session` found would be found otherwise."""
        ...

    async def note_uses(self, uses: Mapping[bytes, datetime]) -> None:
        """Store the last uses of keys, by their digests. This is no change of access."""
        ...

    async def rename_keys(self, digests: Mapping[bytes, bytes], mark: bytes) -> None:
        """Store keys under other digests with that mark, by the digests that they have.

        Their sessions go on. Unknown ones are left out.
        """
        ...


class SubscriptionStore(UsageStore, Protocol):
    """Store of products, subscriptions and keys, for their administration."""

    async def add_product(self, product: Product) -> None:
        """Store a new product. Raises `InvalidRequest` if the name is taken."""
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
        """Store a new subscription with its keys, all or nothing."""
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

    async def replace_key(self, key: Key, until: datetime | None = None, session: bytes | None = None) -> None:
        """Put a key in its slot. The one there goes on `until` then, or ends now; one that goes on already ends now.

        The `session` of that digest, if a key of the slot opened it, goes on with the new key. Raises
        `SubscriptionNotFound`.
        """
        ...


@dataclass(frozen=True, slots=True)
class OwnedDelivery:
    """A delivery with its generation."""

    delivery: Delivery
    generation: Generation

    @property
    def announced(self) -> Generation:
        """The generation as it was when it entered the state that is announced."""
        return self.generation.as_announced(self.delivery.announces)


@dataclass(frozen=True, slots=True)
class DueDelivery(OwnedDelivery):
    """A due delivery with its generation and the secrets that sign it."""

    secret: str
    retired: RetiredSecret | None = None

    def secrets(self, now: datetime) -> Sequence[str]:
        """The secret, and the one that it replaced, for as long as that is valid."""
        return valid_secrets(self.secret, self.retired, now)


class CallbackStore(Protocol):
    """Outbox of callbacks, and the log of attempts."""

    async def due(self, now: datetime, each: int) -> Sequence[Delivery]:
        """Pending deliveries that are due, the longest due first: at most `each` of every line."""
        ...

    async def find_due(self, delivery_id: str) -> DueDelivery | None:
        """A pending delivery as it is now; None if it is no longer pending, or deleted."""
        ...

    async def record(self, delivery: Delivery, attempt: DeliveryAttempt) -> None:
        """Store an attempt and the delivery after it; nothing if the delivery is deleted.

        If the delivery was replayed meanwhile, or another process is further with it (`Delivery.takes`), it stays as it
        is and only the attempt is stored.
        """
        ...

    async def find_delivery(self, delivery_id: str) -> Delivery | None:
        """A delivery as it is now."""
        ...

    async def deliveries(self, generation_id: str) -> Sequence[Delivery]:
        """All deliveries of a generation in the order they were caused."""
        ...

    async def owned_deliveries(
        self, subscription_id: str, states: Collection[DeliveryState], after: str | None, limit: int
    ) -> Sequence[OwnedDelivery]:
        """Up to `limit` of a subscription's deliveries in these states, those that were caused last first.

        The list begins after the delivery `after`. Raises `CallbackNotFound` if that is none of the subscription's.
        """
        ...

    async def attempts(self, delivery_id: str) -> Sequence[DeliveryAttempt]:
        """All finished attempts of a delivery, chain by chain."""
        ...

    async def replay(self, delivery_id: str, now: datetime) -> Delivery | None:
        """Begin a new chain of attempts for a delivery, due now; None if it does not exist."""
        ...
