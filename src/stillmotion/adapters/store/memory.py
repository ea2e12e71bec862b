"""The store's promises kept in a dictionary: for tests, gone with the process."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from stillmotion.adapters.store.admission import Standing, admit, check_same_body
from stillmotion.application.ports import Accepted, Change, Changed, Clock, DueDelivery, Submission, unwatched
from stillmotion.domain.callbacks import Delivery, DeliveryState, caused_by
from stillmotion.domain.errors import GenerationNotFound, InvalidRequest, Problem
from stillmotion.domain.generation import Generation, GenerationView
from stillmotion.domain.lifecycle import State
from stillmotion.domain.quotas import RateWindow, period, refunded_by
from stillmotion.domain.subscriptions import Key, KeySlot, Product, Subscription, SubscriptionState
from stillmotion.domain.uploads import Upload, check_room


@dataclass
class MemoryStore:
    """Every store port. No method awaits, so that each is a transaction. `changed` is told of every change."""

    clock: Clock
    changed: Changed = unwatched
    _generations: dict[str, Generation] = field(default_factory=dict)
    _windows: dict[str, RateWindow] = field(default_factory=dict)
    _used_seconds: defaultdict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    _idempotency: dict[tuple[str, str], tuple[bytes, str]] = field(default_factory=dict)
    _deliveries: dict[str, Delivery] = field(default_factory=dict)
    _products: dict[str, Product] = field(default_factory=dict)
    _subscriptions: dict[str, Subscription] = field(default_factory=dict)
    _keys: dict[tuple[str, KeySlot], Key] = field(default_factory=dict)
    _uploads: dict[str, Upload] = field(default_factory=dict)

    async def submit(self, submission: Submission) -> Accepted:
        """See `GenerationStore.submit`."""
        generation = submission.generation
        owner, now = generation.subscription_id, generation.created_at
        standing = self._standing(generation)
        if submission.idempotency is not None:
            known = self._idempotency.get((owner, submission.idempotency.key))
            if known is not None:
                check_same_body(known[0], submission.idempotency.body_digest)
                return Accepted(self._generations[known[1]], replayed=True, window=standing.window_at(now))
        window = admit(submission, standing)
        self._windows[owner] = window
        self._used_seconds[owner, period(now)] += generation.request.seconds
        self._generations[generation.id] = generation
        if submission.idempotency is not None:
            kept = (submission.idempotency.body_digest, generation.id)
            self._idempotency[owner, submission.idempotency.key] = kept
        return Accepted(generation, replayed=False, window=window)

    async def find(self, generation_id: str) -> Generation | None:
        """See `GenerationStore.find`."""
        return self._generations.get(generation_id)

    async def view(self, subscription_id: str, generation_id: str) -> GenerationView | None:
        """See `GenerationStore.view`."""
        found = self._generations.get(generation_id)
        return None if found is None or found.subscription_id != subscription_id else found.view

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
        delivery = caused_by(before, after, self.clock.now())
        if delivery is not None:
            self._deliveries.setdefault(delivery.id, delivery)
        self.changed(after)
        return after

    async def claim_next(self, claim: Change) -> Generation | None:
        """See `GenerationStore.claim_next`."""
        waiting = [each for each in self._generations.values() if each.state is State.QUEUED]
        if not waiting:
            return None
        return await self.change(min(waiting, key=lambda each: each.created_at).id, claim)

    async def leased(self, until: datetime) -> Sequence[str]:
        """See `GenerationStore.leased`."""
        return [each.id for each in self._generations.values() if each.lease_until and each.lease_until <= until]

    async def counts(self) -> Mapping[str, int]:
        """See `GenerationStore.counts`."""
        counted = Counter(each.state for each in self._generations.values())
        return {state.value: counted[state] for state in (State.QUEUED, State.DREAMING)}

    async def find_subscription(self, key_digest: bytes) -> tuple[Subscription, Key] | None:
        """See `AccessStore.find_subscription`."""
        for key in self._keys.values():
            if key.digest == key_digest:
                return self._subscriptions[key.subscription_id], key
        return None

    async def add_product(self, product: Product) -> None:
        """See `SubscriptionStore.add_product`."""
        if product.name in self._products:
            raise InvalidRequest(Problem("product", f"there is a product called {product.name} already"))
        self._products[product.name] = product

    async def find_product(self, name: str) -> Product | None:
        """See `SubscriptionStore.find_product`."""
        return self._products.get(name)

    async def add_subscription(self, subscription: Subscription, keys: Sequence[Key]) -> None:
        """See `SubscriptionStore.add_subscription`."""
        self._subscriptions[subscription.id] = subscription
        self._keys |= {(subscription.id, key.slot): key for key in keys}

    async def subscriptions(self) -> Sequence[tuple[Subscription, Sequence[Key]]]:
        """See `SubscriptionStore.subscriptions`."""
        oldest_first = sorted(self._subscriptions.values(), key=lambda each: each.created_at)
        return [(each, list((await self.find_keys(each.id)).values())) for each in oldest_first]

    async def set_state(self, subscription_id: str, state: SubscriptionState) -> bool:
        """See `SubscriptionStore.set_state`."""
        known = self._subscriptions.get(subscription_id)
        if known is not None:
            self._subscriptions[subscription_id] = replace(known, state=state)
        return known is not None

    async def replace_key(self, key: Key) -> bool:
        """See `SubscriptionStore.replace_key`."""
        if key.subscription_id not in self._subscriptions:
            return False
        self._keys[key.subscription_id, key.slot] = key
        return True

    async def find_keys(self, subscription_id: str) -> Mapping[KeySlot, Key]:
        """See `SubscriptionStore.find_keys`."""
        return {slot: key for (owner, slot), key in sorted(self._keys.items()) if owner == subscription_id}

    async def due(self, now: datetime, limit: int) -> Sequence[DueDelivery]:
        """See `CallbackStore.due`."""
        pending = [each for each in self._deliveries.values() if each.state is DeliveryState.PENDING]
        longest_due = sorted((each for each in pending if each.due_at <= now), key=lambda each: each.due_at)
        return [self._with_all_it_takes(each) for each in longest_due[:limit]]

    async def record(self, delivery: Delivery) -> None:
        """See `CallbackStore.record`."""
        self._deliveries[delivery.id] = delivery

    async def deliveries(self, generation_id: str) -> Sequence[Delivery]:
        """See `CallbackStore.deliveries`."""
        return [each for each in self._deliveries.values() if each.generation_id == generation_id]

    async def check(self) -> None:
        """Always fit."""

    def close(self) -> None:
        """Nothing to close."""

    async def add_upload(self, upload: Upload) -> None:
        """See `UploadStore.add_upload`."""
        own = [each.size for each in self._uploads.values() if each.subscription_id == upload.subscription_id]
        check_room(len(own), sum(own), upload.size)
        self._uploads[upload.id] = upload

    async def find_upload(self, upload_id: str) -> Upload | None:
        """See `UploadStore.find_upload`."""
        return self._uploads.get(upload_id)

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
        own = (each for each in self._generations.values() if each.subscription_id == owner)
        unfinished = sum(not each.is_terminal for each in own)
        used_seconds = self._used_seconds[owner, period(generation.created_at)]
        return Standing(self._windows.get(owner), unfinished, used_seconds)

    def _with_all_it_takes(self, delivery: Delivery) -> DueDelivery:
        generation = self._generations[delivery.generation_id]
        return DueDelivery(delivery, generation, self._subscriptions[generation.subscription_id].callback_secret)
