"""Ports of the failures of an owner, and of links to clips."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from stillmotion.domain.history.links import SharedLink


class FailureCause(NamedTuple):
    """Failures of one code: their number, and the latest one's id, end and reason."""

    code: str
    number: int
    latest_id: str
    latest_at: datetime
    reason: str


class FailureStore(Protocol):
    """Failures of a subscription's generations."""

    async def failures(self, subscription_id: str, since: datetime) -> Sequence[FailureCause]:
        """The failures that ended at that time or later, by code; the code with the latest one first."""
        ...

    async def unretried(self, subscription_id: str, code: str, since: datetime, most: int) -> Sequence[str]:
        """Ids of failures of a code that were not made once more, the latest first: `most` at most."""
        ...


class LinkedClip(NamedTuple):
    """The clip that a link leads to. The object keys are None while there is no clip.

    `is_owned` is false while its owner's subscription is not active.
    """

    link: SharedLink
    video: str | None
    thumbnail: str | None
    is_owned: bool


class LinkStore(Protocol):
    """Store of links to clips."""

    async def add_link(self, link: SharedLink) -> None:
        """Keep a new link. Raises `LimitExceeded` for one too many. Links that expired long ago go."""
        ...

    async def links_of(self, generation_id: str) -> Sequence[SharedLink]:
        """All links of a generation, the oldest first."""
        ...

    async def remove_link(self, generation_id: str, link_id: str) -> bool:
        """Remove a link of a generation; False if it has none of that id."""
        ...

    async def linked_clip(self, link_id: str, now: datetime) -> LinkedClip | None:
        """The clip of a link as it was last committed; None for an unknown link, and for a deleted generation's."""
        ...
