"""Carry-over: motion that passes from one clip to the next.

A clip starts at rest and ends at `path.KEPT` of its cruising speed, so that an extension has a motion to take up. The
extension starts at exactly that speed, which falls to zero as the new move's own speed rises: no standing start, no
jolt.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stillmotion.engines.parallax.language.moves import MOVES, velocity_fields

FASTEST = 0.5
"""Highest believed speed of any field of a pose, per second."""


@dataclass(frozen=True, slots=True)
class Momentum:
    """The camera's motion at one end of a clip.

    `velocity` is the pose's change per second by field. `speed` is its effect on the picture: the median displacement,
    in frame widths a second. `moves` are the moves under way.
    """

    velocity: Mapping[str, float] = field(default_factory=dict)
    speed: float = 0.0
    moves: tuple[str, ...] = ()

    @property
    def is_rest(self) -> bool:
        """True if nothing moves."""
        return self.speed <= 0 or not any(self.velocity.values())

    def as_object(self) -> dict[str, Any]:
        """The form in a plan's JSON."""
        velocity = {name: round(value, 5) for name, value in self.velocity.items() if abs(value) >= 1e-5}
        return {"velocity": velocity, "speed": round(self.speed, 5)}


REST = Momentum()


def ending_of(plan: str) -> Momentum:
    """Motion at the end of a clip, from its plan's JSON; rest if it states none."""
    return _read(plan, "ending", -1)


def opening_of(plan: str) -> Momentum:
    """Motion at the start of a clip, from its plan's JSON; rest if it states none."""
    return _read(plan, "opening", 0)


def _read(plan: str, end: str, segment: int) -> Momentum:
    """Motion from a plan. Plans of other engines or versions differ; anything unexpected counts as rest."""
    try:
        said = json.loads(plan) if plan else {}
    except ValueError:
        return REST
    if not isinstance(said, dict):
        return REST
    motion = said.get(end)
    motion = motion if isinstance(motion, dict) else {}
    velocity = motion.get("velocity")
    known = velocity if isinstance(velocity, dict) else {}
    return Momentum(
        velocity={name: _bounded(known[name]) for name in velocity_fields() if name in known},
        speed=max(0.0, _bounded(motion.get("speed"))),
        moves=_moves(said.get("moves"), segment),
    )


def _bounded(value: object) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):
        return 0.0
    return max(-FASTEST, min(FASTEST, float(value)))


def _moves(segments: object, segment: int) -> tuple[str, ...]:
    if not isinstance(segments, list) or not segments or not isinstance(segments[segment], list):
        return ()
    # The names come from a plan that may not be ours: unknown ones are dropped.
    return tuple(move for move in segments[segment] if isinstance(move, str) and move in MOVES)
