"""Callbacks in memory."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from stillmotion.application.ports.store import DueDelivery, OwnedDelivery
from stillmotion.domain.callbacks import Delivery, DeliveryAttempt, DeliveryState
from stillmotion.domain.errors import CallbackNotFound
from stillmotion.testing.memory_store.tables import MemoryTables


@dataclass
class MemoryCallbacks(MemoryTables):
    """`CallbackStore`."""

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
        owner = self._subscriptions[generation.subscription_id]
        return DueDelivery(delivery, generation, owner.callback_secret, owner.retired_secret)

    async def record(self, delivery: Delivery, attempt: DeliveryAttempt) -> None:
        """See `CallbackStore.record`."""
        known = self._deliveries.get(delivery.id)
        if known is None:
            return
        self._attempts[delivery.id].setdefault((attempt.replay, attempt.number), attempt)
        if known.takes(delivery):
            self._deliveries[delivery.id] = delivery

    async def find_delivery(self, delivery_id: str) -> Delivery | None:
        """See `CallbackStore.find_delivery`."""
        return self._deliveries.get(delivery_id)

    async def deliveries(self, generation_id: str) -> Sequence[Delivery]:
        """See `CallbackStore.deliveries`."""
        return [each for each in self._deliveries.values() if each.generation_id == generation_id]

    async def owned_deliveries(
        self, subscription_id: str, states: Collection[DeliveryState], after: str | None, limit: int
    ) -> Sequence[OwnedDelivery]:
        """See `CallbackStore.owned_deliveries`."""
        own = [
            each
            for each in reversed(self._deliveries.values())
            if self._generations[each.generation_id].subscription_id == subscription_id
        ]
        if after is not None:
            ids = [each.id for each in own]
            if after not in ids:
                raise CallbackNotFound(after)
            own = own[ids.index(after) + 1 :]
        return [OwnedDelivery(each, self._generations[each.generation_id]) for each in own if each.state in states][
            :limit
        ]

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
