"""The account of a key: its terms, its keys and its usage, with the wire format of those paths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

from stillmotion.client.errors import BadAnswer
from stillmotion.client.steps import HttpReply, HttpRequest
from stillmotion.client.wire import json_object

NO_OVERLAP: Final = timedelta(0)
_NO_ACCOUNT: Final = "The answer holds no account: check that the address is a Stillmotion server's, of this version."


@dataclass(frozen=True, slots=True)
class AccountLimit:
    """A limit, what is left of it, and when all of it is there again. None: no limit, or no time that helps."""

    name: str
    limit: int | None
    remaining: float | None
    resets_at: datetime | None


@dataclass(frozen=True, slots=True)
class AccountKey:
    """A key by its first characters. `expires_at` is the end of a key that was replaced."""

    slot: str
    prefix: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Account:
    """The account of a key's subscription. `video_seconds` and `cost` are this month's. `body` is the whole response.

    `product` has the terms by name.
    """

    id: str
    name: str
    state: str
    product: Mapping[str, Any]
    limits: Sequence[AccountLimit]
    keys: Sequence[AccountKey]
    video_seconds: float
    cost: float
    unfinished: int
    body: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new key, which the server shows this once. The one it replaced works on until `previous_valid_until`."""

    slot: str
    key: str = field(repr=False)
    previous_valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A new callback secret, shown this once. Until `previous_valid_until` callbacks are signed by both."""

    callback_secret: str = field(repr=False)
    previous_valid_until: datetime


@dataclass(frozen=True, slots=True)
class UsageAmounts:
    """Amounts of usage, of the group that the names (`day`, `model`, `key`) tell; the names are empty in a total."""

    names: Mapping[str, Any]
    generations: int
    completed: int
    failed: int
    video_seconds: float
    cost: float


@dataclass(frozen=True, slots=True)
class UsageTable:
    """Usage between two days, both included, by the names that it was asked for."""

    first: date
    last: date
    rows: Sequence[UsageAmounts]
    total: UsageAmounts
    body: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


def account_request() -> HttpRequest:
    """Request for the account."""
    return HttpRequest("GET", "/account")


def rotate_request(slot: str, overlap_seconds: int) -> HttpRequest:
    """Request for a new key."""
    return HttpRequest("POST", f"/account/keys/{quote(slot, safe='')}", json={"overlap_seconds": overlap_seconds})


def secret_request() -> HttpRequest:
    """Request for a new callback secret."""
    return HttpRequest("POST", "/account/callback-secret", json={})


def usage_request(by: Sequence[str], first: date | None, last: date | None) -> HttpRequest:
    """Request for a table of usage."""
    asked = {"by": ",".join(by), "from": first, "to": last}
    return HttpRequest("GET", "/usage?" + urlencode({name: value for name, value in asked.items() if value}))


def account(reply: HttpReply) -> Account:
    """The account in a response. Raises `BadAnswer`."""
    body = json_object(reply)
    try:
        subscription, usage = body["subscription"], body["usage"]
        return Account(
            id=subscription["id"],
            name=subscription["name"],
            state=subscription["state"],
            product=body["product"],
            limits=[_limit(each) for each in body["limits"]],
            keys=[_key(each) for each in body["keys"]],
            video_seconds=usage["video_seconds"],
            cost=usage["cost"],
            unfinished=usage["unfinished"],
            body=body,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadAnswer(_NO_ACCOUNT) from error


def new_key(reply: HttpReply) -> NewKey:
    """The new key in a response. Raises `BadAnswer`."""
    body = json_object(reply)
    try:
        return NewKey(body["slot"], body["key"], _time(body["previous_valid_until"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BadAnswer(_NO_ACCOUNT) from error


def new_secret(reply: HttpReply) -> NewSecret:
    """The new callback secret in a response. Raises `BadAnswer`."""
    body = json_object(reply)
    try:
        return NewSecret(body["callback_secret"], datetime.fromisoformat(body["previous_valid_until"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BadAnswer(_NO_ACCOUNT) from error


def usage_table(reply: HttpReply) -> UsageTable:
    """The table of usage in a response. Raises `BadAnswer`."""
    body = json_object(reply)
    try:
        days = date.fromisoformat(body["from"]), date.fromisoformat(body["to"])
        return UsageTable(*days, [_amounts(each) for each in body["rows"]], _amounts(body["total"]), body)
    except (KeyError, TypeError, ValueError) as error:
        raise BadAnswer(_NO_ACCOUNT) from error


def _limit(told: Mapping[str, Any]) -> AccountLimit:
    return AccountLimit(told["name"], told["limit"], told["remaining"], _time(told["resets_at"]))


def _key(told: Mapping[str, Any]) -> AccountKey:
    used, ends = _time(told["last_used_at"]), _time(told["expires_at"])
    return AccountKey(told["slot"], told["prefix"], datetime.fromisoformat(told["created_at"]), used, ends)


def _amounts(told: Mapping[str, Any]) -> UsageAmounts:
    names = {name: told[name] for name in ("day", "model", "key") if name in told}
    counts = told["generations"], told["completed"], told["failed"]
    return UsageAmounts(names, *counts, told["video_seconds"], told["cost"])


def _time(told: str | None) -> datetime | None:
    return None if told is None else datetime.fromisoformat(told)
