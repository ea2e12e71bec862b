"""Callbacks of a key: deliveries, test messages and messages to pass on, with the wire format of those paths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

from stillmotion.client.errors import BadAnswer
from stillmotion.client.steps import HttpReply, HttpRequest
from stillmotion.client.wire import json_object

_NO_CALLBACKS: Final = "The answer holds no callbacks: check that the address is that of a Stillmotion of this version."


@dataclass(frozen=True, slots=True)
class CallbackTry:
    """One attempt at a callback: the receiver's `status`, or the `reason` why there was none."""

    at: datetime
    seconds: float
    status: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class CallbackRecord:
    """A callback: `state` is pending, delivered or gave_up. `message` is its body, `body` the whole response."""

    id: str
    generation: str
    announces: str
    created_at: datetime
    url: str
    state: str
    next_attempt_at: datetime | None
    tries: Sequence[CallbackTry]
    message: str
    body: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class CallbackList:
    """A page of callbacks, the latest first. `next` is the `after` of the page behind it; None on the last one."""

    callbacks: Sequence[CallbackRecord]
    next: str | None


@dataclass(frozen=True, slots=True)
class ForwardedMessage:
    """A message with its headers and its signature, to be sent as it is."""

    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class CallbackTestOutcome:
    """Outcome of a test message: the receiver's `status`, or the `reason` why there was none."""

    delivered: bool
    status: int | None
    seconds: float
    reason: str | None
    message: ForwardedMessage
    body: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


def list_request(state: str | None, limit: int, after: str | None) -> HttpRequest:
    """Request for a page of callbacks."""
    asked = {"state": state, "limit": limit, "after": after}
    return HttpRequest("GET", "/callbacks?" + urlencode({name: value for name, value in asked.items() if value}))


def test_request(url: str) -> HttpRequest:
    """Request that sends a test message."""
    return HttpRequest("POST", "/callbacks/test", json={"url": url})


def message_request(generation_id: str) -> HttpRequest:
    """Request for the message of a generation's present state."""
    return HttpRequest("GET", f"/generations/{quote(generation_id, safe='')}/callbacks/message")


def callback_list(reply: HttpReply) -> CallbackList:
    """The page in a response. Raises `BadAnswer`."""
    body = json_object(reply)
    try:
        return CallbackList([_record(each) for each in body["callbacks"]], body["next"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadAnswer(_NO_CALLBACKS) from error


def tested(reply: HttpReply) -> CallbackTestOutcome:
    """The outcome in a response. Raises `BadAnswer`."""
    body = json_object(reply)
    try:
        outcome = body["delivered"], body["status"], body["seconds"], body["reason"]
        return CallbackTestOutcome(*outcome, signed_message(reply), body)
    except KeyError as error:
        raise BadAnswer(_NO_CALLBACKS) from error


def signed_message(reply: HttpReply) -> ForwardedMessage:
    """The message in a response. Raises `BadAnswer`."""
    body = json_object(reply)
    try:
        return ForwardedMessage(dict(body["headers"]), body["body"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadAnswer(_NO_CALLBACKS) from error


def _record(told: Mapping[str, Any]) -> CallbackRecord:
    due = told["next_attempt_at"]
    return CallbackRecord(
        id=told["id"],
        generation=told["generation"],
        announces=told["announces"],
        created_at=datetime.fromisoformat(told["created_at"]),
        url=told["url"],
        state=told["state"],
        next_attempt_at=None if due is None else datetime.fromisoformat(due),
        tries=[_try(each) for each in told["attempts"]],
        message=told["body"],
        body=told,
    )


def _try(told: Mapping[str, Any]) -> CallbackTry:
    return CallbackTry(datetime.fromisoformat(told["at"]), told["seconds"], told["status"], told["reason"])
