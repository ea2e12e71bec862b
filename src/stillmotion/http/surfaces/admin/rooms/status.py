"""Status of the service, and the reasons of failures."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from stillmotion.application.administration import Administration
from stillmotion.application.operators.service_status import HealthCheck, ServiceState, Spread
from stillmotion.application.ports.activity import FailureCount
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.failures import remedy_for
from stillmotion.http.edge.operation import Call, Operation, OperationResult, Unfiltered
from stillmotion.http.edge.parts import Check
from stillmotion.http.edge.services import Services
from stillmotion.http.surfaces.admin.operations import office_operation
from stillmotion.http.surfaces.admin.rooms.queue import QUEUE_EXAMPLE, QueueInfo, queue_info

_ENCODE = msgspec.json.Encoder().encode

REMEDIES: Final[Mapping[str, str]] = {
    "store": "Make room on the disk, and let the service's user write there; `stillmotion doctor` looks closer.",
    "storage": "Check the settings storage and storage_options; `stillmotion doctor` tries again.",
    "worker": "Start a renderer: the setting renderers, or `stillmotion worker`. The log says why one ended.",
    "servers": "See that the other server runs and that its address and key are right.",
}
"""Remedies of the parts that `/readyz` names."""


class CheckInfo(Struct, frozen=True):
    """Result of one check, with the remedy where it is not well."""

    name: str
    ok: bool
    said: str
    remedy: str | None


class SpreadInfo(Struct, frozen=True):
    """Median and 95th percentile of the last hour in seconds; null where nothing was measured."""

    p50: float | None
    p95: float | None


class Sparklines(Struct, frozen=True):
    """Numbers for each of the last 60 minutes, the latest last."""

    submitted: tuple[int, ...]
    completed: tuple[int, ...]
    failed: tuple[int, ...]


class SpaceInfo(Struct, frozen=True):
    """Bytes of the disk that the data directory is on."""

    free_bytes: int
    total_bytes: int


class NearLimitInfo(Struct, frozen=True):
    """A subscription that has used 80 % of its month's video-seconds, or more."""

    subscription: str
    limit: float
    used: float


class StatusInfo(Struct, frozen=True, kw_only=True):
    """The whole service. `version` and `uptime_seconds` are null while no server runs."""

    ok: bool
    checks: tuple[CheckInfo, ...]
    version: str | None
    uptime_seconds: float | None
    queue: QueueInfo
    workers: int
    wait: SpreadInfo
    render: SpreadInfo
    failures_last_hour: int
    sparklines: Sparklines
    disk: SpaceInfo
    storage_bytes: int
    near_limit: tuple[NearLimitInfo, ...]


class FailureQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """The number of days to look back."""

    days: Annotated[int, Meta(ge=1, le=366, description="must be a whole number of days, 1 to 366")] = 7


class EverybodysFailure(Struct, frozen=True, kw_only=True):
    """The failures of one code. The sentence is that of the latest."""

    code: str
    sentence: str
    remedy: str | None
    count: int
    latest: str
    latest_at: datetime


class EverybodysFailures(Struct, frozen=True):
    """Failures of everybody by code, the most frequent first."""

    days: int
    failures: tuple[EverybodysFailure, ...]


def status_info(state: ServiceState) -> StatusInfo:
    """The status in the administration's words."""
    return StatusInfo(
        ok=state.is_well,
        checks=tuple(CheckInfo(each.name, each.is_well, each.said, each.remedy or None) for each in state.checks),
        version=None if state.server is None else state.server.version,
        uptime_seconds=None if state.uptime is None else state.uptime.total_seconds(),
        queue=queue_info(state.queue),
        workers=state.workers,
        wait=_spread(state.wait),
        render=_spread(state.render),
        failures_last_hour=sum(state.failed),
        sparklines=Sparklines(tuple(state.submitted), tuple(state.completed), tuple(state.failed)),
        disk=SpaceInfo(state.disk.free, state.disk.total),
        storage_bytes=state.stored,
        near_limit=tuple(NearLimitInfo(each.subscription_id, each.limit, each.used) for each in state.near_limit),
    )


