"""Fields and headers of a generation's record, which the surfaces that may add to their JSON have in common."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypedDict

from stillmotion.domain.failures import remedy_for
from stillmotion.domain.generation import GenerationView
from stillmotion.domain.lifecycle import State
from stillmotion.http.edge.operation import LinkTo
from stillmotion.http.server.replies import Header


class RecordFields(TypedDict):
    """Fields of the record, by their names on the wire."""

    engine: str
    queue_position: int | None
    eta_seconds: float | None
    stage: str | None
    seed: int | None
    width: int | None
    height: int | None
    cost: float | None
    metadata: Mapping[str, str]
    retry_of: str | None
    preview: str | None
    remedy: str | None


def record_fields(view: GenerationView, link_to: LinkTo) -> RecordFields:
    """The record's fields of a generation."""
    return {
        "engine": view.engine,
        "queue_position": view.queue_position,
        "eta_seconds": view.eta_seconds,
        "stage": view.stage,
        "seed": view.seed,
        "width": None if view.size is None else view.size.width,
        "height": None if view.size is None else view.size.height,
        "cost": None if view.cost is None else float(view.cost),
        "metadata": dict(view.metadata),
        "retry_of": view.retry_of,
        "preview": None if view.preview is None else link_to(view.preview),
        "remedy": remedy_for(view.failure_code) if view.state is State.FAILED else None,
    }


def record_headers(view: GenerationView) -> tuple[Header, ...]:
    """The record as headers, for a surface whose JSON is frozen. There is no header for what is unknown."""
    named = {
        "X-Stillmotion-Stage": view.stage,
        "X-Stillmotion-Queue-Position": view.queue_position,
        "X-Stillmotion-ETA-Seconds": view.eta_seconds,
        "X-Stillmotion-Seed": view.seed,
        "X-Stillmotion-Frame-Size": None if view.size is None else f"{view.size.width}x{view.size.height}",
        "X-Stillmotion-Started-At": _text(view.started_at),
        "X-Stillmotion-Finished-At": _text(view.finished_at),
        "X-Stillmotion-Cost": None if view.cost is None else f"{float(view.cost):g}",
        "X-Stillmotion-Failure-Code": view.failure_code,
    }
    return tuple((name, str(value)) for name, value in named.items() if value is not None)


def _text(time: datetime | None) -> str | None:
    return None if time is None else f"{time:%Y-%m-%dT%H:%M:%S}Z"
