"""Preview storage: the newest preview of an attempt as an object, up to the attempt's end."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from stillmotion.application.ports.objects import ObjectStore
from stillmotion.application.ports.values import Clock
from stillmotion.domain.errors import Unavailable


class PreviewStore:
    """One object that each preview replaces. Its `key` is unguessable and belongs to this attempt alone.

    With a `clock` one is stored only while somebody looks at them: up to `watched_until`.
    Slow storage costs previews and nothing else: a preview is dropped while the last one is still being stored.
    """

    def __init__(
        self,
        objects: ObjectStore,
        key: str,
        log: structlog.typing.FilteringBoundLogger,
        patience: timedelta,
        clock: Clock | None = None,
    ) -> None:
        self._objects, self._key, self._log, self._patience = objects, key, log, patience
        self._clock = clock
        self._storing: asyncio.Task[None] | None = None
        self.shown: str | None = None
        self.watched_until: datetime | None = None

    def take(self, picture: Path) -> None:
        """Store a new preview from that file."""
        if self._clock is not None and (self.watched_until is None or self.watched_until < self._clock.now()):
            return
        if self._storing is None or self._storing.done():
            self._storing = asyncio.create_task(self._store(picture))

    async def _store(self, picture: Path) -> None:
        try:
            await self._objects.put(self._key, await asyncio.to_thread(picture.read_bytes))
        except (OSError, Unavailable) as error:
            self._log.info("preview_not_stored", why=str(error))
        else:
            self.shown = self._key

    async def clear(self) -> None:
        """Remove the object. No preview is stored after this."""
        storing, self._storing, self.shown = self._storing, None, None
        if storing is None:
            return
        clearing = asyncio.create_task(self._clear(storing))
        _, late = await asyncio.wait({clearing}, timeout=self._patience.total_seconds())
        if late:
            clearing.cancel()
            self._log.info("preview_not_removed", why="storage does not answer")

    async def _clear(self, storing: asyncio.Task[None]) -> None:
        await storing
        try:
            await self._objects.delete(self._key)
        except Unavailable as error:
            self._log.info("preview_not_removed", why=str(error))
