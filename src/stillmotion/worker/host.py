"""The worker host: takes generations off the queue and has renderer processes make them."""

import asyncio
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from stillmotion.application.ports.store import Engines
from stillmotion.domain.catalogue import Entry
from stillmotion.domain.errors import Unavailable
from stillmotion.worker.attempt import AttemptContext
from stillmotion.worker.devices import Device
from stillmotion.worker.lanes import AnyModel, Stints
from stillmotion.worker.makers.local import RendererMaker
from stillmotion.worker.makers.remote import Forwarder, Successor
from stillmotion.worker.renderer.process import RendererDied, RendererProcess
from stillmotion.worker.stage import POLL, InputStage

RECLAIM_EVERY = timedelta(seconds=2)
"""How often to look for leases that have ended: longer than it takes whoever is at work to renew its own."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 10.0
LONGEST_FORWARD_PAUSE_SECONDS = 5.0
"""Until a server in trouble is asked again, and what waits for it goes to another."""

DEVICE_PAUSE = timedelta(seconds=30)
"""Between tries to load a model that could not be: each takes as long as it takes to find that out."""

NewRenderer = Callable[[], RendererProcess]


@dataclass(frozen=True, slots=True)
class _Stand:
    """A lane with a renderer of its own, of a device or not."""

    name: str
    new_renderer: NewRenderer
    stage: InputStage
    device: Device | None = None

    def entry(self, engine: str) -> Entry | None:
        """What the catalogue says of an engine, where it is a model on this lane's device."""
        entries = self.device.entries if self.device is not None else ()
        return next((each for each in entries if each.engine_name == engine), None)


log = structlog.get_logger(__name__)


