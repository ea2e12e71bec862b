"""Worker host: claims generations from the queue and has makers render them."""

import asyncio
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from stillmotion.application.metrics import ATTEMPTS
from stillmotion.application.ports.store import Engines
from stillmotion.domain.catalogue import Entry
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.models.states import READY, ModelState, ModelStateName
from stillmotion.domain.operators.processes import LaneReport
from stillmotion.worker.attempt import AttemptContext
from stillmotion.worker.devices import Device
from stillmotion.worker.input_stage import POLL, InputStage
from stillmotion.worker.lane_board import LaneBoard
from stillmotion.worker.lanes import AnyModel, Stints
from stillmotion.worker.makers.local import LocalMaker
from stillmotion.worker.makers.remote import RemoteMaker, Successor
from stillmotion.worker.renderer.handle import RendererDied, RendererProcess

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 10.0
LONGEST_FORWARD_PAUSE_SECONDS = 5.0
"""Longest pause before a server in trouble is asked again, while its work goes to another."""

DEVICE_PAUSE = timedelta(seconds=30)
"""Pause between tries to load a model that failed to load; each try may take minutes."""

NewRenderer = Callable[[], RendererProcess]


@dataclass(frozen=True, slots=True)
class _Stand:
    """A lane with its own renderer, with or without a device."""

    name: str
    new_renderer: NewRenderer
    stage: InputStage
    device: Device | None = None

    def entry(self, engine: str) -> Entry | None:
        """Catalogue entry of an engine that is a model on this lane's device; else None."""
        entries = self.device.entries if self.device is not None else ()
        return next((each for each in entries if each.engine_name == engine), None)


log = structlog.get_logger(__name__)


