"""Lists in SQL: the entries that filters look at, and the pages of an owner."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from stillmotion.adapters.store.sql.connections import Connection, Reader
from stillmotion.adapters.store.sql.generation_rows import (
    Bindings,
    from_request,
    maybe_microseconds,
    microseconds,
    to_view,
)
from stillmotion.adapters.store.sql.queries import history
from stillmotion.application.ports.lists import Filter, Walk, searched_text
from stillmotion.domain.generation import Generation, GenerationView
from stillmotion.domain.history.metadata import pair_text, text_of

_BEYOND_EVERY_ID: Final = "\U0010ffff"
_JUST_BEYOND: Final = "!"
"""A character below all of an id's: with it an edge is passed over."""


class SqlLists:
    """`ListStore`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def listed(self, subscription_id: str, chosen: Filter, walk: Walk) -> Sequence[GenerationView]:
        """See `ListStore.listed`."""
        statement = history.page(chosen, newest_first=walk.newest_first)
        given = _given(subscription_id, chosen, walk) | {
            "limit": walk.limit,
            "offset": walk.offset,
            "reach": walk.offset + walk.limit,
        }
        if chosen.looks_into_entries and not history.goes_by_state(chosen):
            # All entries may have to be looked at.
            rows = await self._reader.scan(statement, given)
        else:
            rows = await self._reader.rows(statement, given)
        return [to_view(row) for row in rows]

    async def ended_since(self, subscription_id: str, since: datetime, most: int) -> Sequence[GenerationView]:
        """See `ListStore.ended_since`."""
        rows = await self._reader.rows(history.ENDED_SINCE, (subscription_id, microseconds(since), most))
        return [to_view(row) for row in rows]

    async def count(self, subscription_id: str, chosen: Filter, most: int) -> int | None:
        """See `ListStore.count`."""
        if chosen.looks_into_entries:
            return None
        given = _given(subscription_id, chosen, Walk(0)) | {"most": most + 1}
        counted = int((await self._reader.rows(history.count(chosen), given))[0][0])
        return counted if counted <= most else None


def insert_entry(connection: Connection, generation: Generation, sequence: int) -> None:
    """Insert the entry of a new generation, whose row has this number."""
    kept: Bindings = {
        "sequence": sequence,
        "created_at": microseconds(generation.created_at),
        "state": generation.state.value,
        "model": generation.request.model,
    }
    connection.execute(history.INSERT_ENTRY, kept | _edited(generation))


def keep_entry(connection: Connection, before: Generation, after: Generation) -> None:
    """Keep what a change does to the entry, and to the owner's own words in the row."""
    if after.state is not before.state:
        connection.execute(history.MOVE_ENTRY, (after.state.value, after.subscription_id, after.id))
    if after.request is not before.request or after.metadata is not before.metadata:
        connection.execute(history.EDIT_GENERATION, _edited(after) | {"request": from_request(after.request)})
        connection.execute(history.EDIT_ENTRY, _edited(after))


def delete_entry(connection: Connection, generation: Generation) -> None:
    """Delete the entry of a generation, and its links."""
    connection.execute(history.DELETE_LINKS, (generation.id,))
    connection.execute(history.DELETE_ENTRY, (generation.subscription_id, generation.id))


def _edited(generation: Generation) -> Bindings:
    return {
        "subscription_id": generation.subscription_id,
        "id": generation.id,
        "metadata": text_of(generation.metadata),
        "text": searched_text(generation),
    }


def _given(subscription_id: str, chosen: Filter, walk: Walk) -> dict[str, Any]:
    """Bindings of a filter and of the ends of a walk. A beginning of ids narrows the ends."""
    low, high = chosen.id_start, chosen.id_start + _BEYOND_EVERY_ID
    if walk.edge is not None:
        low, high = (low, min(high, walk.edge)) if walk.newest_first else (max(low, walk.edge + _JUST_BEYOND), high)
    return {
        "owner": subscription_id,
        "low": low,
        "high": high,
        "model": chosen.model,
        "search": chosen.search,
        "created_after": maybe_microseconds(chosen.created_after),
        "created_before": maybe_microseconds(chosen.created_before),
        **{f"state{number}": state.value for number, state in enumerate(sorted(chosen.states))},
        **{f"pair{number}": pair_text(*pair) for number, pair in enumerate(chosen.metadata.items())},
    }