class WorkerHost:
    """Runs `lanes` renderers side by side, one generation each, until drained.

    A renderer is started before there is work and kept warm. What a lane claims it sees to an end: completed,
    failed, or handed back. `new_renderer` makes a renderer that is not ready yet. Each of `devices` has a lane of its
    own, and each of `forwarders` as many as its server takes at once.
    """

    def __init__(
        self,
        workshop: AttemptContext,
        new_renderer: NewRenderer = RendererProcess,
        lanes: int = 1,
        forwarders: Sequence[Forwarder] = (),
        devices: Sequence[Device] = (),
    ) -> None:
        self._workshop = workshop
        self._forwarders, self._devices = forwarders, devices
        elsewhere = frozenset(each.entry.engine_name for each in forwarders)
        others = Engines(elsewhere.union(*(device.engines for device in devices)), others=True)
        stage = InputStage(workshop, AnyModel(others), lanes, _nobody_else)
        self._stands = [_Stand(f"renderer {number}", new_renderer, stage) for number in range(lanes)]
        self._stands += [
            _Stand(each.name, each.new_renderer, InputStage(workshop, Stints(each.engines), 1, _nobody_else), each)
            for each in devices
        ]
        self._forward_stages = [
            InputStage(workshop, AnyModel(each.engines), each.at_once, each.forget) for each in forwarders
        ]
        self._lanes: list[asyncio.Task[None]] = []
        self._able: set[str] = set()
        self._unfit: dict[str, str] = {}
        self._unfit_models: dict[str, Mapping[str, str]] = {}
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

    def trouble_with(self, engine: str) -> str | None:
        """Why no device makes that engine's clips just now; None where one does, or it is none of a device's."""
        names = [device.name for device in self._devices if engine in device.engines]
        troubles = {name: self._trouble_on(name, engine) for name in names}
        if not all(troubles.values()):
            return None
        return "; ".join(f"{name}: {trouble}" for name, trouble in troubles.items()) or None

    def _trouble_on(self, device: str, engine: str) -> str | None:
        if device in self._able:
            return self._unfit_models[device].get(engine)
        return self._unfit.get(device, "its model is being loaded")

    async def run(self) -> None:
        """Work until `drain`. Cancelled, it hands back what it is at."""
        await asyncio.to_thread(_empty, self._workshop.scratch)
        try:
            async with asyncio.TaskGroup() as group:
                reclaiming = group.create_task(self._reclaim())
                self._lanes = [group.create_task(self._lane(stand)) for stand in self._stands]
                for each, stage in zip(self._forwarders, self._forward_stages, strict=True):
                    self._lanes += [
                        group.create_task(self._forward_lane(each, stage, number)) for number in range(each.at_once)
                    ]
                await (asyncio.wait(self._lanes) if self._lanes else self._stopping.wait())
                reclaiming.cancel()
        finally:
            await self._clear_stages()
            for each in self._forwarders:
                await each.close()
            self._stopped.set()

    async def drain(self, grace: timedelta) -> None:
        """Claim nothing more; let what is being rendered end within `grace`, or else hand it back.

        What has waited longer for its inputs than a lane waits is handed back at once.
        """
        self._stopping.set()
        self._workshop.signal.notify()
        await self._clear_stages(settled=True)
        if not self._lanes:
            return
        try:
            async with asyncio.timeout(grace.total_seconds()):
                await self._stopped.wait()
        except TimeoutError:
            for lane in self._lanes:
                lane.cancel()
            await self._stopped.wait()

    @property
    def _stages(self) -> list[InputStage]:
        return [*{id(stand.stage): stand.stage for stand in self._stands}.values(), *self._forward_stages]

    async def _clear_stages(self, *, settled: bool = False) -> None:
        for stage in self._stages:
            await stage.hand_back(settled=settled)

    async def _lane(self, stand: "_Stand") -> None:
        renderer = stand.new_renderer()
        pause = FIRST_PAUSE_SECONDS
        try:
            while not self._stopping.is_set():
                rested = False
                with _lane_goes_on():
                    renderer = await self._running(stand, renderer)
                    rested = await self._work_once(stand, renderer)
                pause = FIRST_PAUSE_SECONDS if rested else await self._pause(pause)
        finally:
            self._able.discard(stand.name)
            await renderer.stop()

    async def _running(self, stand: "_Stand", renderer: RendererProcess) -> RendererProcess:
        """The lane's renderer, or another where it is gone. Raises `Unavailable` where none can be started."""
        if renderer.alive:
            return renderer
        if renderer.ended:
            await renderer.kill()
            renderer = stand.new_renderer()
        try:
            ready = await renderer.start()
        except (RendererDied, OSError) as error:
            self._able.discard(stand.name)
            self._unfit[stand.name] = str(error)
            said = error.last_words if isinstance(error, RendererDied) else ()
            log.critical("renderer_not_started", lane=stand.name, why=str(error), said=said)
            if not any(other.name in self._able for other in self._stands if other.stage is stand.stage):
                await stand.stage.hand_back()
            if stand.device is not None:
                await self._stand_back(stand.device)
            raise Unavailable("no renderer can be started") from error
        self._able.add(stand.name)
        self._unfit_models[stand.name] = ready.unfit
        for engine, why in ready.unfit.items():
            log.critical("model_unfit", lane=stand.name, engine=engine, why=why)
        log.info(
            "renderer_started",
            lane=stand.name,
            pid=renderer.pid,
            engines=ready.engines,
            seconds=round(ready.seconds, 3),
            decoder_confined=ready.confined,
        )
        return renderer

    async def _stand_back(self, device: Device) -> None:
        """Leave a device alone for a while; meanwhile what comes for it goes to others."""
        for _ in range(round(DEVICE_PAUSE / POLL)):
            await self._hand_on(device, device.engines)
            if self._stopping.is_set():
                return
            await self._pause(POLL.total_seconds())

    async def _hand_on(self, device: Device, engines: Iterable[str]) -> None:
        """Give what waits for these of a device's engines to others, where there are any."""
        if device.successor is not None:
            for engine in engines:
                await self._reroute(engine, device.successor)

    async def _work_once(self, stand: "_Stand", renderer: RendererProcess) -> bool:
        """Carry out one generation, or wait until there may be one; false where the lane had better pause."""
        if self._stopping.is_set():
            return True
        if stand.device is not None:
            await self._hand_on(stand.device, self._unfit_models[stand.name])
        attempt = await stand.stage.next()
        return attempt is None or await attempt.carry_on(
            RendererMaker(renderer, stand.entry(attempt.generation.engine))
        )

    async def _forward_lane(self, forwarder: Forwarder, stage: InputStage, number: int) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            rested = False
            with _lane_goes_on():
                rested = await self._forward_once(forwarder, stage, is_first=number == 0)
            pause = FIRST_PAUSE_SECONDS if rested else min(await self._pause(pause), LONGEST_FORWARD_PAUSE_SECONDS)

    async def _forward_once(self, forwarder: Forwarder, stage: InputStage, *, is_first: bool) -> bool:
        """As `_work_once`. While the server is in trouble its work goes to others, and one lane asks for it again."""
        if forwarder.trouble is not None and not (is_first and await forwarder.is_back()):
            await stage.hand_back()
            if is_first and forwarder.has_stand_in:
                await self._reroute(forwarder.entry.engine_name, forwarder.successor)
            return False
        attempt = await stage.next()
        return attempt is None or await attempt.carry_on(forwarder)

    async def _reroute(self, engine: str, successor: Successor) -> None:
        """Give what waits for a server or a device in trouble to others."""
        moved = await self._workshop.work.reroute(engine, successor)
        if moved:
            log.warning("generations_handed_on", engine=engine, count=moved)
            self._workshop.signal.notify()

    async def _pause(self, seconds: float) -> float:
        """Rest, unless the host stops meanwhile; answers with the next, longer pause."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass
        return min(2 * seconds, LONGEST_PAUSE_SECONDS)

    async def _reclaim(self) -> None:
        """Take back, now and then, what lost workers held, and remove what was fetched for what is over.

        Never what this host is at.

        A lease must have ended at two looks. A clock that steps, or a machine that slept, ends all of them at once:
        between the looks those who are at work renew theirs.
        """
        work, ended = self._workshop.work, frozenset[str]()
        while True:
            await asyncio.sleep(RECLAIM_EVERY.total_seconds())
            try:
                held = frozenset[str]().union(*(each.held for each in self._stages))
                await self._workshop.fetched.sweep(work.is_over, held)
                before, ended = ended, await work.ended()
                taken = await work.reclaim(only=(before & ended) - held)
            except Unavailable as error:
                log.warning("not_reclaimed", why=str(error))
                continue
            if taken:
                log.warning("leases_reclaimed", count=taken)
                self._workshop.signal.notify()
                self._workshop.announcements.notify()


async def _nobody_else(remote: str) -> None:
    """`Forget` where no other server is at anything."""
    del remote


@contextmanager
def _lane_goes_on() -> Iterator[None]:
    """What goes wrong in a lane is told, and does not end it."""
    try:
        yield
    except Unavailable as error:
        log.warning("lane_waits", why=str(error))
    except Exception:
        log.exception("lane_broke")


def _empty(scratch: Path) -> None:
    """Remove what a killed host left behind."""
    scratch.mkdir(parents=True, exist_ok=True)
    for left in scratch.iterdir():
        shutil.rmtree(left, ignore_errors=True)
