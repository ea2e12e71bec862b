"""Callbacks of a generation, for its owner: the log at `/generations/{id}/callbacks`, and replays."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from stillmotion.application.callbacks import LoggedDelivery
from stillmotion.domain.callbacks import DeliveryAttempt, DeliveryState
from stillmotion.domain.errors import GenerationNotFound, InvalidRequest, LimitExceeded, NotAuthenticated, Unavailable
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.edge.operation import Call, Nothing, Operation, OperationResult


class CallbackAttempt(msgspec.Struct, frozen=True):
    """One attempt: `status` is the receiver's, null if there was no answer, for the `reason` given.

    `replay` is 0 for the attempts that the change of state caused, 1 for those of the first replay, and so on.
    """

    replay: int
    number: int
    at: datetime
    seconds: float
    status: int | None
    reason: str | None


class Callback(msgspec.Struct, frozen=True):
    """A message to the callback URL. `id` is its `webhook-id`; `state` is `pending`, `delivered` or `gave_up`."""

    id: str
    announces: str
    url: str
    state: str
    replays: int
    next_attempt_at: datetime | None
    attempts: list[CallbackAttempt]


class CallbackLog(msgspec.Struct, frozen=True):
    """A generation's callbacks in the order in which they were caused."""

    callbacks: list[Callback]


async def list_callbacks(call: Call, subscription: Subscription, asked: Nothing) -> OperationResult:
    """All callbacks of a generation, with all attempts."""
    del asked
    logged = await call.services.delivery_log.of_owned(subscription, call.path["id"])
    return OperationResult(msgspec.json.encode(CallbackLog([_callback(each) for each in logged])))


async def replay_callback(call: Call, subscription: Subscription, asked: Nothing) -> OperationResult:
    """Deliver a callback once more."""
    del asked
    log = call.services.delivery_log
    replayed = await log.replay_owned(subscription, call.path["id"], call.path["callback"])
    return OperationResult(msgspec.json.encode(_callback(replayed)), status=202)


def _callback(logged: LoggedDelivery) -> Callback:
    delivery = logged.delivery
    return Callback(
        delivery.id,
        delivery.announces.value,
        delivery.url,
        delivery.state.value,
        delivery.replays,
        delivery.due_at if delivery.state is DeliveryState.PENDING else None,
        [_attempt(each) for each in logged.attempts],
    )


def _attempt(attempt: DeliveryAttempt) -> CallbackAttempt:
    return CallbackAttempt(
        attempt.replay,
        attempt.number,
        attempt.started_at,
        attempt.duration.total_seconds(),
        attempt.status,
        attempt.reason,
    )


_TRIED: Mapping[str, Any] = {
    "id": "msg_f25c04db-19f7-4b51-871c-af6ed0b32f55_completed",
    "announces": "completed",
    "url": "https://customer.example/callback",
    "state": "pending",
    "replays": 0,
    "next_attempt_at": "2026-11-22T12:00:05.204Z",
    "attempts": [
        {
            "replay": 0,
            "number": 1,
            "at": "2026-11-22T12:00:00Z",
            "seconds": 0.041,
            "status": 503,
            "reason": None,
        }
    ],
}
_REPLAYED: Mapping[str, Any] = {**_TRIED, "replays": 1, "next_attempt_at": "2026-11-22T12:10:00Z"}
_REFUSALS = (NotAuthenticated, GenerationNotFound, LimitExceeded, Exception, Unavailable)

CALLBACK_OPERATIONS: tuple[Operation[Any, Any], ...] = (
    Operation(
        operation_id="listCallbacks",
        method="GET",
        path="/generations/{id}/callbacks",
        summary="What was tried to deliver of a generation's callbacks",
        description="Every attempt is kept as long as the generation.",
        parameters={"id": "The generation's id."},
        wire=Nothing,
        answer=CallbackLog,
        answers={"": {"callbacks": [_TRIED]}},
        answered="The callbacks in the order in which they were caused; none where there was no callback URL.",
        shows_engine=False,
        refusals=_REFUSALS,
        handle=list_callbacks,
    ),
    Operation(
        operation_id="replayCallback",
        method="POST",
        path="/generations/{id}/callbacks/{callback}/replay",
        summary="Deliver a callback once more",
        description=(
            "Under the same `webhook-id`, at once, and on the whole schedule again. The body may be left out. "
            "One that is still being tried is tried now."
        ),
        parameters={"id": "The generation's id.", "callback": "The callback's id, which is its `webhook-id`."},
        wire=Nothing,
        answer=Callback,
        answers={"": _REPLAYED},
        status=202,
        answered="The callback, due now.",
        shows_engine=False,
        refusals=(InvalidRequest, *_REFUSALS),
        handle=replay_callback,
    ),
)
