"""Failures of the caller's generations: what failed lately, by cause, and all of one cause once more."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from stillmotion.application.history.failures import MOST_RETRIED, USUAL_DAYS
from stillmotion.application.ports.history import FailureCause
from stillmotion.domain.errors import (
    AccessDenied,
    InvalidRequest,
    LimitExceeded,
    NotAuthenticated,
    QuotaSpent,
    Unavailable,
)
from stillmotion.domain.failures import may_pass, remedy_for
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.edge.operation import Call, Operation, OperationResult

_ENCODE = msgspec.json.Encoder().encode
_BOUNDS = Meta(ge=1, le=365)
_REMEDY = Meta(description="must be a whole number of days from 1 to 365, up to now")


class FailureDays(Struct, frozen=True, forbid_unknown_fields=True):
    """Time of the failures."""

    days: Annotated[int, _BOUNDS, _REMEDY] = USUAL_DAYS


class FailureRetryRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Time of the failures that are made once more."""

    days: Annotated[Annotated[int, _BOUNDS] | None, _REMEDY] = USUAL_DAYS


class FailureGroup(Struct, frozen=True):
    """Failures of one cause. `sentence` and `latest` are the latest one's reason and id.

    `can_retry` is true if the cause may have passed, so that the same request may succeed.
    """

    code: str
    sentence: str
    remedy: str | None
    count: int
    latest: str
    latest_at: datetime
    can_retry: bool


class FailureReport(Struct, frozen=True):
    """The failures of so many days, the latest cause first."""

    days: int
    failures: tuple[FailureGroup, ...]


class RetriedFailures(Struct, frozen=True):
    """The generations that were made once more: their number, and the new ones' ids."""

    retried: int
    generations: tuple[str, ...]


async def list_failures(call: Call, subscription: Subscription, asked: FailureDays) -> OperationResult:
    """The failures by cause."""
    found = await call.services.failures.by_code(subscription, asked.days)
    return OperationResult(_ENCODE(FailureReport(asked.days, tuple(map(_group, found)))))


async def retry_failures(call: Call, subscription: Subscription, asked: FailureRetryRequest) -> OperationResult:
    """Make all failures of one cause once more."""
    made = await call.services.failures.retry(subscription, call.path["code"], asked.days or USUAL_DAYS)
    return OperationResult(_ENCODE(RetriedFailures(len(made), tuple(made))), status=202)


def _group(found: FailureCause) -> FailureGroup:
    return FailureGroup(
        found.code,
        found.reason,
        remedy_for(found.code),
        found.number,
        found.latest_id,
        found.latest_at,
        may_pass(found.code),
    )


_LATEST: Final = "0193b1d2-6f5e-7c31-9d2a-5b0c7f3e8a44"
_EXAMPLE: Final = FailureReport(
    7,
    (
        FailureGroup(
            "image_fetch_timeout",
            "The image could not be fetched: its server took too long. Try again, or put the image on a faster server.",
            remedy_for("image_fetch_timeout"),
            3,
            _LATEST,
            datetime(2026, 11, 22, 12, 0, tzinfo=UTC),
            can_retry=True,
        ),
    ),
)
_REFUSALS = (InvalidRequest, NotAuthenticated, LimitExceeded, Exception, Unavailable)

FAILURE_OPERATIONS: Final[tuple[Operation[Subscription, Any], ...]] = (
    Operation(
        operation_id="listFailures",
        method="GET",
        path="/failures",
        summary="What failed lately, by cause",
        description="Your own generations' failures. Cancelled ones are none.",
        wire=FailureDays,
        answer=FailureReport,
        answers={"": _EXAMPLE},
        answered="The causes, with what to do about each.",
        shows_engine=False,
        refusals=_REFUSALS,
        handle=list_failures,
    ),
    Operation(
        operation_id="retryFailures",
        method="POST",
        path="/failures/{code}/retry",
        summary="Make all failures of one cause once more",
        description="Those that were not made once more yet, the latest first, as far as your limits and quota go: "
        f"{MOST_RETRIED} at most. One whose picture is gone is passed over. The body may be left out.",
        parameters={"code": "The cause's code."},
        wire=FailureRetryRequest,
        answer=RetriedFailures,
        example={"days": 7},
        answers={"": RetriedFailures(1, (_LATEST,))},
        status=202,
        answered="The new generations.",
        shows_engine=False,
        refusals=(AccessDenied, QuotaSpent, *_REFUSALS),
        handle=retry_failures,
    ),
)
