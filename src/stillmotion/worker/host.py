"""The worker host: takes generations off the queue and has renderer processes make them."""

import asyncio
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import structlog

from stillmotion.application.work import LEASE
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.generation import Generation
from stillmotion.worker.attempt import Attempt, Workshop
from stillmotion.worker.renderer_process import RendererDied, RendererProcess

POLL = timedelta(seconds=1)
"""How often an idle lane looks for what another process submitted; this process's own submits wake it."""

RECLAIM_EVERY = LEASE / 3
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 10.0

NewRenderer = Callable[[], RendererProcess]

log = structlog.get_logger(__name__)


class WorkerHost:
    """Runs `lanes` renderers side by side, one generation each, until drained.

    A renderer is started before there is work and kept warm. What a lane claims it sees to an end: completed,
    failed, or handed back. `new_renderer` makes a renderer that is not started yet.
    """

    def __init__(self, workshop: Workshop, new_renderer: NewRenderer = RendererProcess, lanes: int = 1) -> None:
        self._workshop = workshop
        self._new_renderer = new_renderer
        self._count = lanes
        self._lanes: list[asyncio.Task[None]] = []
        self._able: set[int] = set()
        self._held: set[str] = set()
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()

    @property
    def stopping(self) -> bool:
        """Whether it takes no more work."""
        return self._stopping.is_set()

    @property
    def alive(self) -> bool:
        """Whether there is a lane whose renderer works, or is being replaced after a crash."""
        return bool(self._able) and not self._stopping.is_set()

    async def run(self) -> None:
        """Work until `drain`. Cancelled, it hands back what it is at."""
        await asyncio.to_thread(_empty, self._workshop.scratch)
        try:
            async with asyncio.TaskGroup() as group:
                reclaiming = group.create_task(self._reclaim())
                self._lanes = [group.create_task(self._lane(number)) for number in range(self._count)]
                await asyncio.wait(self._lanes)
                reclaiming.cancel()
        finally:
            self._stopped.set()

    async def drain(self, grace: timedelta) -> None:
        """Claim nothing more; let what is being rendered end within `grace`, or else hand it back."""
        self._stopping.set()
        self._workshop.signal.notify()
        if not self._lanes:
            return
        try:
            async with asyncio.timeout(grace.total_seconds()):
                await self._stopped.wait()
        except TimeoutError:
            for lane in self._lanes:
                lane.cancel()
            await self._stopped.wait()

    async def _lane(self, number: int) -> None:
        renderer = self._new_renderer()
        pause = FIRST_PAUSE_SECONDS
        try:
            while not self._stopping.is_set():
                try:
                    renderer = await self._running(number, renderer)
                    rested = await self._work_once(renderer)
                except Unavailable as error:
                    log.warning("lane_waits", why=str(error))
                    rested = False
                except Exception:
                    log.exception("lane_broke")
                    rested = False
                pause = FIRST_PAUSE_SECONDS if rested else await self._pause(pause)
        finally:
            self._able.discard(number)
            await renderer.stop()

    async def _running(self, number: int, renderer: RendererProcess) -> RendererProcess:
        """The lane's renderer, or another where it is gone. Raises `Unavailable` where none can be started."""
        if renderer.alive:
            return renderer
        await renderer.kill()
        renderer = self._new_renderer()
        try:
            ready = await renderer.start()
        except (RendererDied, OSError) as error:
            self._able.discard(number)
            said = error.last_words if isinstance(error, RendererDied) else ()
            log.critical("renderer_not_started", why=str(error), said=said)
            raise Unavailable("no renderer can be started") from error
        self._able.add(number)
        log.info(
            "renderer_started",
            pid=renderer.pid,
            engines=ready.engines,
            seconds=round(ready.seconds, 3),
            decoder_confined=ready.confined,
        )
        return renderer

    async def _work_once(self, renderer: RendererProcess) -> bool:
        """Carry out one generation, or wait until there may be one; false where the lane had better pause."""
        if self._stopping.is_set():
            return True
        generation = await self._claim()
        if generation is not None:
            self._held.add(generation.id)
            try:
                return await Attempt(self._workshop, renderer, generation).carry_out()
            finally:
                self._held.discard(generation.id)
        await self._workshop.signal.wait(POLL)
        return True

    async def _claim(self) -> Generation | None:
        """Claim to the end: a cancel in between must not leave a generation that nobody renders."""
        claiming = asyncio.ensure_future(self._workshop.work.claim())
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            claimed = await claiming
            if claimed is not None:
                await self._workshop.work.release(claimed.lease)
            raise

    async def _pause(self, seconds: float) -> float:
        """Rest, unless the host stops meanwhile; answers with the next, longer pause."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass
        return min(2 * seconds, LONGEST_PAUSE_SECONDS)

    async def _reclaim(self) -> None:
        """Take back, now and then, what lost workers held: never what a lane of this host is at."""
        while True:
            await asyncio.sleep(RECLAIM_EVERY.total_seconds())
            try:
                taken = await self._workshop.work.reclaim(sparing=self._held)
            except Unavailable as error:
                log.warning("not_reclaimed", why=str(error))
                continue
            if taken:
                log.warning("leases_reclaimed", count=taken)
                self._workshop.signal.notify()
                self._workshop.announcements.notify()


def _empty(scratch: Path) -> None:
    """Remove what a killed host left behind."""
    scratch.mkdir(parents=True, exist_ok=True)
    for left in scratch.iterdir():
        shutil.rmtree(left, ignore_errors=True)
