"""The account of a subscription, for itself: terms, what is left of them, keys and callback secrets."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from stillmotion.application.access import Allowance
from stillmotion.application.subscriptions import MOST_OVERLAP, VISIBLE_CHARACTERS
from stillmotion.domain.errors import (
    InvalidRequest,
    LimitExceeded,
    NotAuthenticated,
    Problem,
    Unavailable,
)
from stillmotion.domain.quotas import LimitState, limits_of, period
from stillmotion.domain.record.usage import total_of
from stillmotion.domain.subscriptions import Key, KeySlot, Subscription
from stillmotion.http.edge.operation import Call, Nothing, Operation, OperationResult
from stillmotion.http.resources.product_info import ProductInfo, product_info

_ENCODE = msgspec.json.Encoder().encode
_LONGEST = int(MOST_OVERLAP.total_seconds())


class OwnSubscription(msgspec.Struct, frozen=True):
    """The caller's subscription."""

    id: str
    name: str
    state: str
    created_at: datetime
    expires_at: datetime | None


class LimitInfo(msgspec.Struct, frozen=True):
    """A limit of the product, what is left of it, and when all of it is there again; null where time is not the cure.

    `limit` and `remaining` are null where there is no limit.
    """

    name: str
    limit: int | None
    remaining: float | None
    resets_at: datetime | None


class KeyInfo(msgspec.Struct, frozen=True):
    """A key by its first characters. The last use is known to a minute or so; `expires_at` is a replaced key's end."""

    slot: str
    prefix: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


class CallbackSecretInfo(msgspec.Struct, frozen=True):
    """A secret that signs callbacks, by its first characters. A replaced one signs beside the current until its end."""

    prefix: str
    current: bool
    valid_until: datetime | None


class OwnUsage(msgspec.Struct, frozen=True):
    """Usage in this calendar month (UTC), and the generations under way.

    `video_seconds` are those that the quota counts, `cost` is each generation's price on the day of its submit.
    """

    period: str
    video_seconds: float
    cost: float
    unfinished: int
    queued: int


class AccountInfo(msgspec.Struct, frozen=True):
    """The account of a subscription."""

    subscription: OwnSubscription
    product: ProductInfo
    limits: tuple[LimitInfo, ...]
    keys: tuple[KeyInfo, ...]
    callback_secrets: tuple[CallbackSecretInfo, ...]
    usage: OwnUsage


