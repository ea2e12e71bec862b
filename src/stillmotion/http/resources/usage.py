"""Usage of a subscription by day, model and key, as JSON or CSV."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec

from stillmotion.domain.errors import InvalidRequest, LimitExceeded, NotAuthenticated, Problem, Unavailable
from stillmotion.domain.record.usage import UsageEntry, grouped, total_of
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.edge.operation import Call, Operation, OperationResult
from stillmotion.http.server.replies import NO_STORE, Reply
from stillmotion.http.server.request import Request
from stillmotion.http.server.streams import Pieces

MOST_DAYS: Final = 366
BY_DAY: Final = "day"
GROUPS: Final = (BY_DAY, "model", "key")

_ENCODE = msgspec.json.Encoder().encode
_AMOUNTS: Final = ("generations", "completed", "failed", "video_seconds", "cost")


class UsageQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Days and grouping of a usage report."""

    by: Annotated[str, msgspec.Meta(description="must be some of day, model and key, separated by commas")] = BY_DAY
    first: Annotated[
        date | None, msgspec.Meta(description="must be a day like 2026-11-01; the first of the month if left out")
    ] = msgspec.field(default=None, name="from")
    last: Annotated[date | None, msgspec.Meta(description="must be a day like 2026-11-30; today if left out")] = (
        msgspec.field(default=None, name="to")
    )
    format: Annotated[Literal["json", "csv"], msgspec.Meta(description="must be json or csv")] = "json"


class UsageTotal(msgspec.Struct, frozen=True, kw_only=True):
    """Amounts of usage. What failed or was cancelled has no video-seconds and no cost."""

    generations: int
    completed: int
    failed: int
    video_seconds: float
    cost: float


class UsageSum(UsageTotal, frozen=True, kw_only=True):
    """Usage of one group. It has the names that the report is grouped by; `key` is null where it is unknown."""

    day: date | msgspec.UnsetType = msgspec.UNSET
    model: str | msgspec.UnsetType = msgspec.UNSET
    key: str | msgspec.UnsetType | None = msgspec.UNSET


class UsageReport(msgspec.Struct, frozen=True):
    """Usage from one day to another (UTC, both included), by the day on which each generation was accepted."""

    first: date = msgspec.field(name="from")
    last: date = msgspec.field(name="to")
    by: tuple[str, ...]
    rows: tuple[UsageSum, ...]
    total: UsageTotal


async def get_usage(call: Call, subscription: Subscription, asked: UsageQuery) -> OperationResult:
    """The subscription's usage."""
    names, first, last = groups_of(asked.by), *days_of(asked.first, asked.last, call.services.clock.now().date())
    entries = await call.services.ledger.usage_days(first, last, subscription.id)
    rows = grouped(entries, names)
    if asked.format == "csv":
        return OperationResult(b"", streamed_by=_table(names, rows, f"usage-{first}-{last}.csv"))
    report = UsageReport(first, last, names, tuple(_row(each, names) for each in rows), amounts(total_of(entries)))
    return OperationResult(_ENCODE(report))


def groups_of(text: str, allowed: Sequence[str] = GROUPS) -> tuple[str, ...]:
    """The names to group by, in the order of the report. Raises `InvalidRequest`."""
    asked = [each.strip() for each in text.split(",")]
    if not set(asked) <= set(allowed) or len(asked) != len(set(asked)):
        raise InvalidRequest(Problem("by", f"must be some of {', '.join(allowed)}, separated by commas"))
    return tuple(each for each in allowed if each in asked)


def days_of(first: date | None, last: date | None, today: date) -> tuple[date, date]:
    """The days of a report, this month's up to today if nothing else is asked for. Raises `InvalidRequest`."""
    last = last or max(today, first or today)
    first = first or last.replace(day=1)
    if not first <= last:
        raise InvalidRequest(Problem("from", "must be a day before `to`, or the same"))
    if last - first >= timedelta(days=MOST_DAYS):
        raise InvalidRequest(Problem("from", f"must be less than {MOST_DAYS} days before `to`"))
    return first, last


def amounts(entry: UsageEntry) -> UsageTotal:
    """The amounts of an entry, without its names."""
    return UsageTotal(
        generations=entry.generations,
        completed=entry.completed,
        failed=entry.failed,
        video_seconds=round(entry.video_seconds, 6),
        cost=float(entry.cost),
    )


def _row(entry: UsageEntry, names: Sequence[str]) -> UsageSum:
    named = {name: _name(entry, name) for name in names}
    return UsageSum(**named, **msgspec.structs.asdict(amounts(entry)))


def _name(entry: UsageEntry, name: str) -> Any:
    found = getattr(entry, name)
    return found or None if name == "key" else found


class _CsvAnswer:
    """Opener of an answer that is a table for spreadsheets (RFC 4180)."""

    def __init__(self, body: bytes, name: str) -> None:
        self._body = body
        self._name = name

    async def __call__(self, request: Request) -> tuple[Reply, Pieces | None]:
        """The whole answer."""
        del request
        kept = ("Content-Disposition", f'attachment; filename="{self._name}"')
        return Reply(200, self._body, [("Content-Type", "text/csv; charset=utf-8"), NO_STORE, kept]), None


def _table(names: Sequence[str], rows: Iterable[UsageEntry], name: str) -> _CsvAnswer:
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow((*names, *_AMOUNTS))
    for each in rows:
        told = amounts(each)
        table.writerow((*(_name(each, group) for group in names), *(getattr(told, amount) for amount in _AMOUNTS)))
    return _CsvAnswer(written.getvalue().encode(), name)


_EXAMPLE_AMOUNTS: Mapping[str, Any] = {
    "generations": 12,
    "completed": 10,
    "failed": 1,
    "video_seconds": 55.0,
    "cost": 2.75,
}
_EXAMPLE: Mapping[str, Any] = {
    "from": "2026-11-01",
    "to": "2026-11-30",
    "by": ["day", "model"],
    "rows": [{"day": "2026-11-29", "model": "ray-2", **_EXAMPLE_AMOUNTS}],
    "total": _EXAMPLE_AMOUNTS,
}

USAGE_OPERATION: Operation[Subscription, UsageQuery] = Operation(
    operation_id="getUsage",
    method="GET",
    path="/usage",
    summary="Look at your usage",
    description=(
        "Generations, video-seconds and cost by day, model and key. A generation counts on the day (UTC) of its "
        "submit, at the price of that day, and goes on counting when it is deleted; one that failed or was cancelled "
        "has no seconds and no cost. Days without a generation have no row. `format=csv` answers with the rows as a "
        "table."
    ),
    wire=UsageQuery,
    answer=UsageReport,
    answers={"": _EXAMPLE},
    answered="The report.",
    media_types=("text/csv",),
    shows_engine=False,
    refusals=(InvalidRequest, NotAuthenticated, LimitExceeded, Exception, Unavailable),
    handle=get_usage,
)
