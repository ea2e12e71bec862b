"""`SubscriptionStore` and `AccessStore`: who may ask, as it is administered and as it is looked up."""

from datetime import timedelta

import pytest

from stillmotion.domain.errors import InvalidRequest
from stillmotion.domain.subscriptions import KeySlot, SubscriptionState
from tests.builders import NOON, a_key, a_product, a_subscription


async def test_a_product_is_found_by_name_as_it_was_kept(store):
    plain = a_product(name="plain")
    special = a_product(
        name="special",
        surfaces=frozenset({"gateway", "dream_machine"}),
        models=frozenset({"ray-2"}),
        submits_per_minute=7,
        reads_per_minute=8,
        concurrent_generations=9,
        video_seconds_per_month=10,
    )
    locked = a_product(name="locked", surfaces=frozenset(), models=frozenset())
    for product in (plain, special, locked):
        await store.add_product(product)
        assert await store.find_product(product.name) == product
    assert await store.find_product("unknown") is None


async def test_a_products_name_is_taken_once(store):
    await store.add_product(a_product(name="default"))
    with pytest.raises(InvalidRequest, match="default"):
        await store.add_product(a_product(name="default"))


async def test_a_key_leads_to_its_subscription_whatever_the_state(store):
    subscription = a_subscription()
    primary, secondary = (a_key(subscription, slot) for slot in KeySlot)
    await store.add_product(subscription.product)
    await store.add_subscription(subscription, [primary, secondary])
    assert await store.find_subscription(primary.digest) == (subscription, primary)
    assert await store.find_subscription(secondary.digest) == (subscription, secondary)
    assert await store.find_subscription(b"nobody's") is None
    for state in SubscriptionState:
        assert await store.set_state(subscription.id, state)
        found, _ = await store.find_subscription(primary.digest)
        assert found.state is state


async def test_subscriptions_are_listed_with_their_keys_oldest_first(store):
    product = a_product()
    await store.add_product(product)
    young = a_subscription(product, name="young", created_at=NOON + timedelta(days=1))
    old = a_subscription(product, name="old")
    for subscription in (young, old):
        await store.add_subscription(subscription, [a_key(subscription, slot) for slot in KeySlot])
    listed = await store.subscriptions()
    assert [subscription for subscription, _ in listed] == [old, young]
    for subscription, keys in listed:
        assert {key.slot: key for key in keys} == await store.find_keys(subscription.id)
        assert {key.subscription_id for key in keys} == {subscription.id}


async def test_a_key_is_replaced_while_the_other_works(store):
    subscription = a_subscription()
    primary, secondary = (a_key(subscription, slot) for slot in KeySlot)
    await store.add_product(subscription.product)
    await store.add_subscription(subscription, [primary, secondary])
    fresh = a_key(subscription, KeySlot.PRIMARY, created_at=NOON + timedelta(days=1), prefix="sm_fresh1")
    assert await store.replace_key(fresh)
    assert await store.find_subscription(primary.digest) is None
    assert await store.find_subscription(fresh.digest) == (subscription, fresh)
    assert await store.find_keys(subscription.id) == {KeySlot.PRIMARY: fresh, KeySlot.SECONDARY: secondary}


async def test_what_is_not_there_cannot_be_changed(store):
    stranger = a_subscription()
    assert not await store.set_state(stranger.id, SubscriptionState.SUSPENDED)
    assert not await store.replace_key(a_key(stranger))
    assert await store.find_keys(stranger.id) == {}
