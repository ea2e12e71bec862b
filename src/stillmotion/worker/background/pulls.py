"""Pulls of weights in the background: each goes on by itself, and its progress is kept in the store."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

import structlog

from stillmotion.application.ports.models import ModelStore
from stillmotion.application.ports.values import Clock
from stillmotion.domain.catalogue import Entry
from stillmotion.domain.errors import StillmotionError, Unavailable
from stillmotion.domain.models.pulls import Pull, PullState

TELL_EVERY: Final = timedelta(seconds=0.5)

Moved = Callable[[int, int], None]
"""Takes the bytes so far, and the bytes in all. What it raises ends the pull."""

Bring = Callable[[Entry, Moved], object]
"""Brings a model's weights; it blocks. Raises `StillmotionError` with a sentence."""

log = structlog.get_logger(__name__)


class PullStopped(StillmotionError):
    """Raised in the thread of a pull that is to stop."""


@dataclass(slots=True)
class _Progress:
    """Bytes of a pull, as its thread counts them."""

    there: int = 0
    total: int | None = None
    began_with: int | None = None
    is_stopped: threading.Event = field(default_factory=threading.Event)

    def moved(self, there: int, total: int) -> None:
        """`Moved`."""
        if self.is_stopped.is_set():
            raise PullStopped("it is to stop")
        if self.began_with is None:
            self.began_with = there
        self.there, self.total = there, total


@dataclass(slots=True)
class PullTasks:
    """The pulls of one process, side by side; those of one model one after the other."""

    store: ModelStore
    clock: Clock
    bring: Bring
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def start(self, entry: Entry, pull: Pull) -> None:
        """`StartPull`."""
        before = self._tasks.get(entry.name)
        self._tasks[entry.name] = asyncio.create_task(self._carry_out(entry, pull, before))

    async def run(self) -> None:
        """Wait for the end of the process, and then stop all pulls; their bytes stay."""
        try:
            await asyncio.Event().wait()
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _carry_out(self, entry: Entry, pull: Pull, before: asyncio.Task[None] | None) -> None:
        if before is not None and not before.done():
            await asyncio.wait({before})
        progress = _Progress()
        work = asyncio.create_task(asyncio.to_thread(self.bring, entry, progress.moved))
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=TELL_EVERY.total_seconds())
                if not work.done() and not await self._tell(pull, progress, PullState.PULLING):
                    progress.is_stopped.set()
            await self._conclude(pull, progress, work)
        except asyncio.CancelledError:
            progress.is_stopped.set()
            await self._tell(pull, progress, PullState.INTERRUPTED)
            raise

    async def _conclude(self, pull: Pull, progress: _Progress, work: "asyncio.Task[object]") -> None:
        error = work.exception()
        if error is None:
            log.info("weights_pulled", model=pull.model, bytes=progress.there)
            await self._tell(pull, progress, PullState.DONE)
        elif isinstance(error, PullStopped):
            log.info("pull_stopped", model=pull.model, bytes=progress.there)
        elif isinstance(error, StillmotionError):
            log.warning("pull_failed", model=pull.model, why=str(error))
            await self._tell(pull, progress, PullState.FAILED, str(error))
        else:
            log.error("pull_broke", model=pull.model, exc_info=error)
            await self._tell(pull, progress, PullState.FAILED, "It broke: the server's log says why. Pull again.")

    async def _tell(self, pull: Pull, progress: _Progress, state: PullState, error: str | None = None) -> bool:
        """Store how far it is. False where it was cancelled; a store that is away costs a report."""
        told = replace(
            pull,
            state=state,
            there=progress.there,
            total=progress.total,
            began_with=progress.began_with or 0,
            told_at=self.clock.now(),
            error=error,
        )
        try:
            return await self.store.advance_pull(told)
        except Unavailable:
            return True
