"""Port of sessions: browsers that signed in, and the first link."""

from datetime import datetime
from typing import NamedTuple, Protocol

from stillmotion.domain.subscriptions import Key, Session, Subscription


class FoundSession(NamedTuple):
    """A session with its key and that key's subscription, in any state; None once the key was replaced."""

    session: Session
    owner: tuple[Subscription, Key] | None


class SessionStore(Protocol):
    """Store of sessions. Their tokens are kept as digests."""

    async def find_session(self, digest: bytes) -> FoundSession | None:
        """The session of that digest, over or not."""
        ...

    async def add_session(self, session: Session, most: int, instead_of: bytes | None = None) -> None:
        """Store a new session, in place of another.

        Of the sessions with the same key the `most` newest stay. Sessions that are over are swept.
        """
        ...

    async def end_session(self, digest: bytes) -> None:
        """Forget a session, if it is there."""
        ...

    async def add_first_link(self, digest: bytes, expires_at: datetime) -> None:
        """Store the digest of a first link, in place of all earlier ones."""
        ...

    async def spend_first_link(self, digest: bytes, now: datetime) -> bool:
        """Forget a first link. True for one caller alone, and before the link's end."""
        ...
