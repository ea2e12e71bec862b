"""Fields and headers of a generation's record, which the surfaces that may add to their JSON have in common."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, TypedDict

import msgspec
from multidict import istr

from stillmotion.domain.generation import GenerationView
from stillmotion.http.edge.operation import LinkTo
from stillmotion.http.server.replies import Header

_SECOND: Final = len("2026-11-22T12:00:00")

_STAGE: Final = istr("X-Stillmotion-Stage")
_QUEUE_POSITION: Final = istr("X-Stillmotion-Queue-Position")
_ETA_SECONDS: Final = istr("X-Stillmotion-ETA-Seconds")
_STARTED_AT: Final = istr("X-Stillmotion-Started-At")
_FINISHED_AT: Final = istr("X-Stillmotion-Finished-At")
_SEED: Final = istr("X-Stillmotion-Seed")
_FRAME_SIZE: Final = istr("X-Stillmotion-Frame-Size")
_COST: Final = istr("X-Stillmotion-Cost")
_FAILURE_CODE: Final = istr("X-Stillmotion-Failure-Code")


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


EXAMPLE_WAITING: Final[RecordFields] = {
    "engine": "parallax/1",
    "queue_position": 3,
    "eta_seconds": 12.5,
    "stage": "waiting",
    "seed": None,
    "width": None,
    "height": None,
    "cost": 0.25,
    "metadata": {"order": "2026-117"},
    "retry_of": None,
    "preview": None,
    "remedy": None,
}
"""Record of the API reference's example of a generation that waits."""
EXAMPLE_ENDED: Final[Mapping[str, Any]] = {"queue_position": None, "eta_seconds": None, "stage": None}
"""The fields that differ once it has ended."""
EXAMPLE_COMPLETED: Final[Mapping[str, Any]] = {"seed": 2913046687, "width": 1280, "height": 720}
"""The fields that differ once it is completed."""

RECORD_HEADERS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "X-Stillmotion-Stage": {
            "description": "The worker's stage; `waiting` in the queue.",
            "schema": {"type": "string"},
        },
        "X-Stillmotion-Queue-Position": {
            "description": "Its place among those that wait for the same engine, 1 being the next.",
            "schema": {"type": "integer"},
        },
        "X-Stillmotion-ETA-Seconds": {
            "description": "Estimated seconds until it is finished.",
            "schema": {"type": "number"},
        },
        "X-Stillmotion-Started-At": {
            "description": "When its render began.",
            "schema": {"type": "string", "format": "date-time"},
        },
        "X-Stillmotion-Finished-At": {
            "description": "When it ended.",
            "schema": {"type": "string", "format": "date-time"},
        },
        "X-Stillmotion-Seed": {
            "description": "The seed that the clip was drawn by.",
            "schema": {"type": "integer"},
        },
        "X-Stillmotion-Frame-Size": {
            "description": "The clip's frame in pixels, e.g. `1280x720`.",
            "schema": {"type": "string"},
        },
        "X-Stillmotion-Cost": {
            "description": "Its price on the day of the submit, 0 if it failed.",
            "schema": {"type": "number"},
        },
        "X-Stillmotion-Failure-Code": {
            "description": "The code of its failure.",
            "schema": {"type": "string"},
        },
    }
)
"""OpenAPI's descriptions of all that `record_headers` makes. What is unknown has no header."""


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
        "remedy": view.remedy,
    }


def record_headers(view: GenerationView) -> list[Header]:
    """The record as headers, for a surface whose JSON is frozen. There is no header for what is unknown.

    Each poll calls it: it is written to be quick.
    """
    headers: list[Header] = []
    if view.stage is not None:
        headers.append((_STAGE, view.stage.value))
        if view.queue_position is not None:
            headers.append((_QUEUE_POSITION, str(view.queue_position)))
        if view.eta_seconds is not None:
            headers.append((_ETA_SECONDS, str(view.eta_seconds)))
    if view.started_at is not None:
        headers.append((_STARTED_AT, _text(view.started_at)))
    if view.finished_at is not None:
        headers.append((_FINISHED_AT, _text(view.finished_at)))
    if view.seed is not None:
        headers.append((_SEED, str(view.seed)))
    if view.size is not None:
        headers.append((_FRAME_SIZE, f"{view.size.width}x{view.size.height}"))
    if view.cost is not None:
        headers.append((_COST, str(float(view.cost))))
    if view.failure_code is not None:
        headers.append((_FAILURE_CODE, view.failure_code))
    return headers


def _text(time: datetime) -> str:
    # msgspec takes a fraction of the time of `isoformat`.
    return str(msgspec.to_builtins(time))[:_SECOND] + "Z"
