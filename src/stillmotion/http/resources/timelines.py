"""Timeline of a generation: accepted, each attempt, its end, and every callback."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from stillmotion.application.record.timelines import Timelines
from stillmotion.domain.errors import GenerationNotFound, LimitExceeded, NotAuthenticated, Unavailable
from stillmotion.domain.record.timeline import TimelineEvent
from stillmotion.domain.subscriptions import Subscription
from stillmotion.http.edge.operation import Call, Nothing, Operation, OperationResult

EventWord = Literal[
    "accepted", "started", "attempt_failed", "handed_back", "lost", "completed", "failed", "cancelled", "callback"
]


class TimelineEntry(msgspec.Struct, frozen=True):
    """An event. `attempt` numbers the attempts, or those of a callback; `seconds` is the length of what has ended.

    `engine` and `worker` made the attempt; the worker is told to administrators alone. `reason` is the sentence of a
    failure, or a callback's answer. Null stands for what does not apply.
    """

    at: datetime
    what: EventWord
    attempt: int | None
    seconds: float | None
    engine: str | None
    worker: str | None
    reason: str | None


class TimelineReply(msgspec.Struct, frozen=True):
    """Events of a generation in the order of time."""

    id: str
    events: list[TimelineEntry]


def timeline_reply(generation_id: str, events: Sequence[TimelineEvent]) -> TimelineReply:
    """The wire of a timeline, for the owner's path and for the administrator's."""
    return TimelineReply(
        generation_id.lower(), [msgspec.convert(each, TimelineEntry, from_attributes=True) for each in events]
    )


async def get_timeline(call: Call, subscription: Subscription, asked: Nothing) -> OperationResult:
    """The events of a generation so far. A worker's name holds its machine's: it is for administrators."""
    del asked
    services, generation_id = call.services, call.path["id"]
    events = await Timelines(services.generations.store, services.delivery_log).of_owned(subscription, generation_id)
    shown = [replace(each, worker=None) for each in events]
    return OperationResult(msgspec.json.encode(timeline_reply(generation_id, shown)))


_MADE_BY: Mapping[str, Any] = {"engine": "parallax/1"}
TIMELINE_EXAMPLE: Final[Mapping[str, Any]] = {
    "id": "f25c04db-19f7-4b51-871c-af6ed0b32f55",
    "events": [
        {
            "at": at,
            "what": what,
            "attempt": attempt,
            "seconds": seconds,
            "engine": None,
            "worker": None,
            "reason": None,
            **more,
        }
        for at, what, attempt, seconds, more in (
            ("2026-11-22T12:00:00.232527Z", "accepted", None, None, {}),
            ("2026-11-22T12:00:00.301127Z", "started", 1, None, _MADE_BY),
            (
                "2026-11-22T12:00:02.118204Z",
                "attempt_failed",
                1,
                1.817077,
                {**_MADE_BY, "reason": "The renderer crashed on this generation."},
            ),
            ("2026-11-22T12:00:02.204311Z", "started", 2, None, _MADE_BY),
            ("2026-11-22T12:00:05.734105Z", "completed", 2, 3.529794, _MADE_BY),
            ("2026-11-22T12:00:05.912008Z", "callback", 1, 0.104212, {"reason": "200"}),
        )
    ],
}
TIMELINE_OPERATION: Final[Operation[Subscription, Nothing]] = Operation(
    operation_id="getTimeline",
    method="GET",
    path="/generations/{id}/timeline",
    summary="What happened to a generation",
    description="When it was accepted, each attempt to make it, how that ended and why, and each attempt to deliver a "
    "callback.",
    parameters={"id": "The generation's id."},
    wire=Nothing,
    answer=TimelineReply,
    answers={"": TIMELINE_EXAMPLE},
    answered="Its events so far.",
    shows_engine=False,
    refusals=(NotAuthenticated, GenerationNotFound, LimitExceeded, Exception, Unavailable),
    handle=get_timeline,
)
