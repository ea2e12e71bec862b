"""How a clip goes on from the one before it, or leads into the one after: motion carried over the joint.

A clip sets off from rest and ends at `camera.KEPT` of its cruising speed, so that what continues it has a motion
to take up. The clip that does starts at exactly that speed; it falls to nothing just as the new move's own speed
comes up, so that a move that goes on has neither a standing start nor a jolt.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stillmotion.engines.parallax.language.moves import MOVES, velocity_fields

FASTEST = 0.5
"""Of anything a pose has, per second: what a plan claims beyond it is not believed."""


@dataclass(frozen=True, slots=True)
class Momentum:
    """The camera at one end of a clip.

    `velocity` is the pose's change per second by its fields' names; `speed` is what that does to the picture: the
    median over it, in frame widths a second. `moves` are the moves under way there.
    """

    velocity: Mapping[str, float] = field(default_factory=dict)
    speed: float = 0.0
    moves: tuple[str, ...] = ()

    @property
    def is_rest(self) -> bool:
        """Whether nothing moves."""
        return self.speed <= 0 or not any(self.velocity.values())

    def as_object(self) -> dict[str, Any]:
        """For a plan's JSON."""
        velocity = {name: round(value, 5) for name, value in self.velocity.items() if abs(value) >= 1e-5}
        return {"velocity": velocity, "speed": round(self.speed, 5)}


REST = Momentum()


def ending_of(plan: str) -> Momentum:
    """How the clip of this plan (JSON) ends; at rest where it does not say."""
    return _read(plan, "ending", -1)


def opening_of(plan: str) -> Momentum:
    """How the clip of this plan (JSON) starts; at rest where it does not say."""
    return _read(plan, "opening", 0)


def _read(plan: str, end: str, segment: int) -> Momentum:
    """Another engine's plan, or an older one, has other things in it: whatever does not fit counts as rest."""
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
    return tuple(move for move in segments[segment] if isinstance(move, str) and move in MOVES)
