"""A generation as a client sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

ENDED = frozenset({"completed", "failed"})


@dataclass(frozen=True, slots=True)
class Generation:
    """A generation at one moment. `get` it again for a later one.

    `state` is queued, dreaming, completed or failed; `progress` goes from 0 to 1. `video_url` and `image_url` are
    there when it is completed, need no key, and expire after a day. `engine` is what really renders it. `stage`,
    `queue_position` and `eta_seconds` are known where the server tells them. `preview_url` is where what is being made
    can be seen until it is made; events tell it. `pictures` are the files of this machine that were sent for it, known
    to whoever sent them. `body` is the whole answer.
    """

    id: str
    state: str
    model: str
    prompt: str | None = None
    created_at: datetime | None = None
    failure_reason: str | None = None
    progress: float = 0.0
    stage: str | None = None
    queue_position: int | None = None
    eta_seconds: float | None = None
    video_url: str | None = None
    image_url: str | None = None
    engine: str | None = None
    preview_url: str | None = None
    pictures: Sequence[str] = field(default=(), repr=False, compare=False)
    body: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will become of it."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the list of generations, the newest first."""

    generations: Sequence[Generation]
    has_more: bool
