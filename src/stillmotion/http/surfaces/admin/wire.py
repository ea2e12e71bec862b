"""The administration's JSON. The command line prints the same with `--json`."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from stillmotion.domain.request import MAX_SECONDS, MIN_SECONDS, Resolution
from stillmotion.http.resources.product_info import ProductInfo

_NAMES = "must be a list of strings, or null for every one, those that come later too"
_COUNT = Meta(description="must be a whole number, 1 or more")


class ProductTerms(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Terms of a product. A term left out keeps its value, or a new product's default."""

    surfaces: Annotated[tuple[str, ...] | UnsetType | None, Meta(description=f"the surfaces: {_NAMES}")] = UNSET
    models: Annotated[tuple[str, ...] | UnsetType | None, Meta(description=f"the wire models: {_NAMES}")] = UNSET
    resolutions: Annotated[
        tuple[Resolution, ...] | UnsetType | None,
        Meta(description=f"must be a list of {', '.join(Resolution)}, or null for every one"),
    ] = UNSET
    max_seconds: Annotated[
        float | UnsetType | None,
        Meta(description=f"must be a number from {MIN_SECONDS:g} to {MAX_SECONDS:g}, or null: the longest clip"),
    ] = UNSET
    submits_per_minute: Annotated[int | UnsetType, _COUNT] = UNSET
    reads_per_minute: Annotated[int | UnsetType, _COUNT] = UNSET
    concurrent_generations: Annotated[int | UnsetType, _COUNT] = UNSET
    video_seconds_per_month: Annotated[
        int | UnsetType | None, Meta(description="must be a whole number, or null for no quota")
    ] = UNSET
    price_per_second: Annotated[
        float | UnsetType, Meta(description="must be a number, 0 or more, in the operator's own unit")
    ] = UNSET
    retention_days: Annotated[
        int | UnsetType | None,
        Meta(
            description="must be a whole number of days, 1 or more, or null to keep finished generations until deleted"
        ),
    ] = UNSET


class NewProduct(ProductTerms, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A product to create."""

    name: Annotated[str, Meta(description="must be a string of letters, digits, `.`, `_` and `-`, 64 at most")]


class ProductList(Struct, frozen=True):
    """All products in the order of their names."""

    products: tuple[ProductInfo, ...]


_EXPIRES_AT = Meta(description="must be a time like 2027-01-31T00:00:00Z, or null: when its keys stop working")
_NAME = Meta(description="must be a string: whom the subscription is for")
_PRODUCT = Meta(description="must be a string: the name of a product")


class NewSubscription(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A subscription to create, to the default product if none is named."""

    name: Annotated[str, _NAME]
    product: Annotated[str | None, _PRODUCT] = None
    expires_at: Annotated[datetime | None, _EXPIRES_AT] = None


class SubscriptionChange(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Changes of a subscription. A field left out keeps its value."""

    name: Annotated[str | UnsetType, _NAME] = UNSET
    product: Annotated[str | UnsetType, _PRODUCT] = UNSET
    state: Annotated[
        Literal["active", "suspended", "cancelled"] | UnsetType,
        Meta(description="must be active, suspended or cancelled, which is for good"),
    ] = UNSET
    expires_at: Annotated[datetime | UnsetType | None, _EXPIRES_AT] = UNSET


class UsageInfo(Struct, frozen=True):
    """Usage of this month (UTC), and the unfinished generations."""

    video_seconds: float
    unfinished: int
    queued: int


class SubscriptionInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A customer of a product. `keys` are the first characters of each; `usage` is set for a single subscription.

    `key_secrets` names the keys that were hashed with another secret than the present one: `before` for one that works
    as long as the setting secret_before is there, or until it is used, and `lost` for one that does not work.
    """

    id: str
    name: str
    product: str
    state: Literal["active", "suspended", "expired", "cancelled"]
    created_at: datetime
    expires_at: datetime | None
    keys: dict[str, str]
    key_secrets: dict[str, Literal["before", "lost"]] = {}
    usage: UsageInfo | UnsetType = UNSET


class SubscriptionList(Struct, frozen=True):
    """All subscriptions, oldest first."""

    subscriptions: tuple[SubscriptionInfo, ...]


class IssuedSubscription(Struct, frozen=True):
    """A new subscription with its keys and the secret that signs its callbacks, shown this once."""

    subscription: str
    name: str
    product: str
    key: str
    secondary_key: str
    callback_secret: str


class IssuedKey(Struct, frozen=True):
    """A new key, shown this once."""

    subscription: str
    slot: str
    key: str


class RefusedField(Struct, frozen=True):
    """A field of the request, and the remedy."""

    field: str
    message: str


class Refusal(Struct, frozen=True, omit_defaults=True):
    """A refusal; `details` names the fields of the request that caused it."""

    error: str
    details: tuple[RefusedField, ...] = ()
