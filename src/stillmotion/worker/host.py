"""Worker host: claims generations from the queue and has makers render them."""

import asyncio
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import structlog

from stillmotion.application.ports.store import Engines
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.models.holdings import Holding
from stillmotion.domain.models.states import ModelStateName
from stillmotion.domain.operators.processes import LaneReport
from stillmotion.worker.attempt import Attempt
from stillmotion.worker.attempt_context import AttemptContext
from stillmotion.worker.devices import Device
from stillmotion.worker.input_stage import POLL, InputStage
from stillmotion.worker.lane_board import LaneBoard
from stillmotion.worker.lanes import AnyModel, Stints
from stillmotion.worker.makers.local import LocalMaker
from stillmotion.worker.makers.remote import RemoteMaker, Successor
from stillmotion.worker.model_desk import LOOK, LaneModel, ModelDesk
from stillmotion.worker.renderer.handle import RendererDied, RendererProcess
from stillmotion.worker.stands import NewRenderer, Stand

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 10.0
LONGEST_FORWARD_PAUSE_SECONDS = 5.0
"""Longest pause before a server in trouble is asked again, while its work goes to another."""

DEVICE_PAUSE = timedelta(seconds=30)
"""Pause between tries to load a model that failed to load; each try may take minutes."""

log = structlog.get_logger(__name__)


