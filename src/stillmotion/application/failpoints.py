"""The named moments at which a test may have the service die, stall or fail, to see what becomes of its promises."""

from collections.abc import Callable
from enum import StrEnum


class Point(StrEnum):
    """Moments in the life of a generation: each lies between two steps that a crash must not tear apart."""

    SUBMIT_BEFORE_INSERT = "submit.before_insert"
    SUBMIT_BEFORE_COMMIT = "submit.before_commit"
    SUBMIT_AFTER_COMMIT = "submit.after_commit"
    CLAIM_AFTER_COMMIT = "claim.after_commit"
    FETCH_MIDWAY = "fetch.midway"
    DECODE_BEGUN = "decode.begun"
    RENDER_MIDWAY = "render.midway"
    RENDER_WRITTEN = "render.written"
    HOST_MIDWAY = "host.midway"
    PUBLISH_UNSETTLED = "publish.unsettled"
    PUBLISH_BETWEEN = "publish.between"
    COMPLETE_BEFORE_COMMIT = "complete.before_commit"
    COMPLETE_AFTER_COMMIT = "complete.after_commit"
    CALLBACK_BEFORE_POST = "callback.before_post"
    CALLBACK_BEFORE_RECORD = "callback.before_record"


Fault = Callable[[Point], None]
"""Called in passing at each point. It may never return, return late, or raise what the step itself may raise."""


def no_fault(point: Point) -> None:
    """Nothing happens: how every service runs that was not asked for faults."""
    del point
