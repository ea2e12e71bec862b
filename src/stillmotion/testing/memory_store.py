"""Store in memory, for tests: it passes the same contract tests as the real one, and is gone with the process."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from stillmotion.adapters.store.admission import Standing, admit, check_same_body
from stillmotion.application.ports.store import (
    EVERY_ENGINE,
    Accepted,
    Change,
    Changed,
    DueDelivery,
    Engines,
    Submission,
    unwatched,
)
from stillmotion.application.ports.values import Clock
from stillmotion.domain.assets import generation_of
from stillmotion.domain.callbacks import Delivery, DeliveryAttempt, DeliveryState, caused_by
from stillmotion.domain.errors import (
    GenerationNotFound,
    InvalidRequest,
    Problem,
    ProductNotFound,
    SubscriptionNotFound,
)
from stillmotion.domain.fairness import Line
from stillmotion.domain.generation import Generation, GenerationView
from stillmotion.domain.lifecycle import State
from stillmotion.domain.quotas import RETRIED_WITHIN, RateWindow, period, refunded_by
from stillmotion.domain.subscriptions import Key, KeySlot, Product, Subscription, Usage
from stillmotion.domain.uploads import Upload, check_room


@dataclass
class MemoryStore:
    """Every store port. No method awaits, so each is a transaction. `changed` is told of every change."""

    clock: Clock
    changed: Changed = unwatched
    _generations: dict[str, Generation] = field(default_factory=dict)
    _windows: dict[str, RateWindow] = field(default_factory=dict)
    _used_seconds: defaultdict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    _idempotency: dict[tuple[str, str], tuple[bytes, str]] = field(default_factory=dict)
    _digests: dict[str, bytes] = field(default_factory=dict)
    _lines: dict[str, Line] = field(default_factory=dict)
    _virtual_time: int = 0
    _deliveries: dict[str, Delivery] = field(default_factory=dict)
    _attempts: defaultdict[str, dict[tuple[int, int], DeliveryAttempt]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    _removals: list[str] = field(default_factory=list)
    _products: dict[str, Product] = field(default_factory=dict)
    _subscriptions: dict[str, Subscription] = field(default_factory=dict)
    _keys: dict[tuple[str, KeySlot], Key] = field(default_factory=dict)
    _access_version: int = 0
    _uploads: dict[str, Upload] = field(default_factory=dict)

    async def submit(self, submission: Submission) -> Accepted:
        """See `GenerationStore.submit`."""
        generation = submission.generation
        owner, now = generation.subscription_id, generation.created_at
        standing = self._standing(generation)
        earlier = self._earlier(submission)
        if earlier is not None:
            return Accepted(earlier, replayed=True, window=standing.window_at(now))
        window = admit(submission, standing)
        self._windows[owner] = window
        self._lines[owner] = self._line(owner).joined(self._virtual_time, now)
        self._used_seconds[owner, period(now)] += generation.request.seconds
        self._generations[generation.id] = generation
        if submission.idempotency is not None:
            kept = (submission.idempotency.body_digest, generation.id)
            self._idempotency[owner, submission.idempotency.key] = kept
        if submission.fingerprint is not None:
            self._digests[generation.id] = submission.fingerprint.body_digest
        return Accepted(generation, replayed=False, window=window)

    async def find(self, generation_id: str) -> Generation | None:
        """See `GenerationStore.find`."""
        return self._generations.get(generation_id)

    async def digest_of(self, key: str) -> str | None:
        """See `GenerationStore.digest_of`."""
        found = self._generations.get(generation_of(key))
        assets = () if found is None or found.assets is None else found.assets
        return next((asset.digest for asset in assets if asset.key == key), None)

    async def owned(self, subscription_id: str, generation_id: str) -> Generation | None:
        """See `GenerationStore.owned`."""
        found = self._generations.get(generation_id)
        return None if found is None or found.subscription_id != subscription_id else found

    async def view(self, subscription_id: str, generation_id: str) -> GenerationView:
        """See `GenerationStore.view`."""
        found = await self.owned(subscription_id, generation_id)
        if found is None:
            raise GenerationNotFound(generation_id)
        return found.view

    async def page(self, subscription_id: str, limit: int, offset: int) -> Sequence[GenerationView]:
        """See `GenerationStore.page`."""
        return self._own(subscription_id)[::-1][offset : offset + limit]

    async def beyond(
        self, subscription_id: str, generation_id: str | None, limit: int, *, newest_first: bool
    ) -> Sequence[GenerationView]:
        """See `GenerationStore.beyond`."""
        own = self._own(subscription_id)[:: -1 if newest_first else 1]
        return [
            each
            for each in own
            if generation_id is None or (each.id < generation_id if newest_first else each.id > generation_id)
        ][:limit]

    async def change(self, generation_id: str, change: Change) -> Generation:
        """See `GenerationStore.change`."""
        before = self._generations.get(generation_id)
        if before is None:
            raise GenerationNotFound(generation_id)
        after = change(before)
        self._generations[generation_id] = after
        self._used_seconds[after.subscription_id, period(after.created_at)] -= refunded_by(before, after)
        line, now = self._line(after.subscription_id), self.clock.now()
        self._lines[after.subscription_id], self._virtual_time = line.after(before, after, self._virtual_time, now)
        delivery = caused_by(before, after, now)
        if delivery is not None:
            self._deliveries.setdefault(delivery.id, delivery)
        self.changed(after)
        return after

    async def claim_next(
        self, claim: Change, engines: Engines = EVERY_ENGINE, passed_over: Collection[str] = ()
    ) -> Generation | None:
        """See `GenerationStore.claim_next`."""
        queued = [each for each in self._generations.values() if each.state is State.QUEUED]
        meant = [each for each in queued if engines.include(each.engine)]
        waiting = [each for each in meant if each.subscription_id not in passed_over]
        if not waiting:
            return None
        return await self.change(min(waiting, key=self._turn).id, claim)

    async def queued_for(self, engine: str) -> Sequence[str]:
        """See `GenerationStore.queued_for`."""
        waiting = [each for each in self._generations.values() if (each.state, each.engine) == (State.QUEUED, engine)]
        return [each.id for each in waiting]

    async def leased(self, until: datetime) -> Sequence[str]:
        """See `GenerationStore.leased`."""
        return [each.id for each in self._generations.values() if each.lease_until and each.lease_until <= until]

    async def counts(self) -> Mapping[str, int]:
        """See `GenerationStore.counts`."""
        counted = Counter(each.state for each in self._generations.values())
        return {state.value: counted[state] for state in (State.QUEUED, State.DREAMING)}

    async def delete(self, generation_id: str) -> bool:
        """See `GenerationStore.delete`."""
        generation = self._generations.get(generation_id)
        if generation is None:
            return False
        if not generation.is_terminal:
            await self.change(generation_id, lambda each: each.cancelled(self.clock.now()))
        del self._generations[generation_id]
        for delivery in await self.deliveries(generation_id):
            del self._deliveries[delivery.id]
            self._attempts.pop(delivery.id, None)
        self._idempotency = {name: kept for name, kept in self._idempotency.items() if kept[1] != generation_id}
        self._digests.pop(generation_id, None)
        self._removals.append(generation_id)
        return True

    async def removed(self, generation_id: str) -> None:
        """See `GenerationStore.removed`."""
        self._removals = [each for each in self._removals if each != generation_id]

    async def expired(self, now: datetime, limit: int) -> Sequence[str]:
        """See `RetentionStore.expired`."""
        days = {each.id: each.product.retention_days for each in self._subscriptions.values()}
        return [
            each.id
            for each in self._generations.values()
            if each.finished_at is not None
            and (kept := days.get(each.subscription_id)) is not None
            and each.finished_at + timedelta(days=kept) <= now
        ][:limit]

    async def removals(self, limit: int) -> Sequence[str]:
        """See `RetentionStore.removals`."""
        return self._removals[:limit]

    async def named(self, keys: Sequence[str]) -> set[str]:
        """See `RetentionStore.named`."""
        return {key for generation in self._generations.values() for key in generation.objects} & set(keys)

    async def find_subscription(self, key_digest: bytes) -> tuple[Subscription, Key] | None:
        """See `AccessStore.find_subscription`."""
        for key in self._keys.values():
            if key.digest == key_digest:
                return self._subscriptions[key.subscription_id], key
        return None

    async def access_version(self) -> int:
        """See `AccessStore.access_version`."""
        return self._access_version

    async def add_product(self, product: Product) -> None:
        """See `SubscriptionStore.add_product`."""
        if product.name in self._products:
            raise InvalidRequest(Problem("product", f"there is a product called {product.name} already"))
        self._products[product.name] = product

    async def find_product(self, name: str) -> Product | None:
        """See `SubscriptionStore.find_product`."""
        return self._products.get(name)

    async def products(self) -> Sequence[Product]:
        """See `SubscriptionStore.products`."""
        return [self._products[name] for name in sorted(self._products)]

    async def change_product(self, name: str, change: Callable[[Product], Product]) -> Product:
        """See `SubscriptionStore.change_product`."""
        if name not in self._products:
            raise ProductNotFound(name)
        changed = self._products[name] = change(self._products[name])
        self._access_version += 1
        for owner, each in self._subscriptions.items():
            if each.product.name == name:
                self._subscriptions[owner] = replace(each, product=changed)
        return changed

    async def add_subscription(self, subscription: Subscription, keys: Sequence[Key]) -> None:
        """See `SubscriptionStore.add_subscription`."""
        self._subscriptions[subscription.id] = subscription
        self._keys |= {(subscription.id, key.slot): key for key in keys}

    async def subscriptions(self) -> Sequence[tuple[Subscription, Sequence[Key]]]:
        """See `SubscriptionStore.subscriptions`."""
        oldest_first = sorted(self._subscriptions.values(), key=lambda each: each.created_at)
        return [(each, self._keys_of(each)) for each in oldest_first]

    async def find_with_keys(self, subscription_id: str) -> tuple[Subscription, Sequence[Key]] | None:
        """See `SubscriptionStore.find_with_keys`."""
        found = self._subscriptions.get(subscription_id)
        return None if found is None else (found, self._keys_of(found))

    async def change_subscription(
        self, subscription_id: str, change: Callable[[Subscription], Subscription]
    ) -> Subscription:
        """See `SubscriptionStore.change_subscription`."""
        if subscription_id not in self._subscriptions:
            raise SubscriptionNotFound(subscription_id)
        changed = self._subscriptions[subscription_id] = change(self._subscriptions[subscription_id])
        self._access_version += 1
        return changed

    async def replace_key(self, key: Key) -> None:
        """See `SubscriptionStore.replace_key`."""
        if key.subscription_id not in self._subscriptions:
            raise SubscriptionNotFound(key.subscription_id)
        self._keys[key.subscription_id, key.slot] = key
        self._access_version += 1

    async def usage(self, subscription_id: str, period: str) -> Usage:
        """See `SubscriptionStore.usage`."""
        line = self._line(subscription_id)
        return Usage(self._used_seconds[subscription_id, period], self._unfinished(subscription_id), line.queued)

    async def due(self, now: datetime, each: int) -> Sequence[Delivery]:
        """See `CallbackStore.due`."""
        due = [delivery for delivery in self._deliveries.values() if delivery.is_due(now)]
        taken: Counter[str] = Counter()
        found = []
        for delivery in sorted(due, key=lambda one: one.due_at):
            taken[delivery.line] += 1
            if taken[delivery.line] <= each:
                found.append(delivery)
        return found

    async def find_due(self, delivery_id: str) -> DueDelivery | None:
        """See `CallbackStore.find_due`."""
        delivery = self._deliveries.get(delivery_id)
        if delivery is None or delivery.state is not DeliveryState.PENDING:
            return None
        generation = self._generations[delivery.generation_id]
        return DueDelivery(delivery, generation, self._subscriptions[generation.subscription_id].callback_secret)

    async def record(self, delivery: Delivery, attempt: DeliveryAttempt) -> None:
        """See `CallbackStore.record`."""
        known = self._deliveries.get(delivery.id)
        if known is None:
            return
        self._attempts[delivery.id].setdefault((attempt.replay, attempt.number), attempt)
        if known.replays == delivery.replays:
            self._deliveries[delivery.id] = delivery

    async def find_delivery(self, delivery_id: str) -> Delivery | None:
        """See `CallbackStore.find_delivery`."""
        return self._deliveries.get(delivery_id)

    async def deliveries(self, generation_id: str) -> Sequence[Delivery]:
        """See `CallbackStore.deliveries`."""
        return [each for each in self._deliveries.values() if each.generation_id == generation_id]

    async def latest_deliveries(self, subscription_id: str, limit: int) -> Sequence[Delivery]:
        """See `CallbackStore.latest_deliveries`."""
        own = {each.id for each in self._generations.values() if each.subscription_id == subscription_id}
        return [each for each in reversed(self._deliveries.values()) if each.generation_id in own][:limit]

    async def attempts(self, delivery_id: str) -> Sequence[DeliveryAttempt]:
        """See `CallbackStore.attempts`."""
        return [attempt for _, attempt in sorted(self._attempts.get(delivery_id, {}).items())]

    async def replay(self, delivery_id: str, now: datetime) -> Delivery | None:
        """See `CallbackStore.replay`."""
        delivery = self._deliveries.get(delivery_id)
        if delivery is None:
            return None
        replayed = self._deliveries[delivery_id] = delivery.replayed(now)
        return replayed

    async def check(self) -> None:
        """Do nothing: a store in memory is always fit."""

    def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def _earlier(self, submission: Submission) -> Generation | None:
        """The earlier generation that a submission repeats, if any."""
        owner, now = submission.generation.subscription_id, submission.generation.created_at
        if submission.idempotency is not None:
            known = self._idempotency.get((owner, submission.idempotency.key))
            if known is None:
                return None
            check_same_body(known[0], submission.idempotency.body_digest)
            return self._generations[known[1]]
        if submission.fingerprint is None or not submission.fingerprint.is_retry:
            return None
        same = (
            each
            for each in self._generations.values()
            if each.subscription_id == owner
            and each.created_at > now - RETRIED_WITHIN
            and self._digests.get(each.id) == submission.fingerprint.body_digest
        )
        return max(same, key=lambda each: each.id, default=None)

    async def add_upload(self, upload: Upload) -> None:
        """See `UploadStore.add_upload`."""
        own = [each.size for each in self._uploads.values() if each.subscription_id == upload.subscription_id]
        check_room(len(own), sum(own), upload.size)
        self._uploads[upload.id] = upload

    async def find_upload(self, subscription_id: str, upload_id: str) -> Upload | None:
        """See `UploadStore.find_upload`."""
        upload = self._uploads.get(upload_id)
        return upload if upload is not None and upload.subscription_id == subscription_id else None

    async def expired_uploads(self, now: datetime, limit: int) -> Sequence[Upload]:
        """See `UploadStore.expired_uploads`."""
        expired = (each for each in self._uploads.values() if each.expires_at <= now)
        return sorted(expired, key=lambda each: each.expires_at)[:limit]

    async def forget_upload(self, upload_id: str) -> None:
        """See `UploadStore.forget_upload`."""
        self._uploads.pop(upload_id, None)

    def _own(self, subscription_id: str) -> list[GenerationView]:
        own = (each.view for each in self._generations.values() if each.subscription_id == subscription_id)
        return sorted(own, key=lambda each: each.id)

    def _standing(self, generation: Generation) -> Standing:
        owner = generation.subscription_id
        used_seconds = self._used_seconds[owner, period(generation.created_at)]
        return Standing(self._windows.get(owner), self._unfinished(owner), self._line(owner).queued, used_seconds)

    def _unfinished(self, owner: str) -> int:
        return sum(each.subscription_id == owner and not each.is_terminal for each in self._generations.values())

    def _line(self, owner: str) -> Line:
        return self._lines.get(owner) or Line(0, 0, self.clock.now())

    def _turn(self, generation: Generation) -> tuple[int, datetime, str, datetime]:
        owner = generation.subscription_id
        line = self._lines[owner]
        return line.turn, line.since, owner, generation.created_at

    def _keys_of(self, subscription: Subscription) -> list[Key]:
        return [self._keys[each] for each in sorted(self._keys) if each[0] == subscription.id]
