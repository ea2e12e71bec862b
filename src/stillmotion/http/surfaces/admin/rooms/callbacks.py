"""Callbacks of everybody. Their bodies are not shown: they have the words of customers."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from stillmotion.application.administration import Administration
from stillmotion.domain.callbacks import Delivery, DeliveryState
from stillmotion.domain.errors import CallbackNotFound, InvalidRequest, Problem
from stillmotion.http.edge.operation import Call, Operation, OperationResult
from stillmotion.http.surfaces.admin.operations import office_operation

_ENCODE = msgspec.json.Encoder().encode


class EverybodysCallbackQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of everybody's callbacks."""

    state: Annotated[
        Literal["pending", "delivered", "gave_up"] | None, Meta(description="must be pending, delivered or gave_up")
    ] = None
    limit: Annotated[int, Meta(ge=1, le=200, description="must be a whole number, 1 to 200")] = 50
    after: Annotated[str, Meta(description="must be the `next` of the page before")] = ""


class EverybodysCallback(Struct, frozen=True, kw_only=True):
    """A message to a callback URL, and how often it was tried. `created_at` is the time of the news."""

    id: str
    subscription: str
    generation: str
    announces: str
    created_at: datetime
    url: str
    state: str
    attempts: int
    replays: int
    next_attempt_at: datetime | None
    last_answer: str | None


class EverybodysCallbacks(Struct, frozen=True):
    """Callbacks, the latest first. `next` continues the list; null at its end."""

    callbacks: tuple[EverybodysCallback, ...]
    next: str | None


async def list_callbacks(call: Call, office: Administration, asked: EverybodysCallbackQuery) -> OperationResult:
    """A page of everybody's callbacks."""
    del call
    states = tuple(DeliveryState) if asked.state is None else (DeliveryState(asked.state),)
    try:
        found = await office.deliveries.everybodys_deliveries(states, asked.after.lower() or None, asked.limit + 1)
    except CallbackNotFound:
        raise InvalidRequest(Problem("after", "is no callback: leave it out to begin anew")) from None
    shown = found[: asked.limit]
    following = shown[-1][1].id if len(found) > len(shown) else None
    return OperationResult(_ENCODE(EverybodysCallbacks(tuple(_shown(*each) for each in shown), following)))


def _shown(owner: str, known: Delivery) -> EverybodysCallback:
    return EverybodysCallback(
        id=known.id,
        subscription=owner,
        generation=known.generation_id,
        announces=known.announces.value,
        created_at=known.created_at,
        url=known.url,
        state=known.state.value,
        attempts=known.attempts,
        replays=known.replays,
        next_attempt_at=known.due_at if known.state is DeliveryState.PENDING else None,
        last_answer=known.last_answer,
    )


_TRIED: Final = EverybodysCallback(
    id="msg_f25c04db-19f7-4b51-871c-af6ed0b32f55_completed",
    subscription="019a9d3e-7a54-7c3b-9a53-6f2f6f1f2a10",
    generation="f25c04db-19f7-4b51-871c-af6ed0b32f55",
    announces="completed",
    created_at=datetime(2026, 11, 29, 11, 55, tzinfo=UTC),
    url="https://customer.example/callback",
    state="pending",
    attempts=1,
    replays=0,
    next_attempt_at=datetime(2026, 11, 29, 12, tzinfo=UTC),
    last_answer="503",
)

CALLBACK_OPERATIONS: tuple[Operation[Administration, Any], ...] = (
    office_operation(
        "listEverybodysCallbacks",
        "GET",
        "callbacks",
        "List everybody's callbacks",
        wire=EverybodysCallbackQuery,
        answer=EverybodysCallbacks,
        answers={"": EverybodysCallbacks((_TRIED,), None)},
        answered="A page, the latest first.",
        handle=list_callbacks,
    ),
)
