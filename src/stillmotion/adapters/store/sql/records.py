"""Records of generations in SQL: their attempts, the picture of the queue, and measured render times."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import msgspec

from stillmotion.adapters.store.sql.connections import Connection
from stillmotion.adapters.store.sql.generation_rows import Bindings, Row, microseconds, to_time, video_microseconds
from stillmotion.adapters.store.sql.queries import records
from stillmotion.domain.generation import Generation, GenerationView, WorkStage
from stillmotion.domain.lifecycle import State
from stillmotion.domain.operators.queue_controls import ControlScope
from stillmotion.domain.record.attempts import AttemptRecord, Outcome, begun, outcome, reason
from stillmotion.domain.record.outlook import (
    MEMORY,
    MOST_LINES,
    LaneWork,
    QueuePicture,
    UnfinishedPlace,
    UrgentPlace,
    WaitingLine,
    WorkKind,
    length_of,
)
from stillmotion.domain.request import GenerationRequest

_FARTHEST: Final = 1 << 61
_encode_json = msgspec.json.Encoder().encode


def from_views(views: Iterable[GenerationView]) -> Bindings:
    """Bindings of the picture of the queue for these generations."""
    asked = list(views)
    return {
        "ids": _encode_json([each.id for each in asked]).decode(),
        "engines": _encode_json(sorted({each.engine for each in asked})).decode(),
        "most_lines": MOST_LINES + 1,
        "farthest": _FARTHEST,
        **dict.fromkeys(("owner", "engine", "model", "resolution", "video")),
    }


def from_forecast(subscription_id: str, engine: str, request: GenerationRequest) -> Bindings:
    """Bindings of the picture of the queue for a generation that would be submitted now."""
    return from_views(()) | {
        "engines": _encode_json([engine]).decode(),
        "owner": subscription_id,
        "engine": engine,
        "model": request.model,
        "resolution": request.resolution.value,
        "video": video_microseconds(request.seconds),
    }


def encode_names(names: Iterable[str]) -> str:
    """Names as a list that is bound to a statement."""
    return _encode_json(sorted(names)).decode()


def to_picture(rows: Iterable[Row]) -> QueuePicture:
    """The picture of the queue, from the rows of the statement."""
    unfinished, lines, urgent, lanes = [], [], [], []
    times: dict[WorkKind, float] = {}
    paces: dict[str, float] = {}
    paused: set[str] = set()
    is_cut = False
    for kind, engine, *columns in rows:
        match kind:
            case "unfinished":
                unfinished.append(_to_unfinished(engine, columns))
            case "line":
                lines.append(WaitingLine(engine, *columns[:5]))
            case "cut":
                is_cut = True
            case "urgent":
                urgent.append(UrgentPlace(engine, *columns[:3]))
            case "lane":
                stage, progress, video = columns[:3]
                lanes.append(LaneWork(engine, None if stage is None else WorkStage(stage), progress, video))
            case "time":
                model, resolution, length, seconds = columns[:4]
                times[WorkKind(engine, model, resolution, length)] = seconds
            case "pace":
                paces[engine] = columns[0]
            case "paused" if columns[0] != ControlScope.WORKER:
                paused.add(engine)
    return QueuePicture(
        unfinished, lines, urgent, lanes, times, paces, frozenset(paused), all_paused="" in paused, is_cut=is_cut
    )


def _to_unfinished(engine: str, columns: list[Any]) -> UnfinishedPlace:
    (
        id_,
        owner,
        model,
        resolution,
        length,
        video,
        state,
        progress,
        started_at,
        ahead,
        video_ahead,
        turn,
        since,
        place,
    ) = columns
    return UnfinishedPlace(
        id=id_,
        owner=owner,
        kind=WorkKind(engine, model, resolution, length),
        video=video,
        state=State(state),
        progress=progress,
        started_at=None if started_at is None else to_time(started_at),
        ahead=ahead,
        video_ahead=video_ahead,
        turn=turn or 0,
        since=since or 0,
        place=place,
    )


def keep_render_time(connection: Connection, before: Generation, after: Generation) -> None:
    """Add the time of a generation that a change completes to the means of its kind and of its engine."""
    if after.state is not State.COMPLETED or before.state is State.COMPLETED:
        return
    if after.started_at is None or after.finished_at is None:
        return
    seconds, request = (after.finished_at - after.started_at).total_seconds(), after.request
    length = length_of(video_microseconds(request.seconds))
    kind: Bindings = {
        "engine": after.engine,
        "model": request.model,
        "resolution": request.resolution.value,
        "length": length,
    }
    of_engine: Bindings = {"engine": after.engine, "model": "", "resolution": "", "length": 0}
    connection.execute(records.KEEP_RENDER_TIME, kind | {"seconds": seconds, "memory": MEMORY})
    pace = seconds / max(request.seconds, 0.001)
    connection.execute(records.KEEP_RENDER_TIME, of_engine | {"seconds": pace, "memory": MEMORY})


def keep_attempt(connection: Connection, before: Generation, after: Generation, worker: str, now: datetime) -> None:
    """Write the attempt that a change of a generation begins or ends."""
    new = begun(before, after, worker, now)
    if new is not None:
        connection.execute(
            records.BEGIN_ATTEMPT,
            {
                "generation_id": new.generation_id,
                "number": new.number,
                "engine": new.engine,
                "worker": new.worker,
                "started_at": microseconds(new.started_at),
            },
        )
    ended = outcome(before, after)
    if ended is not None:
        connection.execute(
            records.END_ATTEMPT,
            {
                "generation_id": after.id,
                "number": before.attempt,
                "ended_at": microseconds(after.finished_at or now),
                "outcome": ended.value,
                "reason": reason(ended, after),
            },
        )


def to_record(row: Row) -> AttemptRecord:
    """An attempt, from its columns in the order of `queries.attempts`."""
    generation_id, number, engine, worker, started_at, ended_at, ended, why = row
    return AttemptRecord(
        generation_id,
        number,
        engine,
        worker,
        to_time(started_at),
        None if ended_at is None else to_time(ended_at),
        None if ended is None else Outcome(ended),
        why,
    )
