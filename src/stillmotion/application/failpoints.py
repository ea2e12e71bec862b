"""Failpoints: named moments at which a test can have the service die, stall or fail."""

from collections.abc import Callable
from enum import StrEnum


class Point(StrEnum):
    """Moments in the life of a generation, each between two steps that a crash must not tear apart."""

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
"""Hook called at each point. It may not return, return late, or raise an error that the step itself may raise."""


def no_fault(point: Point) -> None:
    """Do nothing. Services run with this hook unless a test asks for faults."""
    del point