class WorkerHost:
    """Host of `lanes` renderers side by side, one generation each, until it is drained.

    A renderer is started before there is work and kept warm. Every claim is carried to an end: completed, failed, or
    handed back. `new_renderer` makes a renderer that is not ready yet. Each of `devices` has a lane of its own, and
    each of `forwarders` as many as its server takes at once. `desk` takes an operator's wishes for the models on
    devices. Without work for `idle_after` a model is unloaded. `elsewhere` are engines of others than this host, which
    its own lanes leave alone. Once it is `dismissed`, its process may end.
    """

    def __init__(
        self,
        workshop: AttemptContext,
        new_renderer: NewRenderer = RendererProcess,
        lanes: int = 1,
        forwarders: Sequence[RemoteMaker] = (),
        devices: Sequence[Device] = (),
        desk: ModelDesk | None = None,
        idle_after: timedelta | None = None,
        elsewhere: frozenset[str] = frozenset(),
    ) -> None:
        self._workshop = workshop
        self._forwarders = forwarders
        elsewhere = elsewhere.union(each.entry.engine_name for each in forwarders)
        self._others = Engines(elsewhere.union(*(device.engines for device in devices)), others=True)
        stage = InputStage(workshop, AnyModel(self._others), lanes, _nobody_else)
        self._desk = desk
        self._stands = [Stand(f"renderer {number}", new_renderer, stage) for number in range(lanes)]
        for each in devices:
            stage = InputStage(workshop, Stints(each.engines), 1, _nobody_else)
            model = LaneModel(each, workshop.clock, desk, idle_after)
            self._stands.append(Stand(each.name, each.new_renderer, stage, model))
        self._forward_stages = [
            InputStage(workshop, AnyModel(each.engines), each.at_once, each.forget, each.limit) for each in forwarders
        ]
        self._board = LaneBoard(workshop.clock)
        for stand in self._stands:
            self._board.set_up(stand.name)
        for forwarder in forwarders:
            for number in range(forwarder.at_once):
                self._board.set_up(_name_of_lane(forwarder, number), forwarder.entry.engine_name)
        self._offered: dict[str, tuple[str, ...]] = {}
        self._lanes: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()
        self.dismissed = asyncio.Event()

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
        return any(stand.is_able for stand in self._stands) and not self._stopping.is_set()

    @property
    def engines(self) -> tuple[str, ...]:
        """Engines that it makes clips of now: those in trouble, or whose renderers have not started, are left out."""
        here = {engine for each in self._stands if each.is_able for engine in self._offered.get(each.name, ())}
        return tuple(sorted(here.union(each.entry.engine_name for each in self._forwarders if each.trouble is None)))

    @property
    def lanes(self) -> tuple[LaneReport, ...]:
        """Its lanes, and the generation that each makes."""
        return self._board.reports

    @property
    def held(self) -> frozenset[str]:
        """Ids of all generations that are claimed here and unfinished."""
        return frozenset[str]().union(*(each.held for each in self._stages))

    def trouble_with(self, engine: str) -> str | None:
        """Reason why no device makes that engine's clips now; None where one does, or for an engine without device."""
        stands = [each for each in self._stands if each.device is not None and engine in each.device.engines]
        troubles = {each.name: each.trouble_with(engine) for each in stands}
        if not all(troubles.values()):
            return None
        return "; ".join(f"{name}: {trouble}" for name, trouble in troubles.items()) or None

    @property
    def holdings(self) -> list[Holding]:
        """The models of all lanes, and their states."""
        there = [Holding(each.entry.name, each.entry.engine_name, *_reached(each.trouble)) for each in self._forwarders]
        return [holding for stand in self._stands for holding in stand.holdings] + there

    async def run(self) -> None:
        """Work until `drain`. A cancelled call hands unfinished generations back."""
        await asyncio.to_thread(_empty, self._workshop.scratch)
        try:
            async with asyncio.TaskGroup() as group:
                aside = [group.create_task(self._sweep()), group.create_task(self._tell())]
                self._lanes = [group.create_task(self._lane(stand)) for stand in self._stands]
                for each, stage in zip(self._forwarders, self._forward_stages, strict=True):
                    self._lanes += [
                        group.create_task(self._forward_lane(each, stage, number)) for number in range(each.at_once)
                    ]
                await (asyncio.wait(self._lanes) if self._lanes else self._stopping.wait())
                for task in aside:
                    task.cancel()
        finally:
            await self._clear_stages()
            for forwarder in self._forwarders:
                await forwarder.close()
            if self._desk is not None:
                await self._desk.tell(())
            self._stopped.set()

    async def drain(self, grace: timedelta) -> None:
        """Stop claiming, and let running renders end within `grace`, or else hand them back.

        Attempts that wait for slow inputs are handed back at once.
        """
        self._stopping.set()
        self._workshop.signal.wake()
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

    async def _lane(self, stand: Stand) -> None:
        pause = FIRST_PAUSE_SECONDS
        try:
            while not self._stopping.is_set():
                rested = False
                with _lane_goes_on():
                    await self._settle(stand)
                    rested = await self._work_once(stand)
                pause = FIRST_PAUSE_SECONDS if rested else await self._pause(pause)
        finally:
            stand.is_able = False
            await stand.renderer.stop()

    async def _settle(self, stand: Stand) -> None:
        """Have the lane's renderer running, unless its model is to be unloaded: then it is stopped.

        The whole process ends: no memory of a device is left with it.
        """
        model = stand.model
        if model is not None:
            is_replaced = await model.consider()
            if stand.renderer.alive and (is_replaced or model.wanted is None):
                log.info("model_unloaded", lane=stand.name)
                await stand.renderer.stop()
        if not stand.rests:
            await self._running(stand)

    async def _running(self, stand: Stand) -> None:
        """Start the lane's renderer, or a new one if it has ended. Raises `Unavailable` if none can be started."""
        if stand.renderer.alive and stand.is_able:
            return
        if stand.renderer.ended:
            await stand.renderer.kill()
            stand.renew()
        renderer = stand.renderer
        try:
            ready = await renderer.start()
        except (RendererDied, OSError) as error:
            stand.failed(str(error))
            said = error.last_words if isinstance(error, RendererDied) else ()
            log.critical("renderer_not_started", lane=stand.name, why=str(error), said=said)
            if not any(other.is_able for other in self._stands if other.stage is stand.stage):
                await stand.stage.hand_back()
            if stand.device is not None:
                await self._stand_back(stand.device)
            raise Unavailable("no renderer can be started") from error
        stand.started(ready)
        meant = self._others if stand.device is None else Engines(frozenset(stand.device.engines), others=False)
        self._offered[stand.name] = tuple(filter(meant.include, ready.engines))
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

    async def _work_once(self, stand: Stand) -> bool:
        """Carry out one generation, or wait for one. Returns False if the lane should pause."""
        if self._stopping.is_set():
            return True
        if stand.device is not None:
            await self._hand_on(stand.device, stand.unfit_models)
        attempt = await stand.stage.next()
        if attempt is None:
            return True
        engine = attempt.generation.engine
        if stand.model is not None:
            stand.model.use(engine)
            await self._woken(stand, attempt)
        with self._board.at_work(stand.name, attempt.generation):
            return await attempt.carry_on(LocalMaker(stand.renderer, stand.entry(engine)))

    async def _woken(self, stand: Stand, attempt: Attempt) -> None:
        """Have the renderer of a lane that rested running. An attempt without one is handed back."""
        try:
            await self._running(stand)
        except BaseException:
            await attempt.hand_back()
            raise

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

    async def _tell(self) -> None:
        """Tell the store which models are held, at intervals."""
        while self._desk is not None:
            await self._desk.tell(self.holdings)
            await asyncio.sleep(LOOK.total_seconds())

    async def _sweep(self) -> None:
        """Remove inputs of finished generations, at intervals."""
        work, fetched = self._workshop.work, self._workshop.fetched
        while True:
            await asyncio.sleep(self._workshop.timing.reclaim.total_seconds())
            try:
                await fetched.sweep(work.is_over, self.held)
            except Unavailable as error:
                log.warning("inputs_not_swept", why=str(error))


def _name_of_lane(forwarder: RemoteMaker, number: int) -> str:
    return f"{forwarder.entry.name} {number}"


def _reached(trouble: str | None) -> tuple[ModelStateName, str | None]:
    """State of another server's model."""
    return (ModelStateName.READY if trouble is None else ModelStateName.UNAVAILABLE), trouble


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
