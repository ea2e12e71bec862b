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
    once it is completed, need no key, and expire after a day. `engine` names the engine that renders it. While it
    waits, `queue_position` is its place in line, 1 being the next; `eta_seconds` is the estimated time until it is
    finished, and `stage` the worker's. `preview_url` shows the unfinished clip. `width`, `height` and `seed` are those
    of the finished clip, `cost` is its price in the operator's unit. `failure_code` and `remedy` go with a
    `failure_reason`. `pictures` are the local files that were uploaded for it, known to the client that submitted it.
    `metadata` is your own, and `retry_of` the id of the generation that it repeats. `body` is the whole response.
    Fields that the server does not tell are None.
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
    started_at: datetime | None = None
    finished_at: datetime | None = None
    seed: int | None = None
    width: int | None = None
    height: int | None = None
    cost: float | None = None
    failure_code: str | None = None
    remedy: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    retry_of: str | None = None
    pictures: Sequence[str] = field(default=(), repr=False, compare=False)
    body: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def has_ended(self) -> bool:
        """True in a final state: completed or failed."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class GenerationEvent:
    """Event in the life of a generation: `what` is accepted, started, completed, failed, callback and the like.

    `attempt` numbers the attempts, or those of a callback. `seconds` is the length of what has ended, `reason` the
    sentence of a failure, or a callback's answer.
    """

    at: datetime
    what: str
    attempt: int | None = None
    seconds: float | None = None
    engine: str | None = None
    worker: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list of generations, newest first.

    `next` and `previous` are the ids to list on `after` and `before`; None at the ends. `total` is the number of all,
    on the first page, where the server knows it.
    """

    generations: Sequence[Generation]
    has_more: bool
    total: int | None = None
    next: str | None = None
    previous: str | None = None
