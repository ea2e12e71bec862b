"""Links to clips in SQL."""

from collections.abc import Sequence
from datetime import datetime

from stillmotion.adapters.store.sql.connections import Connection, Reader, Writer
from stillmotion.adapters.store.sql.generation_rows import Row, microseconds, to_time
from stillmotion.adapters.store.sql.queries import history, holds
from stillmotion.application.ports.history import LinkedClip
from stillmotion.domain.history.links import EXPIRED_KEPT, SharedLink, check_count
from stillmotion.domain.subscriptions import SubscriptionState


class SqlLinks:
    """`LinkStore`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self.writer = writer
        self._reader = reader

    async def add_link(self, link: SharedLink) -> None:
        """See `LinkStore.add_link`."""

        def operation(connection: Connection) -> None:
            connection.hold(holds.HOLD_GENERATION, (link.generation_id,))
            check_count(connection.execute(history.COUNT_LINKS, (link.generation_id,)).get)
            connection.execute(history.SWEEP_LINKS, (microseconds(link.created_at - EXPIRED_KEPT),))
            kept = {
                "id": link.id,
                "subscription_id": link.subscription_id,
                "generation_id": link.generation_id,
                "created_at": microseconds(link.created_at),
                "expires_at": microseconds(link.expires_at),
            }
            connection.execute(history.INSERT_LINK, kept)

        await self.writer.run(operation)

    async def links_of(self, generation_id: str) -> Sequence[SharedLink]:
        """See `LinkStore.links_of`."""
        return [_to_link(row) for row in await self._reader.rows(history.LINKS_OF_GENERATION, (generation_id,))]

    async def remove_link(self, generation_id: str, link_id: str) -> bool:
        """See `LinkStore.remove_link`."""

        def operation(connection: Connection) -> bool:
            connection.execute(history.DELETE_LINK, (link_id, generation_id))
            return connection.changes() == 1

        return await self.writer.run(operation)

    async def linked_clip(self, link_id: str, now: datetime) -> LinkedClip | None:
        """See `LinkStore.linked_clip`."""
        asked = (SubscriptionState.ACTIVE.value, microseconds(now), link_id)
        rows = await self._reader.rows(history.LINKED_CLIP, asked)
        if not rows:
            return None
        *link, video, thumbnail, is_owned = rows[0]
        return LinkedClip(_to_link(tuple(link)), video, thumbnail, bool(is_owned))


def _to_link(row: Row) -> SharedLink:
    id_, subscription_id, generation_id, created_at, expires_at = row
    return SharedLink(id_, subscription_id, generation_id, to_time(created_at), to_time(expires_at))
