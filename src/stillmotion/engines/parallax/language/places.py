"""Places of people: phrases that tell one of several people apart by where that person is in the picture."""

from collections.abc import Iterable
from typing import Final

OTHERS: Final = "one ones figure figures adult adults human humans companion character"
"""Words for a person that count only beside a place: "the one on the left"."""
PARTS: Final = "eye eyes hand hands arm arms lips mouth finger fingers eyelashes eyelids head body subject"
"""Actors that are no whole person."""


def _beside(side: str) -> tuple[str, ...]:
    return (
        f"{side}/{side}most <person>",
        f"{side} hand/most/side <person>",
        f"<person> on/at/to/in/from {side}/{side}most",
        f"<person> on/at/to/in {side} side/edge/half/part",
        f"<person> <standing> on/at/to/in {side}/{side}most",
        f"<person> <standing> on/at/to/in {side} side/edge/half/part",
        f"<person> {side}most",
        f"<person> farthest/furthest {side}",
        f"on/at {side} <person>",
        f"on/at {side} side/edge <person>",
    )


PLACES: Final = {
    "left": _beside("left"),
    "right": _beside("right"),
    "middle": (
        "middle/central/centre/center/centermost <person>",
        "<person> in/at/on middle/centre/center",
        "<person> <standing> in/at middle/centre/center",
        "in/at middle/centre/center <person>",
    ),
    "front": (
        "closest/nearest/front/foremost/frontmost <person>",
        "<person> in/at front/foreground",
        "<person> <standing> in/at front/foreground",
        "<person> in front of all/everyone/others/rest/group/crowd",
        "<person> closest/nearest",
        "in foreground <person>",
    ),
    "back": (
        "farthest/furthest/rearmost/rear <person>",
        "<person> in/at back/background/rear",
        "<person> farthest/furthest",
        "in background <person>",
    ),
}
"""Phrases by place, spelled as in `vocabulary`. Left and right are the picture's, as its viewer sees them."""

STANDING: Final = "who/that/which/who's/standing/stands/sitting/sits/seated"
"""The class `<standing>`: words between a person and the place."""

SCENERY: Final = (
    "<person> in front of",
    "<person> <standing> in front of",
    "<person> on/at/in back of",
    "<person> in back/rear seat/seats/yard/row",
)
"""Phrases in which a word of place belongs to something else: "a man in front of a house"."""

ANOTHER_REASON: Final = "of several people one moves in a clip, the one named first"


def persons(actors: Iterable[str]) -> str:
    """The class `<person>`: actors that are whole, and words that stand for them."""
    return "/".join(sorted((frozenset(actors) | frozenset(OTHERS.split())) - frozenset(PARTS.split())))
