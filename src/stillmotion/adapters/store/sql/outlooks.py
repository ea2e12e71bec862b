"""Outlooks that are asked for in one turn of an event loop, read by one statement."""

import asyncio
import threading
from collections.abc import Mapping, Sequence

from stillmotion.adapters.store.sql.connections import Reader
from stillmotion.adapters.store.sql.queries import records
from stillmotion.adapters.store.sql.records import from_views, to_picture
from stillmotion.application.ports.values import Clock
from stillmotion.domain.generation import GenerationView
from stillmotion.domain.record.outlook import Outlook


class _Turn(threading.local):
    """The next read of this thread's loop, and the views that it is for."""

    asked: list[GenerationView]
    reading: asyncio.Task[Mapping[str, Outlook]] | None = None


class SharedOutlooks:
    """Reads of outlooks. Submits that share a commit are answered in one turn, and share a read too.

    Each outlook is read after it was asked for.
    """

    def __init__(self, reader: Reader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._turn = _Turn()

    async def of(self, views: Sequence[GenerationView]) -> Mapping[str, Outlook]:
        """See `RecordStore.outlooks`."""
        turn = self._turn
        # A loop that was stopped may have left a read behind that never began.
        if turn.reading is None or turn.reading.get_loop() is not asyncio.get_running_loop():
            turn.asked, turn.reading = [], asyncio.create_task(self._read())
        turn.asked += views
        # A caller that hangs up must not end the read of the others.
        found = await asyncio.shield(turn.reading)
        return {view.id: found[view.id] for view in views if view.id in found}

    async def _read(self) -> Mapping[str, Outlook]:
        """The outlooks of all asked views. The read begins in the next turn of the loop."""
        asked, self._turn.reading = self._turn.asked, None
        rows = await self._reader.rows(records.PICTURE_OF_QUEUE, from_views(asked))
        return to_picture(rows).outlooks(self._clock.now())
