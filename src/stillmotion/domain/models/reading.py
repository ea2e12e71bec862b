"""Reading of a request's words by an engine, before any picture is seen."""

from collections.abc import Callable
from dataclasses import dataclass

from stillmotion.domain.request import GenerationRequest


@dataclass(frozen=True, slots=True)
class Unheeded:
    """Words that change nothing, or less than they say, and the reason."""

    words: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The words as they were understood.

    `sentence` says all of it in a line. `moves` are the camera's, one group after the other. `subject` and `effects`
    are the names of other motions. `not_understood` are words that no motion is known for, or that cannot be shown.
    `ignored` holds these and others, each with its reason.
    """

    sentence: str
    moves: tuple[tuple[str, ...], ...] = ()
    subject: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    not_understood: tuple[str, ...] = ()
    ignored: tuple[Unheeded, ...] = ()


ReadWords = Callable[[str, GenerationRequest], Reading | None]
"""Takes an engine's name and a request; None for an engine that takes the words as they are."""


def unread(_: str, __: GenerationRequest) -> None:
    """A `ReadWords` where every engine takes the words as they are."""
