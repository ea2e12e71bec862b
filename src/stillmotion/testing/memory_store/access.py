"""Products, subscriptions and keys in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from stillmotion.domain.errors import InvalidRequest, Problem, ProductNotFound, SubscriptionNotFound
from stillmotion.domain.subscriptions import Key, Product, Subscription, Usage
from stillmotion.testing.memory_store.tables import MemoryTables


@dataclass
class MemorySubscriptions(MemoryTables):
    """`AccessStore` and `SubscriptionStore`."""

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

    def _keys_of(self, subscription: Subscription) -> list[Key]:
        return [self._keys[each] for each in sorted(self._keys) if each[0] == subscription.id]
