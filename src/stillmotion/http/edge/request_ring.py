"""Ring of the last requests of this server. It holds no query, no body and no whole key."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

MOST_REQUESTS: Final = 1000


class RequestLine(msgspec.Struct, frozen=True, gc=False):
    """One answered request. `path` is a template; `key` the visible beginning of a key, `reason` that of a refusal.

    `generation` is the id of the generation that the request began. The collector passes over a line: it holds no
    container.
    """

    at: datetime
    id: str
    method: str
    path: str
    status: int
    seconds: float
    key: str | None
    reason: str | None
    generation: str | None


@dataclass(frozen=True, slots=True)
class RequestRing:
    """The last requests. Only the event loop adds to it."""

    _lines: deque[RequestLine] = field(default_factory=lambda: deque(maxlen=MOST_REQUESTS))

    def add(self, line: RequestLine) -> None:
        """Add a line; the oldest of too many goes."""
        self._lines.append(line)

    def find(self, request_id: str = "", status: str = "", key: str = "") -> Sequence[RequestLine]:
        """The lines whose id, status and key begin so, the latest first."""
        return [
            each
            for each in reversed(self._lines)
            if each.id.startswith(request_id)
            and str(each.status).startswith(status)
            and (each.key or "").startswith(key)
        ]

    def begun_by(self, request_id: str) -> str | None:
        """The id of the generation that a request began, if the ring still holds that request."""
        return next((each.generation for each in self._lines if each.id == request_id), None)

    def began(self, generation_id: str) -> str | None:
        """The id of the request that began a generation, if the ring still holds that request."""
        return next((each.id for each in self._lines if each.generation == generation_id), None)
