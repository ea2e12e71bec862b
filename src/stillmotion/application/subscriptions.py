"""Issuing subscriptions and their keys."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from stillmotion.application.access import key_digest
from stillmotion.application.ports import Clock, NewId, NewToken, SubscriptionStore
from stillmotion.domain.errors import InvalidRequest, Problem
from stillmotion.domain.subscriptions import Key, KeySlot, Product, Subscription, SubscriptionState

KEY_PREFIX = "sm_"
VISIBLE_CHARACTERS = 9
"""How much of a key is kept in the clear, so that people can tell their keys apart."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A new subscription and its two keys in the clear: shown once, kept nowhere."""

    subscription: Subscription
    primary: str = field(repr=False)
    secondary: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """The administration of who may ask."""

    store: SubscriptionStore
    clock: Clock
    new_id: NewId
    new_token: NewToken
    new_secret: NewToken
    pepper: bytes = field(repr=False)

    async def ensure_product(self, product: Product) -> Product:
        """The product of that name as it is kept, or this one, kept now."""
        known = await self.store.find_product(product.name)
        if known is None:
            await self.store.add_product(product)
        return known or product

    async def issue(self, product_name: str, name: str) -> Issued:
        """A new active subscription with two keys. Raises `InvalidRequest` where there is no such product."""
        product = await self.store.find_product(product_name)
        if product is None:
            raise InvalidRequest(Problem("product", f"there is no product called {product_name}"))
        subscription = Subscription(
            id=self.new_id(),
            name=name,
            product=product,
            created_at=self.clock.now(),
            callback_secret=self.new_secret(),
        )
        keys = {slot: KEY_PREFIX + self.new_token() for slot in KeySlot}
        await self.store.add_subscription(
            subscription, [self._key(subscription.id, slot, key) for slot, key in keys.items()]
        )
        return Issued(subscription, keys[KeySlot.PRIMARY], keys[KeySlot.SECONDARY])

    async def rotate(self, subscription_id: str, slot: KeySlot) -> str:
        """A new key in one slot; the old one there stops working. Raises `InvalidRequest` for an unknown id."""
        key = KEY_PREFIX + self.new_token()
        if not await self.store.replace_key(self._key(subscription_id, slot, key)):
            raise _unknown(subscription_id)
        return key

    async def set_state(self, subscription_id: str, state: SubscriptionState) -> None:
        """Suspend or activate. Raises `InvalidRequest` for an unknown id."""
        if not await self.store.set_state(subscription_id, state):
            raise _unknown(subscription_id)

    async def list(self) -> Sequence[tuple[Subscription, Sequence[Key]]]:
        """All subscriptions with their keys' prefixes, oldest first."""
        return await self.store.subscriptions()

    def _key(self, subscription_id: str, slot: KeySlot, key: str) -> Key:
        return Key(key_digest(self.pepper, key), key[:VISIBLE_CHARACTERS], slot, subscription_id, self.clock.now())


def _unknown(subscription_id: str) -> InvalidRequest:
    return InvalidRequest(Problem("subscription", f"there is no subscription {subscription_id}"))
