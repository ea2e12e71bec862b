"""Measured render times, and the time that a new clip may be expected to take."""

from collections.abc import Mapping

from stillmotion.domain.record.outlook import WorkKind, length_of
from stillmotion.domain.request import DEFAULT_SECONDS, GenerationRequest

RenderTimes = Mapping[WorkKind, float]
"""Mean render times by kind of work. A `pace_of` is the mean of all of an engine's, for a second of video."""

_MICROSECONDS = 1_000_000


def pace_of(engine: str) -> WorkKind:
    """Kind of work that stands for any clip of an engine, a second of it."""
    return WorkKind(engine, "", "", 0)


def expected_seconds(times: RenderTimes, engine: str, request: GenerationRequest) -> float | None:
    """Time that a clip takes once it is begun: the mean of its kind, or else by its engine's pace; None without any."""
    length = length_of(round(request.seconds * _MICROSECONDS))
    own = times.get(WorkKind(engine, request.model, request.resolution.value, length))
    if own is not None:
        return round(own, 1)
    pace = times.get(pace_of(engine))
    return None if pace is None else round(pace * request.seconds, 1)


def usual_seconds(times: RenderTimes, engine: str) -> float | None:
    """Time that a clip of the default length takes by its engine's pace; None before there was any."""
    pace = times.get(pace_of(engine))
    return None if pace is None else round(pace * DEFAULT_SECONDS, 1)
