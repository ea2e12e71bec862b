"""Operations of the administration: their common parts, in one place."""

from typing import Any, Final

from stillmotion.application.administration import Administration
from stillmotion.domain.errors import InvalidRequest, LimitExceeded, NotAuthenticated, Unavailable
from stillmotion.http.edge.operation import Nothing, Operation

BASE: Final = "/admin/v1/"

SHARED: Final[tuple[type[Exception], ...]] = (InvalidRequest, NotAuthenticated, LimitExceeded, Exception, Unavailable)
"""Refusals that every operation of the administration may answer with."""


def office_operation(
    operation_id: str, method: str, path: str, summary: str, **parts: Any
) -> Operation[Administration, Any]:
    """An operation below `BASE` with the refusals that all share, and the given parts."""
    given: dict[str, Any] = {"description": "", "wire": Nothing, "refusals": SHARED, **parts}
    return Operation(
        operation_id=operation_id, method=method, path=f"{BASE}{path}", summary=summary, shows_engine=False, **given
    )
