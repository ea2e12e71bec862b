"""Log of administrators' actions."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from stillmotion.application.administration import Administration
from stillmotion.domain.operators.actions import OperatorAction
from stillmotion.http.edge.operation import Call, Operation, OperationResult
from stillmotion.http.surfaces.admin.operations import office_operation

_ENCODE = msgspec.json.Encoder().encode
MOST: Final = 1000


class ActionQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of the log: up to `limit` actions, older than the one with the id `after`."""

    limit: Annotated[int, Meta(ge=1, le=MOST, description=f"must be a whole number, 1 to {MOST}")] = 100
    after: Annotated[str | None, Meta(description="must be the id of an action: the page begins behind it")] = None


class ActionInfo(Struct, frozen=True):
    """One action. `refused` is the sentence of its refusal, null for one that was carried out."""

    id: str
    at: datetime
    actor: str
    action: str
    target: str
    details: dict[str, Any]
    request_id: str
    refused: str | None


class ActionList(Struct, frozen=True):
    """Actions, the latest first. `next` continues the list; null at its end."""

    actions: tuple[ActionInfo, ...]
    next: str | None


async def list_actions(call: Call, office: Administration, asked: ActionQuery) -> OperationResult:
    """A page of the log."""
    del call
    found = await office.log.latest(asked.after, asked.limit)
    following = found[-1].id if len(found) == asked.limit else None
    return OperationResult(_ENCODE(ActionList(tuple(map(action_info, found)), following)))


def action_info(known: OperatorAction) -> ActionInfo:
    """An action in the administration's words."""
    details = dict(known.details)
    return ActionInfo(
        known.id, known.at, known.actor, known.name, known.target, details, known.request_id, known.refused
    )


_PAUSE: Final = ActionInfo(
    id="019a9d3e-7a54-7c3b-9a53-6f2f6f1f2a10",
    at=datetime(2026, 11, 29, 12, tzinfo=UTC),
    actor="administrator",
    action="pauseQueue",
    target="",
    details={"model": "parallax"},
    request_id="5f3a-00002a",
    refused=None,
)

ACTION_OPERATIONS: tuple[Operation[Administration, Any], ...] = (
    office_operation(
        "listActions",
        "GET",
        "actions",
        "List what administrators did",
        description="Every write, and every look at a hidden prompt. Each is noted before it is carried out.",
        wire=ActionQuery,
        answer=ActionList,
        answers={"": ActionList((_PAUSE,), None)},
        answered="The actions, the latest first.",
        handle=list_actions,
    ),
)
