"""Previews on the host's side: the newest one of an attempt as an object, there until the attempt is over."""

import asyncio
from pathlib import Path

import structlog

from stillmotion.application.ports.objects import ObjectStore
from stillmotion.domain.errors import Unavailable

PATIENCE_SECONDS = 2.0
"""How long the end of an attempt waits for storage to be rid of its preview: what is left then is an orphan."""


class PreviewStore:
    """One object that each picture replaces. `key` names it, which nobody can guess, and no other attempt has.

    Storage that is slow or away costs pictures and nothing else: one is not stored while another still is.
    """

    def __init__(self, objects: ObjectStore, key: str, log: structlog.typing.FilteringBoundLogger) -> None:
        self._objects, self._key, self._log = objects, key, log
        self._storing: asyncio.Task[None] | None = None
        self.shown: str | None = None

    def take(self, picture: Path) -> None:
        """There is a new picture in that file."""
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
        """Remove it, if it was not removed before: no picture comes after this."""
        storing, self._storing, self.shown = self._storing, None, None
        if storing is None:
            return
        clearing = asyncio.create_task(self._clear(storing))
        _, late = await asyncio.wait({clearing}, timeout=PATIENCE_SECONDS)
        if late:
            clearing.cancel()
            self._log.info("preview_not_removed", why="storage does not answer")

    async def _clear(self, storing: asyncio.Task[None]) -> None:
        await storing
        try:
            await self._objects.delete(self._key)
        except Unavailable as error:
            self._log.info("preview_not_removed", why=str(error))
