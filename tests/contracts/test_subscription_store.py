"""`SubscriptionStore` and `AccessStore`: subscriptions and keys, as administered and as looked up."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from stillmotion.domain.errors import InvalidRequest, ProductNotFound, SubscriptionNotFound
from stillmotion.domain.request import Resolution
from stillmotion.domain.subscriptions import KeySlot, RetiredSecret, Session, SubscriptionState, Usage
from tests.builders import NOON, a_key, a_product, a_subscription


async def test_a_product_is_found_by_name_as_it_was_kept(store):
    plain = a_product(name="plain")
    special = a_product(
        name="special",
        surfaces=frozenset({"gateway", "dream_machine"}),
        models=frozenset({"ray-2"}),
        resolutions=frozenset({Resolution.P540, Resolution.P2160}),
        max_seconds=7.5,
        price_per_second=Decimal("0.025"),
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
        await store.change_subscription(subscription.id, lambda each, state=state: replace(each, state=state))
        found, _ = await store.find_subscription(primary.digest)
        assert found.state is state


async def test_what_keys_open_has_another_version_after_every_change(store):
    subscription = a_subscription(a_product(name="small"))
    await store.add_product(subscription.product)
    await store.add_product(a_product(name="large"))
    await store.add_subscription(subscription, [a_key(subscription, slot) for slot in KeySlot])
    versions = [await store.access_version()]
    assert await store.access_version() == versions[0]
    for change in (
        store.change_product("small", lambda each: replace(each, max_seconds=2.0)),
        store.change_subscription(subscription.id, lambda each: replace(each, state=SubscriptionState.SUSPENDED)),
        store.change_subscription(subscription.id, lambda each: replace(each, expires_at=NOON)),
        store.replace_key(a_key(subscription, KeySlot.PRIMARY, prefix="sm_fresh1")),
    ):
        await change
        versions.append(await store.access_version())
    assert len(set(versions)) == 5


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
        assert (subscription, keys) == await store.find_with_keys(subscription.id)
        assert {key.subscription_id for key in keys} == {subscription.id}


async def test_a_key_is_replaced_while_the_other_works(store):
    subscription = a_subscription()
    primary, secondary = (a_key(subscription, slot) for slot in KeySlot)
    await store.add_product(subscription.product)
    await store.add_subscription(subscription, [primary, secondary])
    fresh = a_key(subscription, KeySlot.PRIMARY, created_at=NOON + timedelta(days=1), prefix="sm_fresh1")
    await store.replace_key(fresh)
    assert await store.find_subscription(primary.digest) is None
    assert await store.find_subscription(fresh.digest) == (subscription, fresh)
    assert await store.find_with_keys(subscription.id) == (subscription, [fresh, secondary])


async def test_a_replaced_key_goes_on_until_its_end(store):
    subscription = a_subscription()
    first, secondary = (a_key(subscription, slot) for slot in KeySlot)
    await store.add_product(subscription.product)
    await store.add_subscription(subscription, [first, secondary])
    second, third = (a_key(subscription, KeySlot.PRIMARY, prefix=f"sm_fresh{n}") for n in range(2))
    before = await store.access_version()
    await store.replace_key(second, NOON + timedelta(days=1))
    assert await store.access_version() != before
    going_on = replace(first, expires_at=NOON + timedelta(days=1))
    assert await store.find_subscription(first.digest) == (subscription, going_on)
    assert await store.find_with_keys(subscription.id) == (subscription, [second, going_on, secondary])
    await store.replace_key(third, NOON + timedelta(days=2))
    assert await store.find_subscription(first.digest) is None
    assert (await store.find_subscription(second.digest))[1].expires_at == NOON + timedelta(days=2)


async def test_the_last_use_of_a_key_is_no_change_of_access(store):
    subscription = a_subscription()
    key = a_key(subscription)
    await store.add_product(subscription.product)
    await store.add_subscription(subscription, [key])
    before = await store.access_version()
    await store.note_uses({key.digest: NOON, b"gone": NOON})
    assert await store.find_subscription(key.digest) == (subscription, replace(key, used_at=NOON))
    assert await store.access_version() == before


async def test_a_replaced_callback_secret_is_kept(store):
    subscription = a_subscription()
    await store.add_product(subscription.product)
    await store.add_subscription(subscription, [])
    retired = RetiredSecret(subscription.callback_secret, NOON + timedelta(days=1))
    changed = replace(subscription, callback_secret="whsec_new", retired_secret=retired)
    assert await store.change_subscription(subscription.id, lambda _: changed) == changed
    assert await store.find_with_keys(subscription.id) == (changed, [])


async def test_a_session_goes_on_with_the_key_that_replaces_its_own(store):
    subscription = a_subscription()
    primary, secondary = (a_key(subscription, slot) for slot in KeySlot)
    await store.add_product(subscription.product)
    await store.add_subscription(subscription, [primary, secondary])
    for number, key in ((1, primary), (2, primary), (3, secondary)):
        session = Session(b"%d" % number, NOON, NOON + timedelta(days=7), key_digest=key.digest)
        await store.add_session(session, most=10)
    fresh = a_key(subscription)
    await store.replace_key(fresh, session=b"1")
    owners = [(await store.find_session(each)).owner for each in (b"1", b"2", b"3")]
    assert owners == [(subscription, fresh), None, (subscription, secondary)]
    await store.replace_key(a_key(subscription), session=b"3")
    owners = [(await store.find_session(each)).owner for each in (b"1", b"2", b"3")]
    assert owners == [None, None, (subscription, secondary)]


async def test_what_is_not_there_cannot_be_changed(store):
    stranger = a_subscription()
    with pytest.raises(SubscriptionNotFound):
        await store.change_subscription(stranger.id, lambda each: each)
    with pytest.raises(SubscriptionNotFound):
        await store.replace_key(a_key(stranger))
    with pytest.raises(ProductNotFound):
        await store.change_product("unknown", lambda each: each)
    assert await store.find_with_keys(stranger.id) is None
    assert await store.usage(stranger.id, "2026-11") == Usage(0.0, 0, 0)


async def test_products_are_listed_by_name(store):
    for name in ("small", "large", "medium"):
        await store.add_product(a_product(name=name))
    assert [each.name for each in await store.products()] == ["large", "medium", "small"]


async def test_a_changed_product_is_its_subscriptions_product(store):
    subscription = a_subscription(a_product(name="small"))
    key = a_key(subscription)
    await store.add_product(subscription.product)
    await store.add_subscription(subscription, [key])
    changed = await store.change_product(
        "small", lambda each: replace(each, surfaces=frozenset({"gateway"}), max_seconds=2.0, reads_per_minute=5)
    )
    assert changed.max_seconds == 2.0
    assert await store.find_product("small") == changed
    found, _ = await store.find_subscription(key.digest)
    assert found.product == changed


async def test_a_subscription_changes_name_product_state_and_end(store):
    subscription = a_subscription(a_product(name="small"))
    large = a_product(name="large")
    for product in (subscription.product, large):
        await store.add_product(product)
    await store.add_subscription(subscription, [a_key(subscription)])
    parts = {
        "name": "renamed",
        "product": large,
        "state": SubscriptionState.SUSPENDED,
        "expires_at": NOON + timedelta(days=3, microseconds=5),
    }
    changed = await store.change_subscription(subscription.id, lambda each: replace(each, **parts))
    assert changed == replace(subscription, **parts)
    found, _ = await store.find_with_keys(subscription.id)
    assert found == changed


async def test_a_change_that_raises_changes_no_subscription(store):
    subscription = a_subscription()
    await store.add_product(subscription.product)
    await store.add_subscription(subscription, [a_key(subscription)])

    def refuse(each):
        raise InvalidRequest

    with pytest.raises(InvalidRequest):
        await store.change_subscription(subscription.id, refuse)
    with pytest.raises(InvalidRequest):
        await store.change_product(subscription.product.name, refuse)
    assert (await store.find_with_keys(subscription.id))[0] == subscription
