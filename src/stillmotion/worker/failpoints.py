"""Faults on demand, for tests: `submit.after_commit=kill9,render.midway=raise:2`.

Each part names a point, what happens there, and at which of its passings (the first, unless a number says which).
The passings are counted in each process by itself.
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
"""Points right behind a step that has had its effect: an error raised there is one that came too late."""


class FaultsUnreadable(StillmotionError):
    """STILLMOTION_FAULTS cannot be understood: the message says which part, and what there is."""


class Action(StrEnum):
    """What can happen at a point. `exec_then_raise` is `raise` where the step itself has been carried out."""

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
    """A fault to come: `number` is the seconds to sleep or the code to exit with."""

    point: Point
    action: Action
    nth: int = 1
    number: float = 0.0


class Faults:
    """A `Fault` that carries out what it was told. Raises `FaultsUnreadable` for what it cannot understand."""

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
    """On standard error at once: the process may not live to flush anything."""
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
