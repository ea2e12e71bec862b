"""Products, subscriptions and keys in memory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from stillmotion.domain.errors import InvalidRequest, Problem, ProductNotFound, SubscriptionNotFound
from stillmotion.domain.subscriptions import Key, Product, Subscription, Usage
from stillmotion.testing.memory_store.tables import MemoryTables


@dataclass
class MemorySubscriptions(MemoryTables):
    """`AccessStore` and `SubscriptionStore`."""

    async def find_subscription(self, key_digest: bytes) -> tuple[Subscription, Key] | None:
        """See `AccessStore.find_subscription`."""
        key = self._keys.get(key_digest)
        return None if key is None else (self._subscriptions[key.subscription_id], key)

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
        self._keys |= {key.digest: key for key in keys}

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

    async def replace_key(self, key: Key, until: datetime | None = None, session: bytes | None = None) -> None:
        """See `SubscriptionStore.replace_key`."""
        if key.subscription_id not in self._subscriptions:
            raise SubscriptionNotFound(key.subscription_id)
        slot = key.subscription_id, key.slot
        ended = [each for each in self._keys.values() if (each.subscription_id, each.slot) == slot]
        visiting = None if session is None else self._sessions.get(session)
        if visiting is not None and visiting.key_digest in {each.digest for each in ended}:
            self._sessions[visiting.digest] = replace(visiting, key_digest=key.digest)
        for each in ended:
            del self._keys[each.digest]
            if until is not None and each.expires_at is None:
                self._keys[each.digest] = replace(each, expires_at=until)
        self._keys[key.digest] = key
        self._access_version += 1

    async def note_uses(self, uses: Mapping[bytes, datetime]) -> None:
        """See `AccessStore.note_uses`."""
        for digest, at in uses.items():
            if digest in self._keys:
                self._keys[digest] = replace(self._keys[digest], used_at=at)

    async def rename_keys(self, digests: Mapping[bytes, bytes], mark: bytes) -> None:
        """See `AccessStore.rename_keys`."""
        for before, digest in digests.items():
            if before in self._keys:
                self._keys[digest] = replace(self._keys.pop(before), digest=digest, mark=mark)
                visiting = [each for each in self._sessions.values() if each.key_digest == before]
                self._sessions |= {each.digest: replace(each, key_digest=digest) for each in visiting}
                self._access_version += 1

    async def usage(self, subscription_id: str, period: str) -> Usage:
        """See `SubscriptionStore.usage`."""
        line = self._line(subscription_id)
        window = self._windows.get(subscription_id)
        began, submits = (None, 0) if window is None else (window.started_at, window.spent)
        used, unfinished = self._used_seconds[subscription_id, period], self._unfinished(subscription_id)
        return Usage(used, unfinished, line.queued, began, submits)

    def _keys_of(self, subscription: Subscription) -> list[Key]:
        own = (each for each in self._keys.values() if each.subscription_id == subscription.id)
        return sorted(own, key=lambda each: (each.slot, each.expires_at is not None))
