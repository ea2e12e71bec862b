"""Trials of callbacks: a test message to any URL, the signed message of a generation, and the check of a signature."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

import msgspec

from stillmotion.domain.errors import (
    GenerationNotFound,
    InvalidRequest,
    LimitExceeded,
    NotAuthenticated,
    Unavailable,
)
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.edge.operation import Call, Encode, Nothing, Operation, OperationResult


class CallbackTest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The URL that a test message is sent to."""

    url: Annotated[str, msgspec.Meta(description="must be a string: the URL to send to")]


class CallbackMessage(msgspec.Struct, frozen=True):
    """A message as it is sent: its headers, with the signature of Standard Webhooks, and its body."""

    headers: Annotated[Mapping[str, str], msgspec.Meta(description="must be an object of strings: the headers by name")]
    body: Annotated[str, msgspec.Meta(description="must be a string: the body as it was received")]


class CallbackTestResult(CallbackMessage, frozen=True, kw_only=True):
    """Outcome of a test message: `status` is the receiver's, null if there was no answer, for the `reason` given."""

    delivered: bool
    status: int | None
    seconds: float
    reason: str | None


class SignatureReply(msgspec.Struct, frozen=True):
    """`valid` if the message is one of this key's; otherwise the `reason`."""

    valid: bool
    reason: str | None


async def test_callback(call: Call, subscription: Subscription, asked: CallbackTest) -> OperationResult:
    """Send a test message."""
    trial = await call.services.callback_trials.test(subscription, asked.url)
    attempt, message = trial.attempt, trial.message
    result = CallbackTestResult(
        delivered=attempt.delivered,
        status=attempt.status,
        seconds=attempt.duration.total_seconds(),
        reason=attempt.reason,
        headers=message.headers,
        body=message.body.decode(),
    )
    return OperationResult(msgspec.json.encode(result))


async def get_callback_message(
    encoders: Mapping[str, Encode], call: Call, subscription: Subscription, asked: Nothing
) -> OperationResult:
    """The message of a generation's present state, signed now."""
    del asked
    generation = await call.services.generations.get(subscription, call.path["id"])
    body = encoders[generation.surface](generation.view, call.link_to)
    message = call.services.callback_trials.message_of(subscription, generation, body)
    return OperationResult(msgspec.json.encode(CallbackMessage(message.headers, message.body.decode())))


async def verify_callback(call: Call, subscription: Subscription, asked: CallbackMessage) -> OperationResult:
    """Check the signature of a message."""
    trials = call.services.callback_trials
    reason = trials.why_not_genuine(subscription, asked.headers, asked.body.encode("utf-8", "surrogatepass"))
    return OperationResult(msgspec.json.encode(SignatureReply(reason is None, reason)))


_SIGNED: Mapping[str, Any] = {
    "headers": {
        "content-type": "application/json",
        "webhook-id": "msg_test_3q2-7wAAc0ffee",
        "webhook-timestamp": "1764676800",
        "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    },
    "body": '{"type":"test","message":"This is a test message from Stillmotion."}',
}
_REFUSALS = (InvalidRequest, NotAuthenticated, LimitExceeded, Exception, Unavailable)

CALLBACK_TRIAL_OPERATIONS: tuple[Operation[Subscription, Any], ...] = (
    Operation(
        operation_id="testCallback",
        method="POST",
        path="/callbacks/test",
        summary="Send a signed test message to a URL",
        description=(
            "One attempt, signed as every callback of the key is, and not kept in the log. The URL is held to the "
            "rules of a callback URL: no private address is called. Ten a minute, one at a time."
        ),
        wire=CallbackTest,
        example={"url": "https://customer.example/callback"},
        answer=CallbackTestResult,
        answers={"": {"delivered": True, "status": 204, "seconds": 0.041, "reason": None, **_SIGNED}},
        answered="The receiver's answer, and the message that was sent.",
        shows_engine=False,
        refusals=_REFUSALS,
        handle=test_callback,
    ),
    Operation(
        operation_id="verifyCallback",
        method="POST",
        path="/callbacks/verify",
        summary="Check the signature of a message",
        description="For a message that a receiver got: its headers and its body as it came.",
        wire=CallbackMessage,
        example=_SIGNED,
        answer=SignatureReply,
        answers={"": {"valid": True, "reason": None}},
        answered="True for a message of this key's, not older than five minutes.",
        shows_engine=False,
        refusals=_REFUSALS,
        handle=verify_callback,
        only_reads=True,
    ),
)


def callback_message(encoders: Mapping[str, Encode]) -> Operation[Subscription, Nothing]:
    """The operation that gives a generation's message. `encoders` write its body, by surface."""
    return Operation(
        operation_id="getCallbackMessage",
        method="GET",
        path="/generations/{id}/callbacks/message",
        summary="The callback of a generation's present state",
        description=(
            "What its callback URL is sent in this state, signed now, whether it has one or not: for a receiver "
            "that this server cannot reach. `stillmotion callbacks listen` passes it on."
        ),
        parameters={"id": "The generation's id."},
        wire=Nothing,
        answer=CallbackMessage,
        answers={"": _SIGNED},
        answered="The message.",
        shows_engine=False,
        refusals=(NotAuthenticated, GenerationNotFound, LimitExceeded, Exception, Unavailable),
        handle=partial(get_callback_message, encoders),
    )
