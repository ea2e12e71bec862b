"""Subscriptions and their keys: issue, rotate, suspend, cancel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from stillmotion.application.access import key_digest, pepper_mark
from stillmotion.application.ports.store import SubscriptionStore
from stillmotion.application.ports.values import Clock, NewId, NewToken
from stillmotion.domain.errors import InvalidRequest, Problem, ProductNotFound, SubscriptionNotFound
from stillmotion.domain.quotas import period
from stillmotion.domain.subscriptions import (
    Key,
    KeySecret,
    KeySlot,
    Product,
    RetiredSecret,
    Subscription,
    SubscriptionState,
    Usage,
    check_name,
    secret_of_mark,
)

KEY_PREFIX = "sm_"
VISIBLE_CHARACTERS = 9
"""Characters of a key that are kept in the clear, so that people can tell keys apart."""
NO_OVERLAP: Final = timedelta(0)
MOST_OVERLAP: Final = timedelta(days=7)
"""Longest time for which a replaced key works on."""
SECRET_OVERLAP: Final = timedelta(days=1)
"""Time for which a replaced callback secret signs beside the new one."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A new subscription with its two keys in the clear. They are shown once and stored nowhere."""

    subscription: Subscription
    primary: str = field(repr=False)
    secondary: str = field(repr=False)


class RotatedKey(NamedTuple):
    """A new key in the clear, and the end of the one it replaced; None if that has ended."""

    key: str
    previous_until: datetime | None


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """The administration of subscriptions. Keys are hashed with `pepper`; those of `pepper_before` are good too."""

    store: SubscriptionStore
    clock: Clock
    new_id: NewId
    new_token: NewToken
    new_secret: NewToken
    pepper: bytes = field(repr=False)
    pepper_before: bytes | None = field(default=None, repr=False)

    async def issue(self, product_name: str, name: str, expires_at: datetime | None = None) -> Issued:
        """A new active subscription with two keys. Raises `InvalidRequest`, also for an unknown product."""
        check_name(name)
        subscription = Subscription(
            id=self.new_id(),
            name=name,
            product=await self._product(product_name),
            created_at=self.clock.now(),
            callback_secret=self.new_secret(),
            expires_at=_in_utc(expires_at),
        )
        keys = {slot: KEY_PREFIX + self.new_token() for slot in KeySlot}
        await self.store.add_subscription(
            subscription, [self._key(subscription.id, slot, key) for slot, key in keys.items()]
        )
        return Issued(subscription, keys[KeySlot.PRIMARY], keys[KeySlot.SECONDARY])

    async def lend_key(self, product_name: str, name: str) -> tuple[Subscription, str]:
        """The subscription of that name, made if there is none, with a new key in place of its old one."""
        alike = [each for each, _ in await self.list() if each.name == name]
        usable = [each for each in alike if each.state is not SubscriptionState.CANCELLED]
        found = usable[0] if usable else (await self.issue(product_name, name)).subscription
        return found, (await self.rotate(found.id, KeySlot.PRIMARY)).key

    async def rotate(
        self, subscription_id: str, slot: KeySlot, overlap: timedelta = NO_OVERLAP, session: bytes | None = None
    ) -> RotatedKey:
        """A new key in one slot. The old one there works on for the `overlap`, and then stops.

        The session of that digest goes on with the new key if the old one opened it. Raises `InvalidRequest` for a
        longer overlap than `MOST_OVERLAP`, or `SubscriptionNotFound`.
        """
        if not NO_OVERLAP <= overlap <= MOST_OVERLAP:
            most = int(MOST_OVERLAP.total_seconds())
            raise InvalidRequest(Problem("overlap_seconds", f"must be from 0 to {most}, which is a week"))
        key = KEY_PREFIX + self.new_token()
        until = self.clock.now() + overlap if overlap else None
        await self.store.replace_key(self._key(subscription_id.lower(), slot, key), until, session)
        return RotatedKey(key, until)

    async def renew_secret(self, subscription_id: str) -> Subscription:
        """The subscription with a new callback secret. For a day both sign. Raises `SubscriptionNotFound`."""
        secret, until = self.new_secret(), self.clock.now() + SECRET_OVERLAP

        def change(subscription: Subscription) -> Subscription:
            return replace(
                subscription,
                callback_secret=secret,
                retired_secret=RetiredSecret(subscription.callback_secret, until),
            )

        return await self.store.change_subscription(subscription_id, change)

    async def set_state(self, subscription_id: str, state: SubscriptionState) -> Subscription:
        """Suspend, activate or cancel. Raises as `update` does."""
        return await self.update(subscription_id, {"state": state})

    async def update(self, subscription_id: str, changes: Mapping[str, Any]) -> Subscription:
        """Change `name`, `product` (its name), `state` or `expires_at`. Queued generations go on in any state.

        Raises `SubscriptionNotFound` or `InvalidRequest`: a cancelled subscription stays cancelled, and an expired one
        is activated with a later end only.
        """
        given = dict(changes)
        if "name" in given:
            check_name(given["name"])
        if "product" in given:
            given["product"] = await self._product(given["product"])
        if "expires_at" in given:
            given["expires_at"] = _in_utc(given["expires_at"])
        state, now = given.pop("state", None), self.clock.now()

        def change(subscription: Subscription) -> Subscription:
            changed = replace(subscription, **given)
            if state is None:
                return changed
            changed = changed.entering(state)
            if changed.state_at(now) is not state:
                raise InvalidRequest(Problem("expires_at", "is past: give a later end, or none, to activate it again"))
            return changed

        return await self.store.change_subscription(subscription_id.lower(), change)

    async def get(self, subscription_id: str) -> tuple[Subscription, Sequence[Key]]:
        """A subscription with its keys' prefixes. Raises `SubscriptionNotFound`."""
        found = await self.store.find_with_keys(subscription_id.lower())
        if found is None:
            raise SubscriptionNotFound(subscription_id)
        return found

    async def usage(self, subscription_id: str) -> Usage:
        """Usage of a subscription: this month's video seconds, and unfinished generations."""
        return await self.store.usage(subscription_id.lower(), period(self.clock.now()))

    async def list(self) -> Sequence[tuple[Subscription, Sequence[Key]]]:
        """All subscriptions with their keys' prefixes, oldest first."""
        return await self.store.subscriptions()

    def secret_of(self, key: Key) -> KeySecret:
        """The secret that a key was hashed with."""
        before = None if self.pepper_before is None else pepper_mark(self.pepper_before)
        return secret_of_mark(key.mark, pepper_mark(self.pepper), before)

    async def _product(self, name: str) -> Product:
        product = await self.store.find_product(name)
        if product is None:
            raise InvalidRequest(Problem("product", str(ProductNotFound(name))))
        return product

    def _key(self, subscription_id: str, slot: KeySlot, key: str) -> Key:
        digest, mark = key_digest(self.pepper, key), pepper_mark(self.pepper)
        return Key(digest, key[:VISIBLE_CHARACTERS], slot, subscription_id, self.clock.now(), mark=mark)


def _in_utc(time: datetime | None) -> datetime | None:
    if time is not None and time.tzinfo is None:
        raise InvalidRequest(Problem("expires_at", "must say its time zone: write it like 2027-01-31T00:00:00Z"))
    return None if time is None else time.astimezone(UTC)
