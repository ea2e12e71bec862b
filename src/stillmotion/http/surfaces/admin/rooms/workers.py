"""Workers, and other servers that make clips for this one."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from stillmotion.application.administration import Administration
from stillmotion.application.operators.worker_registry import LaneState, WorkerState
from stillmotion.http.edge.operation import Call, Operation, OperationResult, Unfiltered
from stillmotion.http.surfaces.admin.operations import office_operation

_ENCODE = msgspec.json.Encoder().encode


class LaneInfo(Struct, frozen=True):
    """A lane of a worker. A free one has an `engine` where it is for one alone, or still holds one."""

    name: str
    engine: str | None
    generation: str | None
    stage: str | None
    progress: float | None
    since: datetime | None


class WorkerInfo(Struct, frozen=True, kw_only=True):
    """A worker. `state` is ready, starting, paused, draining, drained or lost."""

    id: str
    role: str
    host: str
    pid: int
    version: str
    started_at: datetime
    heartbeat_at: datetime
    state: str
    engines: tuple[str, ...]
    lanes: tuple[LaneInfo, ...]


class WorkerList(Struct, frozen=True):
    """All workers, those lost within a day too."""

    workers: tuple[WorkerInfo, ...]


class ServerInfo(Struct, frozen=True):
    """Another server that makes clips. `state` is reachable or unreachable, with the reason in `last_error`."""

    name: str
    state: str
    last_error: str | None


class ServerList(Struct, frozen=True):
    """All other servers."""

    servers: tuple[ServerInfo, ...]


def worker_info(known: WorkerState) -> WorkerInfo:
    """A worker in the administration's words."""
    report = known.report
    return WorkerInfo(
        id=report.name.id,
        role=report.role.value,
        host=report.name.host,
        pid=report.pid,
        version=report.version,
        started_at=report.started_at,
        heartbeat_at=report.seen_at,
        state=known.state,
        engines=report.engines,
        lanes=tuple(map(_lane, known.lanes)),
    )


def _lane(known: LaneState) -> LaneInfo:
    lane, made = known.lane, known.generation
    if made is None:
        return LaneInfo(lane.name, lane.engine or None, None, None, None, None)
    return LaneInfo(lane.name, lane.engine, made.id, made.stage, round(made.progress, 3), lane.since)


async def list_workers(call: Call, office: Administration, asked: Unfiltered) -> OperationResult:
    """Every worker."""
    del call, asked
    return OperationResult(_ENCODE(WorkerList(tuple(map(worker_info, await office.registry.workers())))))


async def list_servers(call: Call, office: Administration, asked: Unfiltered) -> OperationResult:
    """Every other server."""
    del office, asked
    found = ((name, server.trouble) for name, server in call.services.servers.items())
    shown = (ServerInfo(name, "unreachable" if trouble else "reachable", trouble) for name, trouble in found)
    return OperationResult(_ENCODE(ServerList(tuple(shown))))


_NOON: Final = datetime(2026, 11, 29, 12, tzinfo=UTC)
_WORKER: Final = WorkerInfo(
    id="gpu-box:4711-9f3a",
    role="worker",
    host="gpu-box",
    pid=4711,
    version="0.1.0",
    started_at=_NOON,
    heartbeat_at=_NOON,
    state="ready",
    engines=("parallax/1",),
    lanes=(
        LaneInfo("renderer 0", "parallax/1", "f25c04db-19f7-4b51-871c-af6ed0b32f55", "rendering", 0.41, _NOON),
        LaneInfo("renderer 1", None, None, None, None, None),
    ),
)

WORKER_OPERATIONS: tuple[Operation[Administration, Any], ...] = (
    office_operation(
        "listWorkers",
        "GET",
        "workers",
        "List the workers",
        description="Each tells of itself every 5 seconds; one that was not heard of for 20 seconds is `lost`.",
        wire=Unfiltered,
        answer=WorkerList,
        answers={"": WorkerList((_WORKER,))},
        answered="All workers, the longest running first.",
        handle=list_workers,
    ),
    office_operation(
        "listServers",
        "GET",
        "servers",
        "List the other servers that make clips",
        wire=Unfiltered,
        answer=ServerList,
        answers={"": ServerList((ServerInfo("wan-elsewhere", "unreachable", "it does not answer"),))},
        answered="All of them, as this server finds them.",
        handle=list_servers,
    ),
)
