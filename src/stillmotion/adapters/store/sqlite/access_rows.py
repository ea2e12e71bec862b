"""Between rows and who may do what: products, subscriptions and their keys."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from stillmotion.adapters.store.sqlite.generation_rows import Bindings, Row, maybe_microseconds, microseconds, to_time
from stillmotion.domain.request import Resolution
from stillmotion.domain.subscriptions import Key, KeySlot, Product, Subscription, SubscriptionState

_encode_json = msgspec.json.Encoder().encode
_decode_names = msgspec.json.Decoder(frozenset[str]).decode
_decode_resolutions = msgspec.json.Decoder(frozenset[Resolution]).decode


def from_product(product: Product) -> Bindings:
    """The bindings of a product's whole row."""
    return {
        "id": product.id,
        "name": product.name,
        "surfaces": _from_names(product.surfaces),
        "models": _from_names(product.models),
        "resolutions": _from_names(product.resolutions),
        "max_seconds": product.max_seconds,
        "submits_per_minute": product.submits_per_minute,
        "reads_per_minute": product.reads_per_minute,
        "concurrent_generations": product.concurrent_generations,
        "video_seconds_per_month": product.video_seconds_per_month,
        "price_per_second": str(product.price_per_second),
        "retention_days": product.retention_days,
    }


def to_product(row: Row) -> Product:
    """A product, from its columns in the order of `statements`."""
    (
        id_, name, surfaces, models, resolutions, max_seconds, submits, reads, concurrent, video_seconds, price, days
    ) = row  # fmt: skip
    return Product(
        id=id_,
        name=name,
        surfaces=None if surfaces is None else _decode_names(surfaces),
        models=None if models is None else _decode_names(models),
        resolutions=None if resolutions is None else _decode_resolutions(resolutions),
        max_seconds=max_seconds,
        submits_per_minute=submits,
        reads_per_minute=reads,
        concurrent_generations=concurrent,
        video_seconds_per_month=video_seconds,
        price_per_second=Decimal(price),
        retention_days=days,
    )


def _from_names(names: Iterable[str] | None) -> str | None:
    return None if names is None else _encode_json(sorted(names)).decode()


def from_subscription(subscription: Subscription) -> Bindings:
    """The bindings of a subscription's whole row."""
    return {
        "id": subscription.id,
        "name": subscription.name,
        "product_id": subscription.product.id,
        "created_at": microseconds(subscription.created_at),
        "callback_secret": subscription.callback_secret,
        "state": subscription.state.value,
        "expires_at": maybe_microseconds(subscription.expires_at),
    }


def to_subscription(row: Row) -> Subscription:
    """A subscription, from its columns and its product's in the order of `statements`."""
    id_, name, created_at, callback_secret, state, expires_at, *product = row
    return Subscription(
        id_,
        name,
        to_product(tuple(product)),
        to_time(created_at),
        callback_secret,
        SubscriptionState(state),
        None if expires_at is None else to_time(expires_at),
    )


def from_key(key: Key) -> Bindings:
    """The bindings of a key's whole row."""
    return {
        "digest": key.digest,
        "prefix": key.prefix,
        "slot": key.slot.value,
        "subscription_id": key.subscription_id,
        "created_at": microseconds(key.created_at),
    }


def to_key(row: Row) -> Key:
    """A key, from its columns in the order of `statements`."""
    digest, prefix, slot, subscription_id, created_at = row
    return Key(digest, prefix, KeySlot(slot), subscription_id, to_time(created_at))
