"""The worker host: takes generations off the queue and has renderer processes make them."""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import structlog

from stillmotion.application.ports import Engines
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.generation import Generation
from stillmotion.worker.attempt import Attempt, Workshop
from stillmotion.worker.forwarding import Forwarder
from stillmotion.worker.maker import Maker
from stillmotion.worker.renderer_process import RendererDied, RendererProcess
from stillmotion.worker.rendering_here import RendererMaker

POLL = timedelta(seconds=1)
"""How often an idle lane looks for what another process submitted; this process's own submits wake it."""

RECLAIM_EVERY = timedelta(seconds=2)
"""How often to look for leases that have ended: longer than it takes whoever is at work to renew its own."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 10.0
LONGEST_FORWARD_PAUSE_SECONDS = 5.0
"""Until a server in trouble is asked again, and what waits for it goes to another."""

NewRenderer = Callable[[], RendererProcess]

log = structlog.get_logger(__name__)


class WorkerHost:
    """Runs `lanes` renderers side by side, one generation each, until drained.

    A renderer is started before there is work and kept warm. What a lane claims it sees to an end: completed,
    failed, or handed back. `new_renderer` makes a renderer that is not started yet. Each of `forwarders` has lanes of
    its own, as many as its server takes at once.
    """

    def __init__(
        self,
        workshop: Workshop,
        new_renderer: NewRenderer = RendererProcess,
        lanes: int = 1,
        forwarders: Sequence[Forwarder] = (),
    ) -> None:
        self._workshop = workshop
        self._new_renderer = new_renderer
        self._count = lanes
        self._forwarders = forwarders
        elsewhere = frozenset(each.entry.engine_name for each in forwarders)
        self._here = Engines(elsewhere, others=True)
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
                for each in self._forwarders:
                    self._lanes += [
                        group.create_task(self._forward_lane(each, number)) for number in range(each.at_once)
                    ]
                await (asyncio.wait(self._lanes) if self._lanes else self._stopping.wait())
                reclaiming.cancel()
        finally:
            for each in self._forwarders:
                await each.close()
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
        generation = await self._claim(self._here)
        if generation is not None:
            return await self._carry_out(RendererMaker(renderer), generation)
        await self._workshop.signal.wait(POLL)
        return True

    async def _forward_lane(self, forwarder: Forwarder, number: int) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            try:
                rested = await self._forward_once(forwarder, is_first=number == 0)
            except Unavailable as error:
                log.warning("lane_waits", why=str(error))
                rested = False
            except Exception:
                log.exception("lane_broke")
                rested = False
            pause = FIRST_PAUSE_SECONDS if rested else min(await self._pause(pause), LONGEST_FORWARD_PAUSE_SECONDS)

    async def _forward_once(self, forwarder: Forwarder, *, is_first: bool) -> bool:
        """As `_work_once`. While the server is in trouble its work goes to others, and one lane asks for it again."""
        if forwarder.trouble is not None and not (is_first and await forwarder.is_back()):
            if is_first and forwarder.has_stand_in:
                await self._reroute(forwarder)
            return False
        generation = await self._claim(forwarder.engines)
        if generation is not None:
            return await self._carry_out(forwarder, generation)
        await self._workshop.signal.wait(POLL)
        return True

    async def _carry_out(self, maker: Maker, generation: Generation) -> bool:
        self._held.add(generation.id)
        try:
            return await Attempt(self._workshop, maker, generation).carry_out()
        finally:
            self._held.discard(generation.id)

    async def _reroute(self, forwarder: Forwarder) -> None:
        """Give what waits for a server in trouble to others."""
        moved = await self._workshop.work.reroute(forwarder.entry.engine_name, forwarder.successor)
        if moved:
            log.warning("generations_handed_on", engine=forwarder.entry.engine_name, count=moved)
            self._workshop.signal.notify()

    async def _claim(self, engines: Engines) -> Generation | None:
        """Claim to the end: a cancel in between must not leave a generation that nobody renders."""
        claiming = asyncio.ensure_future(self._workshop.work.claim(engines))
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
        """Take back, now and then, what lost workers held: never what a lane of this host is at.

        A lease must have ended at two looks. A clock that steps, or a machine that slept, ends all of them at once:
        between the looks those who are at work renew theirs.
        """
        work, ended = self._workshop.work, frozenset[str]()
        while True:
            await asyncio.sleep(RECLAIM_EVERY.total_seconds())
            try:
                before, ended = ended, await work.ended()
                taken = await work.reclaim(only=(before & ended) - self._held)
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
