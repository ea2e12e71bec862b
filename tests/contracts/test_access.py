"""`Access` over each store: authentication while keys and subscriptions change."""

from dataclasses import replace
from datetime import timedelta

import pytest

from stillmotion.application.access import CHECK_SECONDS, KNOWN_SECONDS, Access, key_digest
from stillmotion.domain.errors import NotAuthenticated
from stillmotion.domain.subscriptions import KeySlot, SubscriptionState
from tests.builders import NOON, a_key, a_product, a_subscription

PEPPER = b"pepper"
KEY, OTHER = "sm_first", "sm_other"


class Counting:
    """An `AccessStore` that counts its calls."""

    def __init__(self, store):
        self._store, self.lookups, self.checks = store, 0, 0

    async def find_subscription(self, digest):
        self.lookups += 1
        return await self._store.find_subscription(digest)

    async def access_version(self):
        self.checks += 1
        return await self._store.access_version()


@pytest.fixture
def counting(store):
    return Counting(store)


@pytest.fixture
def access(counting, clock):
    return Access(counting, clock, PEPPER)


async def issued(store, key, **parts):
    subscription = a_subscription(a_product(name=key), **parts)
    await store.add_product(subscription.product)
    await store.add_subscription(subscription, [a_key(subscription, digest=key_digest(PEPPER, key))])
    return subscription


async def test_a_key_is_looked_up_once_while_nothing_changes(store, counting, access, clock):
    first, other = await issued(store, KEY), await issued(store, OTHER)
    for _ in range(20):
        assert await access.authenticate(KEY) == first == access.known(KEY, clock.monotonic())
        assert await access.authenticate(OTHER) == other
        clock.advance(seconds=CHECK_SECONDS)
        assert access.known(KEY, clock.monotonic()) is None
    assert (counting.lookups, counting.checks) == (2, 20)
    clock.advance(seconds=KNOWN_SECONDS)
    assert await access.authenticate(KEY) == first
    assert counting.lookups == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda store, each: store.change_subscription(
            each.id, lambda it: replace(it, state=SubscriptionState.SUSPENDED)
        ),
        lambda store, each: store.change_subscription(each.id, lambda it: replace(it, expires_at=NOON)),
        lambda store, each: store.replace_key(a_key(each, KeySlot.PRIMARY, digest=b"another")),
    ],
    ids=["suspended", "expired", "replaced"],
)
async def test_what_is_taken_back_is_refused_within_a_second(store, access, clock, change):
    subscription = await issued(store, KEY)
    assert await access.authenticate(KEY) == subscription
    await change(store, subscription)
    clock.advance(seconds=CHECK_SECONDS)
    with pytest.raises(NotAuthenticated):
        await access.authenticate(KEY)


async def test_a_products_new_limits_hold_within_a_second(store, access, clock):
    subscription = await issued(store, KEY)
    await access.authenticate(KEY)
    await store.change_product(subscription.product.name, lambda each: replace(each, reads_per_minute=1))
    clock.advance(seconds=CHECK_SECONDS)
    assert (await access.authenticate(KEY)).product.reads_per_minute == 1


async def test_a_subscription_ends_on_time_though_nothing_changes(store, access, clock):
    await issued(store, KEY, expires_at=NOON + timedelta(seconds=30))
    for _ in range(29):
        clock.advance(seconds=1)
        await access.authenticate(KEY)
    clock.advance(seconds=1)
    assert access.known(KEY, clock.monotonic()) is None
    with pytest.raises(NotAuthenticated):
        await access.authenticate(KEY)


async def test_what_was_found_before_a_change_that_others_heard_of_is_not_kept(store, clock):
    subscription = await issued(store, KEY)

    class Slow(Counting):
        async def find_subscription(self, digest):
            found = await super().find_subscription(digest)
            if self.lookups == 1:
                await store.change_subscription(
                    subscription.id, lambda it: replace(it, state=SubscriptionState.SUSPENDED)
                )
                clock.advance(seconds=CHECK_SECONDS)
                with pytest.raises(NotAuthenticated):
                    await access.authenticate(KEY)
            return found

    access = Access(Slow(store), clock, PEPPER)
    assert await access.authenticate(KEY) == subscription  # It was good at the time of the look-up.
    assert access.known(KEY, clock.monotonic()) is None