class WorkerHost:
    """Host of `lanes` renderers side by side, one generation each, until it is drained.

    A renderer is started before there is work and kept warm. Every claim is carried to an end: completed, failed, or
    handed back. `new_renderer` makes a renderer that is not ready yet. Each of `devices` has a lane of its own, and
    each of `forwarders` as many as its server takes at once.
    """

    def __init__(
        self,
        workshop: AttemptContext,
        new_renderer: NewRenderer = RendererProcess,
        lanes: int = 1,
        forwarders: Sequence[RemoteMaker] = (),
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
        self._board = LaneBoard(workshop.clock)
        for stand in self._stands:
            self._board.set_up(stand.name)
        for each in forwarders:
            for number in range(each.at_once):
                self._board.set_up(_name_of_lane(each, number), each.entry.engine_name)
        self._offered: dict[str, tuple[str, ...]] = {}
        self._lanes: list[asyncio.Task[None]] = []
        self._able: set[str] = set()
        self._unfit: dict[str, str] = {}
        self._unfit_models: dict[str, Mapping[str, str]] = {}
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()

    @property
    def stopping(self) -> bool:
        """True once it claims no further work."""
        return self._stopping.is_set()

    @property
    def renders(self) -> bool:
        """True where it has lanes with a renderer."""
        return bool(self._stands)

    @property
    def alive(self) -> bool:
        """True where some lane's renderer works, or is being replaced after a crash."""
        return bool(self._able) and not self._stopping.is_set()

    @property
    def engines(self) -> tuple[str, ...]:
        """Engines that it makes clips of, as far as their renderers have started."""
        here = {engine for offered in self._offered.values() for engine in offered}
        return tuple(sorted(here.union(each.entry.engine_name for each in self._forwarders)))

    @property
    def lanes(self) -> tuple[LaneReport, ...]:
        """Its lanes, and the generation that each makes."""
        return self._board.reports

    def trouble_with(self, engine: str) -> str | None:
        """Reason why no device makes that engine's clips now; None where one does, or for an engine without device."""
        names = [device.name for device in self._devices if engine in device.engines]
        troubles = {name: self._trouble_on(name, engine) for name in names}
        if not all(troubles.values()):
            return None
        return "; ".join(f"{name}: {trouble}" for name, trouble in troubles.items()) or None

    def model_state(self, engine: str) -> ModelState:
        """State of an engine's model on the devices here; ready for an engine without device."""
        trouble = self.trouble_with(engine)
        if trouble is None:
            return READY
        names = {device.name for device in self._devices if engine in device.engines}
        is_loading = bool(names - self._able - self._unfit.keys())
        return ModelState(ModelStateName.LOADING if is_loading else ModelStateName.UNFIT, trouble)

    def _trouble_on(self, device: str, engine: str) -> str | None:
        if device in self._able:
            return self._unfit_models[device].get(engine)
        return self._unfit.get(device, "its model is being loaded")

    async def run(self) -> None:
        """Work until `drain`. A cancelled call hands unfinished generations back."""
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
        """Stop claiming, and let running renders end within `grace`, or else hand them back.

        Attempts that wait for slow inputs are handed back at once.
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
        """The lane's renderer, or a new one if it has ended. Raises `Unavailable` if none can be started."""
        if renderer.alive and stand.name in self._able:
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
        self._offered[stand.name] = tuple(ready.engines)
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
        """Pause a device; its new work goes to others meanwhile."""
        for _ in range(round(DEVICE_PAUSE / POLL)):
            await self._hand_on(device, device.engines)
            if self._stopping.is_set():
                return
            await self._pause(POLL.total_seconds())

    async def _hand_on(self, device: Device, engines: Iterable[str]) -> None:
        """Reroute waiting generations of these engines to their successors, where there are any."""
        if device.successor is not None:
            for engine in engines:
                await self._reroute(engine, device.successor)

    async def _work_once(self, stand: "_Stand", renderer: RendererProcess) -> bool:
        """Carry out one generation, or wait for one. Returns False if the lane should pause."""
        if self._stopping.is_set():
            return True
        if stand.device is not None:
            await self._hand_on(stand.device, self._unfit_models[stand.name])
        attempt = await stand.stage.next()
        if attempt is None:
            return True
        with self._board.at_work(stand.name, attempt.generation):
            return await attempt.carry_on(LocalMaker(renderer, stand.entry(attempt.generation.engine)))

    async def _forward_lane(self, forwarder: RemoteMaker, stage: InputStage, number: int) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            rested = False
            with _lane_goes_on():
                rested = await self._forward_once(forwarder, stage, number)
            pause = FIRST_PAUSE_SECONDS if rested else min(await self._pause(pause), LONGEST_FORWARD_PAUSE_SECONDS)

    async def _forward_once(self, forwarder: RemoteMaker, stage: InputStage, number: int) -> bool:
        """As `_work_once`. While the server is in trouble, its work goes to others and one lane asks for its state."""
        is_first = number == 0
        if forwarder.trouble is not None and not (is_first and await forwarder.is_back()):
            await stage.hand_back()
            if is_first and forwarder.has_stand_in:
                await self._reroute(forwarder.entry.engine_name, forwarder.successor)
            return False
        attempt = await stage.next()
        if attempt is None:
            return True
        with self._board.at_work(_name_of_lane(forwarder, number), attempt.generation):
            return await attempt.carry_on(forwarder)

    async def _reroute(self, engine: str, successor: Successor) -> None:
        """Reroute the work of a server or a device in trouble."""
        moved = await self._workshop.work.reroute(engine, successor)
        if moved:
            log.warning("generations_handed_on", engine=engine, count=moved)
            self._workshop.signal.notify()

    async def _pause(self, seconds: float) -> float:
        """Sleep, unless the host stops meanwhile. Returns the next, longer pause."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass
        return min(2 * seconds, LONGEST_PAUSE_SECONDS)

    async def _reclaim(self) -> None:
        """Reclaim the generations of lost workers, and remove inputs of finished generations, at intervals.

        The host's own generations are exempt. A lease counts as expired only at a second look: a clock that steps, or a
        machine that slept, ends all leases at once, and living workers renew theirs between the looks.
        """
        work, ended = self._workshop.work, frozenset[str]()
        while True:
            await asyncio.sleep(self._workshop.timing.reclaim.total_seconds())
            try:
                held = frozenset[str]().union(*(each.held for each in self._stages))
                await self._workshop.fetched.sweep(work.is_over, held)
                before, ended = ended, await work.ended()
                taken = await work.reclaim(only=(before & ended) - held)
            except Unavailable as error:
                log.warning("not_reclaimed", why=str(error))
                continue
            if taken:
                self._workshop.tally.count(ATTEMPTS, "lost", by=taken)
                log.warning("leases_reclaimed", count=taken)
                self._workshop.signal.notify()
                self._workshop.announcements.notify()


def _name_of_lane(forwarder: RemoteMaker, number: int) -> str:
    return f"{forwarder.entry.name} {number}"


async def _nobody_else(remote: str) -> None:
    """`Forget` of lanes without another server."""
    del remote


@contextmanager
def _lane_goes_on() -> Iterator[None]:
    """Log an error of a lane without ending the lane."""
    try:
        yield
    except Unavailable as error:
        log.warning("lane_waits", why=str(error))
    except Exception:
        log.exception("lane_broke")


def _empty(scratch: Path) -> None:
    """Remove files that a killed host left behind."""
    scratch.mkdir(parents=True, exist_ok=True)
    for left in scratch.iterdir():
        shutil.rmtree(left, ignore_errors=True)
