"""What is to move, as the prompt or the picture says: the parsed plan and its JSON."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Segment:
    """Camera moves (keys of `camera.MOVES`, at most two) that happen at once."""

    moves: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ignored:
    """Words that changed nothing, and why."""

    words: str
    reason: str


@dataclass(frozen=True, slots=True)
class MotionPlan:
    """All that a clip does.

    `segments` follow each other. `strength` scales how far things go (the camera by `camera_strength` besides),
    `speed` how soon they get there; 1 is ordinary. `about` are the prompt's words for who or what is to be seen;
    `subject` and `ambient` are keys of `vocabulary`; `chosen` says
    that the camera's move, or its direction, was picked from the picture; `approximated` are moves that one still
    can only suggest.
    """

    segments: tuple[Segment, ...] = ()
    subject: tuple[str, ...] = ()
    ambient: tuple[str, ...] = ()
    modifiers: tuple[str, ...] = ()
    strength: float = 1.0
    camera_strength: float = 1.0
    speed: float = 1.0
    loop: bool = False
    chosen: bool = False
    approximated: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    ignored: tuple[Ignored, ...] = field(default=())

    def as_json(self, **more: Any) -> str:
        """The plan as its owner sees it, with what else is known of the clip (anything JSON can say)."""
        return json.dumps(
            {
                "moves": [list(segment.moves) for segment in self.segments],
                "chosen_from_picture": self.chosen,
                "about": list(self.about),
                "subject": list(self.subject),
                "ambient": list(self.ambient),
                "modifiers": list(self.modifiers),
                "strength": round(self.strength, 3),
                "speed": round(self.speed, 3),
                "loop": self.loop,
                "approximated": list(self.approximated),
                "ignored": [{"words": item.words, "reason": item.reason} for item in self.ignored],
                **more,
            },
            ensure_ascii=False,
        )

    def camera_moves(self) -> Iterable[str]:
        """Every move of every segment, in order."""
        return (move for segment in self.segments for move in segment.moves)
