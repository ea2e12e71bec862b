"""Sessions and first links in memory."""

from dataclasses import dataclass
from datetime import datetime

from stillmotion.application.ports.sessions import FoundSession
from stillmotion.domain.subscriptions import Session
from stillmotion.testing.memory_store.tables import MemoryTables


@dataclass
class MemorySessions(MemoryTables):
    """`SessionStore`."""

    async def find_session(self, digest: bytes) -> FoundSession | None:
        """See `SessionStore.find_session`."""
        session = self._sessions.get(digest)
        if session is None:
            return None
        key = self._keys.get(session.key_digest or b"")
        return FoundSession(session, None if key is None else (self._subscriptions[key.subscription_id], key))

    async def add_session(self, session: Session, most: int, instead_of: bytes | None = None) -> None:
        """See `SessionStore.add_session`."""
        gone = [each.digest for each in self._sessions.values() if each.expires_at <= session.created_at]
        if instead_of is not None:
            gone.append(instead_of)
        self._sessions[session.digest] = session
        halves = session.key_digest, session.administrator
        alike = [each for each in self._sessions.values() if (each.key_digest, each.administrator) == halves]
        newest_first = sorted(alike, key=lambda each: each.created_at, reverse=True)
        for digest in [*gone, *(each.digest for each in newest_first[most:])]:
            await self.end_session(digest)

    async def end_session(self, digest: bytes) -> None:
        """See `SessionStore.end_session`."""
        if self._sessions.pop(digest, None) is not None:
            self._access_version += 1

    async def add_first_link(self, digest: bytes, expires_at: datetime) -> None:
        """See `SessionStore.add_first_link`."""
        self._first_links = {digest: expires_at}

    async def spend_first_link(self, digest: bytes, now: datetime) -> bool:
        """See `SessionStore.spend_first_link`."""
        until = self._first_links.pop(digest, None)
        return until is not None and until > now
