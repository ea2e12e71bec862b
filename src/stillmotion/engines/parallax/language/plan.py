"""Motion plan: all that moves in a clip, and its JSON."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from stillmotion.engines.parallax.language.beyond import ELSEWHERE


def spoken(key: str) -> str:
    """A move's key as words, for people."""
    return key.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Segment:
    """Camera moves (keys of `moves.MOVES`, at most two) that happen at once."""

    moves: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ignored:
    """Words that changed nothing, or less than they say, and the reason.

    With `elsewhere` a video model could do it.
    """

    words: str
    reason: str
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Who:
    """The person whom the words mean, of several in the picture.

    `place` is a key of `places.PLACES`: left and right as the viewer sees the picture, front and back by depth. `words`
    are those of the prompt.
    """

    place: str
    words: str


@dataclass(frozen=True, slots=True)
class MotionPlan:
    """The motion of a clip.

    `segments` follow one another. `strength` scales distances (the camera's by `camera_strength` as well), `speed` the
    time to get there; 1 is ordinary. `about` holds the prompt's words for what is seen. `subject` and `ambient` are
    keys of `vocabulary`. `chosen` says that the camera's move, or its direction, came from the picture. `approximated`
    are moves that a single picture can only suggest. `who` is None where the words give no place.
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
    who: Who | None = None
    ignored: tuple[Ignored, ...] = field(default=())

    def as_json(self, **more: Any) -> str:
        """The plan as JSON for its owner, with further facts about the clip."""
        return json.dumps(
            {
                "moves": [list(segment.moves) for segment in self.segments],
                "chosen_from_picture": self.chosen,
                "about": list(self.about),
                **({"who": {"place": self.who.place, "words": self.who.words}} if self.who else {}),
                "subject": list(self.subject),
                "ambient": list(self.ambient),
                "modifiers": list(self.modifiers),
                "strength": round(self.strength, 3),
                "speed": round(self.speed, 3),
                "loop": self.loop,
                "approximated": list(self.approximated),
                "ignored": [{"words": item.words, "reason": item.reason} for item in self.ignored],
                **({"elsewhere": ELSEWHERE} if any(item.elsewhere for item in self.ignored) else {}),
                **more,
            },
            ensure_ascii=False,
        )

    def camera_moves(self) -> Iterable[str]:
        """All moves of all segments, in order."""
        return (move for segment in self.segments for move in segment.moves)
