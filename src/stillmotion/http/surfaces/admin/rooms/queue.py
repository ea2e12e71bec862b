"""The queue: its depth, its pauses and its drains."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from stillmotion.application.administration import Administration
from stillmotion.application.operators.queue_administration import QueueState
from stillmotion.domain.operators.queue_controls import QueueControl
from stillmotion.http.edge.operation import Call, Operation, OperationResult, Unfiltered
from stillmotion.http.surfaces.admin.operations import ACTOR, office_operation

_ENCODE = msgspec.json.Encoder().encode


class QueueTarget(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The target of a pause or a drain: one model, one worker, or all without either."""

    model: Annotated[
        str | None, Meta(description="must be a string: a model by its name in the catalogue, or its engine's")
    ] = None
    worker: Annotated[str | None, Meta(description="must be a string: a worker's id, or its machine's name")] = None


class ControlInfo(Struct, frozen=True):
    """A pause or a drain. `scope` is `all`, `model` or `worker`, `name` the engine or the worker, empty for all."""

    scope: Literal["all", "model", "worker"]
    name: str
    state: Literal["paused", "draining"]
    since: datetime
    by: str


class QueueInfo(Struct, frozen=True):
    """The queue. `paused` and `drained` are about all of it: nothing new is begun, nothing new is accepted.

    `depth` and `under_way` are the numbers that wait and that are being made, by engine.
    """

    paused: bool
    drained: bool
    controls: tuple[ControlInfo, ...]
    depth: dict[str, int]
    under_way: dict[str, int]
    oldest_seconds: float | None


def queue_info(state: QueueState) -> QueueInfo:
    """The queue in the administration's words."""
    return QueueInfo(
        paused=state.is_paused,
        drained=state.is_drained,
        controls=tuple(_control(each) for each in state.controls),
        depth={each.engine: each.queued for each in state.depth},
        under_way={each.engine: each.dreaming for each in state.depth},
        oldest_seconds=state.oldest_seconds,
    )


def _control(known: QueueControl) -> ControlInfo:
    target = known.target
    return ControlInfo(target.scope.value, target.name, known.state.value, known.since, known.actor)


async def get_queue(call: Call, office: Administration, asked: Unfiltered) -> OperationResult:
    """The queue as it is now."""
    del call, asked
    return OperationResult(_ENCODE(queue_info(await office.queue.state())))


async def pause_queue(call: Call, office: Administration, asked: QueueTarget) -> OperationResult:
    """Begin nothing new."""
    del call
    return OperationResult(_ENCODE(queue_info(await office.queue.pause(asked.model, asked.worker, ACTOR))))


async def resume_queue(call: Call, office: Administration, asked: QueueTarget) -> OperationResult:
    """End a pause or a drain."""
    del call
    return OperationResult(_ENCODE(queue_info(await office.queue.resume(asked.model, asked.worker))))


async def drain_queue(call: Call, office: Administration, asked: QueueTarget) -> OperationResult:
    """Accept nothing new, and make the rest."""
    del call
    return OperationResult(_ENCODE(queue_info(await office.queue.drain(asked.model, asked.worker, ACTOR))))


QUEUE_EXAMPLE: Final = QueueInfo(
    paused=False,
    drained=False,
    controls=(ControlInfo("model", "parallax/1", "paused", datetime(2026, 11, 29, 12, tzinfo=UTC), "administrator"),),
    depth={"parallax/1": 12},
    under_way={"parallax/1": 1},
    oldest_seconds=41.5,
)
_EXAMPLE: Final[Mapping[str, Any]] = {"model": "parallax"}
_TARGETS: Final = "All of it, or one `model`, or one `worker`."

QUEUE_OPERATIONS: tuple[Operation[Administration, Any], ...] = (
    office_operation(
        "getQueue",
        "GET",
        "queue",
        "Look at the queue",
        wire=Unfiltered,
        answer=QueueInfo,
        answers={"": QUEUE_EXAMPLE},
        answered="The queue as it is now.",
        handle=get_queue,
    ),
    office_operation(
        "pauseQueue",
        "POST",
        "queue/pause",
        "Begin nothing new",
        description=(
            f"{_TARGETS} Renders under way go on, and submits are accepted. It lasts until `resume`, over restarts too."
        ),
        wire=QueueTarget,
        answer=QueueInfo,
        example=_EXAMPLE,
        answers={"": QUEUE_EXAMPLE},
        answered="The queue as it is now.",
        handle=pause_queue,
    ),
    office_operation(
        "resumeQueue",
        "POST",
        "queue/resume",
        "End a pause or a drain",
        description=f"{_TARGETS} Pauses and drains of anything else stay.",
        wire=QueueTarget,
        answer=QueueInfo,
        example=_EXAMPLE,
        answers={"": QUEUE_EXAMPLE},
        answered="The queue as it is now.",
        handle=resume_queue,
    ),
    office_operation(
        "drainQueue",
        "POST",
        "queue/drain",
        "Accept nothing new, and make the rest",
        description=(
            f"{_TARGETS} Submits for it are refused with 503, until `resume`. What waits is still made. "
            "A worker's drain stops its claims: what it has begun is made."
        ),
        wire=QueueTarget,
        answer=QueueInfo,
        example=_EXAMPLE,
        answers={"": QUEUE_EXAMPLE},
        answered="The queue as it is now.",
        handle=drain_queue,
    ),
)
