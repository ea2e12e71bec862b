"""Sessions and first links in SQL."""

from datetime import datetime

from stillmotion.adapters.store.sql.access import KEY_COLUMNS, to_key, to_subscription
from stillmotion.adapters.store.sql.connections import Connection, Reader, Writer
from stillmotion.adapters.store.sql.generation_rows import Bindings, Row, microseconds, to_time
from stillmotion.adapters.store.sql.queries import holds, sessions
from stillmotion.application.ports.sessions import FoundSession
from stillmotion.domain.subscriptions import Session

_SESSION_COLUMNS = 6


class SqlSessions:
    """`SessionStore`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self.writer = writer
        self._reader = reader

    async def find_session(self, digest: bytes) -> FoundSession | None:
        """See `SessionStore.find_session`."""
        rows = await self._reader.rows(sessions.FIND_SESSION, (digest,))
        if not rows:
            return None
        # The statement selects the session's columns first, then the key's, the subscription's and its product's.
        session, owner = to_session(rows[0][:_SESSION_COLUMNS]), rows[0][_SESSION_COLUMNS:]
        if owner[0] is None:
            return FoundSession(session, None)
        return FoundSession(session, (to_subscription(owner[KEY_COLUMNS:]), to_key(owner[:KEY_COLUMNS])))

    async def add_session(self, session: Session, most: int, instead_of: bytes | None = None) -> None:
        """See `SessionStore.add_session`."""
        bindings = from_session(session)
        alike: Bindings = {"key_digest": session.key_digest, "administrator": session.administrator, "most": most}

        def operation(connection: Connection) -> None:
            connection.hold(holds.HOLD_ACCESS)
            if instead_of is not None:
                connection.execute(sessions.DELETE_SESSION, (instead_of,))
            connection.execute(sessions.SWEEP_SESSIONS, (microseconds(session.created_at),))
            connection.execute(sessions.INSERT_SESSION, bindings)
            connection.execute(sessions.TRIM_SESSIONS, alike)

        await self.writer.run(operation)

    async def end_session(self, digest: bytes) -> None:
        """See `SessionStore.end_session`."""

        def operation(connection: Connection) -> None:
            connection.execute(sessions.DELETE_SESSION, (digest,))

        await self.writer.run(operation)

    async def add_first_link(self, digest: bytes, expires_at: datetime) -> None:
        """See `SessionStore.add_first_link`."""

        def operation(connection: Connection) -> None:
            connection.hold(holds.HOLD_ACCESS)
            connection.execute(sessions.FORGET_FIRST_LINKS)
            connection.execute(sessions.INSERT_FIRST_LINK, (digest, microseconds(expires_at)))

        await self.writer.run(operation)

    async def spend_first_link(self, digest: bytes, now: datetime) -> bool:
        """See `SessionStore.spend_first_link`."""

        def operation(connection: Connection) -> bool:
            until = connection.execute(sessions.SPEND_FIRST_LINK, (digest,)).get
            return until is not None and int(until) > microseconds(now)

        return await self.writer.run(operation)


def from_session(session: Session) -> Bindings:
    """The bindings of a session's whole row."""
    return {
        "digest": session.digest,
        "created_at": microseconds(session.created_at),
        "expires_at": microseconds(session.expires_at),
        "key_digest": session.key_digest,
        "administrator": session.administrator,
        "is_reader": int(session.is_reader),
    }


def to_session(row: Row) -> Session:
    """A session, from its columns in the order of `queries`."""
    digest, created_at, expires_at, key_digest, administrator, is_reader = row
    return Session(digest, to_time(created_at), to_time(expires_at), key_digest, administrator, bool(is_reader))
