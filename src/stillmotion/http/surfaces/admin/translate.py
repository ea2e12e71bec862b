"""Translation between the administration's words and the domain's."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from msgspec import UNSET, UnsetType

from stillmotion.application.subscriptions import Issued, Subscriptions
from stillmotion.domain.subscriptions import Key, KeySecret, Product, Subscription, SubscriptionState, Usage
from stillmotion.http.resources.product_info import ProductInfo, product_info
from stillmotion.http.surfaces.admin import wire

_SETS = frozenset({"surfaces", "models", "resolutions"})


def to_terms(given: wire.ProductTerms) -> dict[str, Any]:
    """Given fields of a `Product`."""
    return {
        name: _term(name, getattr(given, name))
        for name in wire.ProductTerms.__struct_fields__
        if getattr(given, name) is not UNSET
    }


def _term(name: str, value: Any) -> Any:
    if name in _SETS and value is not None:
        return frozenset(value)
    return Decimal(str(value)) if name == "price_per_second" else value


def to_changes(given: wire.SubscriptionChange) -> dict[str, Any]:
    """Given fields of `Subscriptions.update`."""
    found = ((name, getattr(given, name)) for name in wire.SubscriptionChange.__struct_fields__)
    changes = {name: value for name, value in found if value is not UNSET}
    return changes | ({"state": SubscriptionState(changes["state"])} if "state" in changes else {})


def product(known: Product) -> ProductInfo:
    """A product in the administration's words."""
    return product_info(known)


def subscription(
    office: Subscriptions, known: Subscription, keys: Sequence[Key], now: datetime, usage: Usage | UnsetType = UNSET
) -> wire.SubscriptionInfo:
    """A subscription in the administration's words, with its present state."""
    present = [key for key in keys if key.expires_at is None]
    secrets = {key.slot.value: office.secret_of(key) for key in present}
    return wire.SubscriptionInfo(
        id=known.id,
        name=known.name,
        product=known.product.name,
        state=cast("Any", known.state_at(now).value),
        created_at=known.created_at,
        expires_at=known.expires_at,
        keys={key.slot.value: f"{key.prefix}…" for key in present},
        key_secrets=cast("Any", {slot: each.value for slot, each in secrets.items() if each is not KeySecret.PRESENT}),
        usage=UNSET if usage is UNSET else wire.UsageInfo(usage.video_seconds, usage.unfinished, usage.queued),
    )


def issued(made: Issued) -> wire.IssuedSubscription:
    """A new subscription with its keys and secret, which are shown once."""
    known = made.subscription
    return wire.IssuedSubscription(
        known.id, known.name, known.product.name, made.primary, made.secondary, known.callback_secret
    )
