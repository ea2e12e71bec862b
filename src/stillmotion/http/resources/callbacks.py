"""Callbacks for their owner: of one generation or of all, and replays."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

import msgspec

from stillmotion.application.callbacks.delivery import ListedDelivery, LoggedDelivery
from stillmotion.domain.callbacks import DeliveryAttempt, DeliveryState
from stillmotion.domain.errors import (
    CallbackNotFound,
    GenerationNotFound,
    InvalidRequest,
    LimitExceeded,
    NotAuthenticated,
    Problem,
    Unavailable,
)
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.edge.operation import Call, Encode, Nothing, Operation, OperationResult


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
    """A message to the callback URL. `id` is its `webhook-id`; `state` is `pending`, `delivered` or `gave_up`.

    `created_at` is the time of the news, by which lists are in order.
    """

    id: str
    announces: str
    created_at: datetime
    url: str
    state: str
    replays: int
    next_attempt_at: datetime | None
    attempts: list[CallbackAttempt]


class ListedCallback(Callback, frozen=True, kw_only=True):
    """A callback in a list. `body` is the message as the next attempt would send it."""

    generation: str
    body: str


class CallbackPage(msgspec.Struct, frozen=True):
    """A key's callbacks, the latest first. `next` begins the next page, null on the last one."""

    callbacks: list[ListedCallback]
    next: str | None


class CallbackQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of the list of callbacks. `after` is the `next` of the page before."""

    state: Literal["pending", "delivered", "gave_up"] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20
    after: str | None = None


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


async def list_all_callbacks(
    encoders: Mapping[str, Encode], call: Call, subscription: Subscription, asked: CallbackQuery
) -> OperationResult:
    """A page of the caller's callbacks."""
    states = tuple(DeliveryState) if asked.state is None else (DeliveryState(asked.state),)
    log, after = call.services.delivery_log, None if asked.after is None else asked.after.lower()
    try:
        found = await log.of_subscription(subscription.id, asked.limit + 1, states, after)
    except CallbackNotFound:
        raise InvalidRequest(Problem("after", "is none of your callbacks: leave it out to begin anew")) from None
    shown = found[: asked.limit]
    following = shown[-1].delivery.id if len(found) > len(shown) else None
    page = CallbackPage([_listed(encoders, call, each) for each in shown], following)
    return OperationResult(msgspec.json.encode(page))


def _listed(encoders: Mapping[str, Encode], call: Call, listed: ListedDelivery) -> ListedCallback:
    told = msgspec.structs.asdict(_callback(listed))
    body = encoders[listed.announced.surface](listed.announced.view, call.link_to)
    return ListedCallback(**told, generation=listed.delivery.generation_id, body=body.decode())


def _callback(logged: LoggedDelivery) -> Callback:
    delivery = logged.delivery
    return Callback(
        delivery.id,
        delivery.announces.value,
        delivery.created_at,
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
    "created_at": "2026-11-22T11:59:59.973Z",
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

_LISTED: Mapping[str, Any] = {
    **_TRIED,
    "generation": "f25c04db-19f7-4b51-871c-af6ed0b32f55",
    "body": '{"id":"f25c04db-19f7-4b51-871c-af6ed0b32f55","state":"completed"}',
}

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


def callback_list(encoders: Mapping[str, Encode]) -> Operation[Subscription, CallbackQuery]:
    """The operation that lists all callbacks. `encoders` write their bodies, by surface."""
    return Operation(
        operation_id="listAllCallbacks",
        method="GET",
        path="/callbacks",
        summary="Every callback of the key, with its attempts",
        description=(
            "The latest first. `state` is `pending`, `delivered` or `gave_up`; without it all are listed. `limit` is "
            "1 to 100. Give the `next` of a page as `after` for the page behind it."
        ),
        wire=CallbackQuery,
        answer=CallbackPage,
        answers={"": {"callbacks": [_LISTED], "next": None}},
        answered="A page of callbacks, each with the message that is sent.",
        shows_engine=False,
        refusals=(InvalidRequest, NotAuthenticated, LimitExceeded, Exception, Unavailable),
        handle=partial(list_all_callbacks, encoders),
    )