def _spread(known: Spread) -> SpreadInfo:
    return SpreadInfo(known.p50, known.p95)


async def get_status(call: Call, office: Administration, asked: Unfiltered) -> OperationResult:
    """The status as it is now."""
    del asked
    return OperationResult(_ENCODE(status_info(await office.status.now(await checked_parts(call.services)))))


async def checked_parts(services: Services) -> Sequence[HealthCheck]:
    """The checks of all parts."""
    parts = {**services.readiness, **services.watched.checks}
    return await asyncio.gather(*(_part(services, name, check) for name, check in parts.items()))


async def _part(services: Services, name: str, check: Check) -> HealthCheck:
    """The check of a part."""
    remedy = REMEDIES.get(name, "The log says more; `stillmotion doctor` looks closer.")
    try:
        async with asyncio.timeout(services.timing.check.total_seconds()):
            await check()
    except Unavailable as error:
        return HealthCheck(name, f"{str(error)[:1].upper()}{str(error)[1:]}.", remedy)
    except TimeoutError:
        return HealthCheck(name, "It does not answer in time.", remedy)
    return HealthCheck(name, "It works.")


async def list_failures(call: Call, office: Administration, asked: FailureQuery) -> OperationResult:
    """Everybody's failures by code."""
    return OperationResult(_ENCODE(await failures_info(office, call.services.clock.now(), asked.days)))


async def failures_info(office: Administration, now: datetime, days: int) -> EverybodysFailures:
    """Failures of the last days in the administration's words."""
    found = await office.status.store.failure_counts(now - timedelta(days=days))
    return EverybodysFailures(days, tuple(map(_failure, found)))


def _failure(known: FailureCount) -> EverybodysFailure:
    return EverybodysFailure(
        code=known.code,
        sentence=known.sentence,
        remedy=remedy_for(known.code),
        count=known.count,
        latest=known.latest,
        latest_at=known.latest_at,
    )


_STATUS: Final = StatusInfo(
    ok=False,
    checks=(
        CheckInfo("store", True, "It works.", None),
        CheckInfo("worker", False, "No renderer is running.", REMEDIES["worker"]),
        CheckInfo("free space", True, "212.4 GB", None),
    ),
    version="0.1.0",
    uptime_seconds=86_400.0,
    queue=QUEUE_EXAMPLE,
    workers=1,
    wait=SpreadInfo(0.2, 4.8),
    render=SpreadInfo(2.1, 6.4),
    failures_last_hour=1,
    sparklines=Sparklines(*((*(0 for _ in range(59)), last) for last in (5, 4, 1))),
    disk=SpaceInfo(212_400_000_000, 500_000_000_000),
    storage_bytes=14_200_000_000,
    near_limit=(NearLimitInfo("019a9d3e-7a54-7c3b-9a53-6f2f6f1f2a10", 3600.0, 3102.0),),
)
_FAILURE: Final = EverybodysFailure(
    code="image_fetch_failed",
    sentence="The image could not be fetched: its server could not be reached. Check that the URL opens in a browser.",
    remedy="You can upload the picture instead.",
    count=12,
    latest="f25c04db-19f7-4b51-871c-af6ed0b32f55",
    latest_at=datetime(2026, 11, 29, 12, tzinfo=UTC),
)

STATUS_OPERATIONS: tuple[Operation[Administration, Any], ...] = (
    office_operation(
        "getServiceStatus",
        "GET",
        "status",
        "Look at the whole service",
        description=(
            "Is it well, why not, and what to do: the parts that `/readyz` names, and the checks of `stillmotion "
            "doctor` that take no long, made anew every 30 seconds. How much waits, and how long things took in the "
            "last hour."
        ),
        wire=Unfiltered,
        answer=StatusInfo,
        answers={"": _STATUS},
        answered="The service as it is now.",
        handle=get_status,
    ),
    office_operation(
        "listEverybodysFailures",
        "GET",
        "failures",
        "List the reasons of failures",
        wire=FailureQuery,
        answer=EverybodysFailures,
        answers={"": EverybodysFailures(7, (_FAILURE,))},
        answered="The reasons, the most frequent first.",
        handle=list_failures,
    ),
)
