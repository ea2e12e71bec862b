"""Operations of the administration: their common parts, in one place."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from stillmotion.application.administration import Administration
from stillmotion.domain.errors import InvalidRequest, LimitExceeded, NotAuthenticated, Refused, Unavailable
from stillmotion.http.edge.operation import Call, Nothing, Operation, OperationResult

BASE: Final = "/admin/v1/"

ACTOR: Final = "administrator"
"""Name of the administrator in the log of actions: there is one key, so there is one name."""

SHARED: Final[tuple[type[Exception], ...]] = (InvalidRequest, NotAuthenticated, LimitExceeded, Exception, Unavailable)
"""Refusals that every operation of the administration may answer with."""

Handling = Callable[[Call, Administration, Any], Awaitable[OperationResult]]


def office_operation(
    operation_id: str, method: str, path: str, summary: str, *, handle: Handling, **parts: Any
) -> Operation[Administration, Any]:
    """An operation below `BASE` with the refusals that all share, and the given parts.

    Each one that is no GET is noted in the log of actions before it is carried out.
    """
    given: dict[str, Any] = {"description": "", "wire": Nothing, "refusals": SHARED, **parts}
    return Operation(
        operation_id=operation_id,
        method=method,
        path=f"{BASE}{path}",
        summary=summary,
        shows_engine=False,
        handle=handle if method == "GET" else _noted(operation_id, handle),
        **given,
    )


def _noted(name: str, handle: Handling) -> Handling:
    async def act(call: Call, office: Administration, asked: Any) -> OperationResult:
        details = msgspec.to_builtins(asked)
        noted = await office.log.note(ACTOR, name, "/".join(call.path.values()), details, call.request_id)
        try:
            return await handle(call, office, asked)
        except Refused as error:
            await office.log.refused(noted, str(error))
            raise

    return act
