"""Usage of everybody by day, model, key and subscription."""

from datetime import date
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from stillmotion.application.administration import Administration
from stillmotion.domain.record.usage import UsageEntry, grouped, total_of
from stillmotion.http.edge.operation import Call, Operation, OperationResult
from stillmotion.http.resources.usage import UsageTotal, amounts, days_of, groups_of
from stillmotion.http.surfaces.admin.operations import office_operation

_ENCODE = msgspec.json.Encoder().encode
GROUPS: Final = ("subscription", "day", "model", "key")


class EverybodysUsageQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Days and grouping of a usage report."""

    by: Annotated[str, Meta(description="must be some of subscription, day, model and key, separated by commas")] = (
        "subscription"
    )
    first: Annotated[
        date | None, Meta(description="must be a day like 2026-11-01; the first of the month if left out")
    ] = msgspec.field(default=None, name="from")
    last: Annotated[date | None, Meta(description="must be a day like 2026-11-30; today if left out")] = msgspec.field(
        default=None, name="to"
    )


class EverybodysUsageSum(UsageTotal, frozen=True, kw_only=True):
    """Usage of one group, with the names that the report is grouped by."""

    subscription: str | UnsetType = UNSET
    day: date | UnsetType = UNSET
    model: str | UnsetType = UNSET
    key: str | UnsetType | None = UNSET


class EverybodysUsage(Struct, frozen=True):
    """Usage of everybody from one day to another (UTC, both included)."""

    first: date = msgspec.field(name="from")
    last: date = msgspec.field(name="to")
    by: tuple[str, ...]
    rows: tuple[EverybodysUsageSum, ...]
    total: UsageTotal


async def get_usage(call: Call, office: Administration, asked: EverybodysUsageQuery) -> OperationResult:
    """Everybody's usage."""
    del office
    names = groups_of(asked.by, GROUPS)
    first, last = days_of(asked.first, asked.last, call.services.clock.now().date())
    entries = await call.services.ledger.usage_days(first, last)
    rows = grouped(entries, [_field(each) for each in names])
    shown = tuple(_row(each, names) for each in rows)
    return OperationResult(_ENCODE(EverybodysUsage(first, last, names, shown, amounts(total_of(entries)))))


def _field(name: str) -> str:
    return "subscription_id" if name == "subscription" else name


def _row(entry: UsageEntry, names: tuple[str, ...]) -> EverybodysUsageSum:
    named = {name: getattr(entry, _field(name)) for name in names}
    if named.get("key") == "":
        named["key"] = None
    return EverybodysUsageSum(**named, **msgspec.structs.asdict(amounts(entry)))


_AMOUNTS: Final[dict[str, Any]] = {
    "generations": 12,
    "completed": 10,
    "failed": 1,
    "video_seconds": 55.0,
    "cost": 2.75,
}

USAGE_OPERATIONS: tuple[Operation[Administration, Any], ...] = (
    office_operation(
        "getEverybodysUsage",
        "GET",
        "usage",
        "Look at everybody's usage",
        description="As `/usage`, for all subscriptions, by subscription too.",
        wire=EverybodysUsageQuery,
        answer=EverybodysUsage,
        answers={
            "": EverybodysUsage(
                date(2026, 11, 1),
                date(2026, 11, 30),
                ("subscription",),
                (EverybodysUsageSum(subscription="019a9d3e-7a54-7c3b-9a53-6f2f6f1f2a10", **_AMOUNTS),),
                UsageTotal(**_AMOUNTS),
            )
        },
        answered="The report.",
        handle=get_usage,
    ),
)
