"""Failpoints: faults on demand for tests, such as `submit.after_commit=kill9,render.midway=raise:2`.

Each part names a point, an action, and the number of the passing at which it happens (1 by default). Every process
counts its own passings.
"""

import json
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from stillmotion.application.failpoints import Point
from stillmotion.domain.errors import StillmotionError, StoreUnavailable

DONE_BEFORE = frozenset(
    {
        Point.SUBMIT_AFTER_COMMIT,
        Point.CLAIM_AFTER_COMMIT,
        Point.PUBLISH_BETWEEN,
        Point.COMPLETE_BEFORE_COMMIT,
        Point.COMPLETE_AFTER_COMMIT,
        Point.CALLBACK_BEFORE_RECORD,
    }
)
"""Points right after a step's effect: an error raised there comes too late to prevent it."""


class FaultsUnreadable(StillmotionError):
    """Unreadable STILLMOTION_FAULTS: the message names the part and the possible words."""


class Action(StrEnum):
    """Action at a point. `exec_then_raise` raises after the step itself."""

    KILL9 = "kill9"
    TERM = "term"
    RAISE = "raise"
    EXEC_THEN_RAISE = "exec_then_raise"
    BREAK = "break"
    SLEEP = "sleep"
    EXIT = "exit"


_TAKES_A_NUMBER = frozenset({Action.SLEEP, Action.EXIT})


@dataclass(frozen=True, slots=True)
class Planned:
    """A planned fault. `number` is the seconds to sleep or the exit code."""

    point: Point
    action: Action
    nth: int = 1
    number: float = 0.0


class Faults:
    """A `Fault` with a plan. Raises `FaultsUnreadable` for an unreadable plan."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._planned = [_planned(part.strip()) for part in text.split(",") if part.strip()]
        self._passed: Counter[Point] = Counter()

    def __call__(self, point: Point) -> None:
        """Pass a point."""
        self._passed[point] += 1
        for planned in self._planned:
            if planned.point is point and planned.nth == self._passed[point]:
                _tell(planned)
                _carry_out(planned)


def _planned(part: str) -> Planned:
    name, _, what = part.partition("=")
    word, *numbers = what.split(":")
    try:
        point, action = Point(name), Action(word)
        number = float(numbers.pop(0)) if action in _TAKES_A_NUMBER else 0.0
        nth = int(numbers.pop(0)) if numbers else 1
    except (ValueError, IndexError):
        raise FaultsUnreadable(
            f"STILLMOTION_FAULTS: {part!r} is no fault. Write POINT=ACTION or POINT=ACTION:NTH, with sleep:SECONDS and "
            f"exit:CODE. Points: {', '.join(Point)}. Actions: {', '.join(Action)}."
        ) from None
    if action is Action.EXEC_THEN_RAISE and point not in DONE_BEFORE:
        raise FaultsUnreadable(
            f"STILLMOTION_FAULTS: nothing has been carried out at {point}: exec_then_raise is for "
            f"{', '.join(sorted(DONE_BEFORE))}."
        )
    return Planned(point, action, nth, number)


def _tell(planned: Planned) -> None:
    """Write the fault to standard error unbuffered: the process may end before a flush."""
    line = {"event": "fault", "point": planned.point, "action": planned.action, "pid": os.getpid()}
    os.write(2, json.dumps(line).encode() + b"\n")


def _carry_out(planned: Planned) -> None:
    match planned.action:
        case Action.KILL9:
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)  # A signal to oneself may take a moment on another thread.
        case Action.TERM:
            os.kill(os.getpid(), signal.SIGTERM)
        case Action.RAISE | Action.EXEC_THEN_RAISE:
            raise StoreUnavailable(f"a fault was asked for at {planned.point}")
        case Action.BREAK:
            raise RuntimeError(f"a fault was asked for at {planned.point}")
        case Action.SLEEP:
            time.sleep(planned.number)
        case Action.EXIT:
            os._exit(int(planned.number))
