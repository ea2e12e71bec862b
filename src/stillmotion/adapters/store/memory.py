"""The store's promises kept in a dictionary: for tests, gone with the process."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from stillmotion.adapters.store.admission import Standing, admit, check_same_body
from stillmotion.application.ports import Accepted, Change, Clock, DueDelivery, Submission
from stillmotion.domain.callbacks import Delivery, DeliveryAttempt, DeliveryState, caused_by
from stillmotion.domain.errors import GenerationNotFound, InvalidRequest, Problem
from stillmotion.domain.generation import Generation, GenerationView
from stillmotion.domain.lifecycle import State
from stillmotion.domain.quotas import RateWindow, period, refunded_by
from stillmotion.domain.subscriptions import Key, KeySlot, Product, Subscription, SubscriptionState


@dataclass
class MemoryStore:
    """Every store port. No method awaits, so that each is a transaction."""

    clock: Clock
    _generations: dict[str, Generation] = field(default_factory=dict)
    _windows: dict[str, RateWindow] = field(default_factory=dict)
    _used_seconds: defaultdict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    _idempotency: dict[tuple[str, str], tuple[bytes, str]] = field(default_factory=dict)
    _deliveries: dict[str, Delivery] = field(default_factory=dict)
    _attempts: defaultdict[str, dict[tuple[int, int], DeliveryAttempt]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    _removals: list[str] = field(default_factory=list)
    _products: dict[str, Product] = field(default_factory=dict)
    _subscriptions: dict[str, Subscription] = field(default_factory=dict)
    _keys: dict[tuple[str, KeySlot], Key] = field(default_factory=dict)

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
        own = [each.view for each in self._generations.values() if each.subscription_id == subscription_id]
        return own[::-1][offset : offset + limit]

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

    async def due(self, now: datetime, each: int) -> Sequence[Delivery]:
        """See `CallbackStore.due`."""
        due = [delivery for delivery in self._deliveries.values() if delivery.is_due(now)]
        taken: Counter[str] = Counter()
        found = []
        for delivery in sorted(due, key=lambda one: one.due_at):
            taken[delivery.endpoint] += 1
            if taken[delivery.endpoint] <= each:
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
        """Always fit."""

    def close(self) -> None:
        """Nothing to close."""

    def _standing(self, generation: Generation) -> Standing:
        owner = generation.subscription_id
        own = (each for each in self._generations.values() if each.subscription_id == owner)
        unfinished = sum(not each.is_terminal for each in own)
        used_seconds = self._used_seconds[owner, period(generation.created_at)]
        return Standing(self._windows.get(owner), unfinished, used_seconds)