class KeyRotation(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Time for which the replaced key works on."""

    overlap_seconds: Annotated[
        int | None,
        msgspec.Meta(description=f"must be a whole number of seconds from 0 to {_LONGEST}, which is a week"),
    ] = 0


class OwnNewKey(msgspec.Struct, frozen=True):
    """A new key, shown this once."""

    slot: str
    key: str
    previous_valid_until: datetime | None


class NewCallbackSecret(msgspec.Struct, frozen=True):
    """A new callback secret, shown this once."""

    callback_secret: str
    previous_valid_until: datetime


async def get_account(call: Call, subscription: Subscription, asked: Nothing) -> OperationResult:
    """The account as it is now."""
    del asked
    subscriptions, now = call.services.subscriptions, call.services.clock.now()
    known, keys = await subscriptions.get(subscription.id)
    usage = await subscriptions.usage(known.id)
    entries = await call.services.ledger.usage_days(now.date().replace(day=1), now.date(), known.id)
    reads = call.allowance or Allowance(0, 0, 0)
    limits = limits_of(known.product, usage, now, reads.remaining, now + timedelta(seconds=reads.seconds_left))
    account = AccountInfo(
        OwnSubscription(known.id, known.name, known.state_at(now).value, known.created_at, known.expires_at),
        product_info(known.product),
        tuple(map(_limit, limits)),
        tuple(_key(each) for each in keys if each.expires_at is None or each.expires_at > now),
        _secrets(known, now),
        OwnUsage(period(now), usage.video_seconds, float(total_of(entries).cost), usage.unfinished, usage.queued),
    )
    return OperationResult(_ENCODE(account))


async def rotate_own_key(call: Call, subscription: Subscription, asked: KeyRotation) -> OperationResult:
    """A new key in a slot. The session that asks for it goes on."""
    slot = call.path["slot"]
    if slot not in set(KeySlot):
        raise InvalidRequest(Problem("slot", f"must be {' or '.join(KeySlot)}"))
    session = None if call.visit is None else call.visit.session.digest
    overlap = timedelta(seconds=max(-1, min(asked.overlap_seconds or 0, _LONGEST + 1)))
    key, until = await call.services.subscriptions.rotate(subscription.id, KeySlot(slot), overlap, session)
    return OperationResult(_ENCODE(OwnNewKey(slot, key, until)), status=201)


async def renew_callback_secret(call: Call, subscription: Subscription, asked: Nothing) -> OperationResult:
    """A new secret for callbacks."""
    del asked
    renewed = await call.services.subscriptions.renew_secret(subscription.id)
    retired = renewed.retired_secret
    assert retired is not None
    return OperationResult(_ENCODE(NewCallbackSecret(renewed.callback_secret, retired.until)), status=201)


def _limit(state: LimitState) -> LimitInfo:
    return LimitInfo(*state)


def _key(key: Key) -> KeyInfo:
    return KeyInfo(key.slot.value, key.prefix, key.created_at, key.used_at, key.expires_at)


def _secrets(known: Subscription, now: datetime) -> tuple[CallbackSecretInfo, ...]:
    current = CallbackSecretInfo(known.callback_secret[:VISIBLE_CHARACTERS], current=True, valid_until=None)
    retired = known.retired_secret
    if retired is None or retired.until <= now:
        return (current,)
    return current, CallbackSecretInfo(retired.secret[:VISIBLE_CHARACTERS], current=False, valid_until=retired.until)


_TIME: Mapping[str, Any] = {"created_at": "2026-11-22T12:00:00Z", "expires_at": None}
_EXAMPLE: Mapping[str, Any] = {
    "subscription": {
        "id": "0193b1d2-6f5e-7c31-9d2a-5b0c7f3e8a44",
        "name": "Ada's shop",
        "state": "active",
        **_TIME,
    },
    "product": {
        "name": "basic",
        "surfaces": None,
        "models": None,
        "resolutions": None,
        "max_seconds": 10.0,
        "submits_per_minute": 60,
        "reads_per_minute": 6000,
        "concurrent_generations": 100,
        "video_seconds_per_month": 3600,
        "price_per_second": 0.05,
        "retention_days": 30,
    },
    "limits": [
        {"name": "submits_per_minute", "limit": 60, "remaining": 59.0, "resets_at": "2026-11-29T12:01:00Z"},
        {"name": "reads_per_minute", "limit": 6000, "remaining": 5999.0, "resets_at": "2026-11-29T12:01:00Z"},
        {"name": "concurrent_generations", "limit": 100, "remaining": 99.0, "resets_at": None},
        {"name": "video_seconds_per_month", "limit": 3600, "remaining": 3555.0, "resets_at": "2026-12-01T00:00:00Z"},
    ],
    "keys": [
        {"slot": "primary", "prefix": "sm_AbC123", "last_used_at": "2026-11-29T12:00:00Z", **_TIME},
        {"slot": "secondary", "prefix": "sm_XyZ789", "last_used_at": None, **_TIME},
    ],
    "callback_secrets": [{"prefix": "whsec_AbC", "current": True, "valid_until": None}],
    "usage": {"period": "2026-11", "video_seconds": 45.0, "cost": 2.25, "unfinished": 1, "queued": 0},
}
_REFUSALS: Sequence[type[Exception]] = (NotAuthenticated, LimitExceeded, Exception, Unavailable)
_Method = Literal["GET", "POST"]


def _operation(
    operation_id: str, method: _Method, path: str, summary: str, **parts: Any
) -> Operation[Subscription, Any]:
    refusals = (*_REFUSALS, *(() if method == "GET" else (InvalidRequest,)))
    given: dict[str, Any] = {"wire": Nothing, "refusals": refusals, "status": 200 if method == "GET" else 201, **parts}
    return Operation(operation_id=operation_id, method=method, path=path, summary=summary, shows_engine=False, **given)


ACCOUNT_OPERATIONS: tuple[Operation[Subscription, Any], ...] = (
    _operation(
        "getAccount",
        "GET",
        "/account",
        "Look at your account",
        description="The product's terms and what is left of them, the keys by their first characters, and the usage.",
        answer=AccountInfo,
        answers={"": _EXAMPLE},
        answered="The account as it is now.",
        handle=get_account,
    ),
    _operation(
        "rotateOwnKey",
        "POST",
        "/account/keys/{slot}",
        "Replace one of your keys",
        description=(
            "The key that was in the slot works on for `overlap_seconds` and then stops, within a second or so; of two "
            "replaced keys of a slot the older stops at once. The session that asks goes on with the new key, and "
            "other sessions of the old one end with it."
        ),
        parameters={"slot": f"The key to replace: {' or '.join(KeySlot)}."},
        wire=KeyRotation,
        answer=OwnNewKey,
        example={"overlap_seconds": 86400},
        answers={"": {"slot": "primary", "key": "sm_…", "previous_valid_until": "2026-11-30T12:00:00Z"}},
        answered="The new key, shown this once.",
        handle=rotate_own_key,
    ),
    _operation(
        "renewCallbackSecret",
        "POST",
        "/account/callback-secret",
        "Replace the secret that signs your callbacks",
        description=(
            "For a day each callback is signed by both: `webhook-signature` holds two signatures, separated by a "
            "space, as Standard Webhooks has it, so that a receiver may know either. The body may be left out."
        ),
        answer=NewCallbackSecret,
        answers={"": {"callback_secret": "whsec_…", "previous_valid_until": "2026-11-30T12:00:00Z"}},
        answered="The new secret, shown this once.",
        handle=renew_callback_secret,
    ),
)
