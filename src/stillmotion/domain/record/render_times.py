"""Measured render times, and the time that a clip of an engine usually takes."""

from collections.abc import Mapping

from stillmotion.domain.record.outlook import WorkKind
from stillmotion.domain.request import DEFAULT_SECONDS

RenderTimes = Mapping[WorkKind, float]
"""Mean render times by kind of work. A `pace_of` is the mean of all of an engine's, for a second of video."""


def pace_of(engine: str) -> WorkKind:
    """Kind of work that stands for any clip of an engine, a second of it."""
    return WorkKind(engine, "", "", 0)


def usual_seconds(times: RenderTimes, engine: str) -> float | None:
    """Time that a clip of the default length takes by its engine's pace; None before there was any."""
    pace = times.get(pace_of(engine))
    return None if pace is None else round(pace * DEFAULT_SECONDS, 1)
