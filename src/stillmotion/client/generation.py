"""The client's view of a generation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

ENDED = frozenset({"completed", "failed"})


@dataclass(frozen=True, slots=True)
class Generation:
    """Snapshot of a generation. `Client.get` fetches a later one.

    `state` is queued, dreaming, completed or failed; `progress` goes from 0 to 1. `video_url` and `image_url` are set
    once it is completed, need no key, and expire after a day. `engine` names the engine that renders it. `stage`,
    `queue_position` and `eta_seconds` are set where the server tells them. `preview_url` shows the unfinished clip
    while it renders; only events carry it. `pictures` are the local files that were uploaded for it, known to the
    client that submitted it. `body` is the whole response.
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
        """True in a final state: completed or failed."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list of generations, newest first."""

    generations: Sequence[Generation]
    has_more: bool
