"""Everybody's generations in SQL, and places in line."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from stillmotion.adapters.store.sql.connections import Connection, Reader, Writer
from stillmotion.adapters.store.sql.generation_rows import maybe_microseconds, microseconds, to_generation
from stillmotion.adapters.store.sql.queries import everybodys, generations, holds
from stillmotion.application.ports.administration import EverybodysFilter, QueuePlace
from stillmotion.application.ports.lists import Walk
from stillmotion.domain.errors import GenerationNotFound, NotQueued
from stillmotion.domain.generation import Generation
from stillmotion.domain.lifecycle import State

_BEYOND_EVERY_ID: Final = "~"
_encode_json = msgspec.json.Encoder().encode


class SqlEverybodys:
    """`EverybodysStore`. A filter may have every row looked at, so the event loop goes on meanwhile."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self.writer = writer
        self._reader = reader

    async def everybodys(self, asked: EverybodysFilter, walk: Walk) -> Sequence[Generation]:
        """See `EverybodysStore.everybodys`."""
        low, high = "", _BEYOND_EVERY_ID
        if walk.edge is not None:
            low, high = (low, walk.edge) if walk.newest_first else (walk.edge, high)
        statement = everybodys.page(asked, newest_first=walk.newest_first)
        given = _given(asked) | {"low": low, "high": high, "limit": walk.limit}
        return [to_generation(row) for row in await self._reader.scan(statement, given)]

    async def count_everybodys(self, asked: EverybodysFilter) -> int:
        """See `EverybodysStore.count_everybodys`."""
        rows = await self._reader.scan(everybodys.count(asked), _given(asked))
        return int(rows[0][0])

    async def move(self, generation_id: str, place: QueuePlace, now: datetime) -> None:
        """See `EverybodysStore.move`."""

        def operation(connection: Connection) -> None:
            connection.hold(holds.HOLD_CLOCK)
            connection.hold(holds.HOLD_GENERATION, (generation_id,))
            row = connection.execute(generations.FIND_GENERATION, (generation_id,)).get
            if row is None:
                raise GenerationNotFound(generation_id)
            generation = to_generation(row)
            connection.hold(holds.HOLD_LIMITS, (generation.subscription_id,))
            if generation.state is not State.QUEUED:
                raise NotQueued(generation_id, generation.state)
            moved_to = microseconds(now)
            if place is QueuePlace.FRONT:
                moved_to = (connection.execute(everybodys.FRONT_OF_LINE).get or 0) - 1
            connection.execute(everybodys.MOVE_TO, (moved_to, generation_id))

        await self.writer.run(operation)


def _given(asked: EverybodysFilter) -> dict[str, Any]:
    chosen = asked.chosen
    return {
        "states": _encode_json(sorted(chosen.states)).decode(),
        "id": asked.id,
        "subscription_id": asked.subscription_id,
        "engine": asked.engine,
        "created_after": maybe_microseconds(chosen.created_after),
        "created_before": maybe_microseconds(chosen.created_before),
        "model": chosen.model,
        "worker": asked.worker,
        # A process has the name of its machine before a colon.
        "processes": f"{asked.worker}:",
        "beyond_processes": f"{asked.worker};",
        "search": chosen.search,
    }
