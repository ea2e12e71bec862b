"""Attempt: one claimed generation up to its end, with its lease kept alive."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import structlog

from stillmotion.application.failpoints import Point
from stillmotion.application.leases import AssetKeys, Rendered
from stillmotion.application.metrics import ATTEMPTS, QUEUE_WAIT, RENDER, Series
from stillmotion.application.ports.tracing import (
    Attributes,
    SpanKind,
    TraceSpan,
    UntracedSpan,
    about,
)
from stillmotion.domain.errors import (
    GenerationFailed,
    GenerationNotFound,
    IllegalTransition,
    LeaseLost,
    Unavailable,
)
from stillmotion.domain.failures import FailureKind
from stillmotion.domain.generation import Generation, WorkStage
from stillmotion.worker.attempt_context import AttemptContext
from stillmotion.worker.inputs.files import InputFiles
from stillmotion.worker.lease_keeper import LeaseKeeper
from stillmotion.worker.makers.port import HandedOn, Job, Maker, SlowInput
from stillmotion.worker.preview_store import PreviewStore
from stillmotion.worker.renderer.handle import RendererDied
from stillmotion.worker.renderer.steps import RenderStep

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 10.0
"""Pauses between tries to record an end while the store or the storage is away (exponential back-off)."""

DECODED_WITHIN_SECONDS = 1.0
"""Deadline for decoding a picture in a lane. A slower picture is decoded without one."""

MIDWAY = 0.5
"""Progress at which the failpoint of a running render lies."""

Ending = Rendered | GenerationFailed | HandedOn | Unavailable
"""Outcome of an attempt: a clip, a failure, work for another engine, or None for an interruption."""

_Result = TypeVar("_Result")

log = structlog.get_logger(__name__)


class Attempt:
    """A claimed generation: a task of its own, from the claim to its end.

    It fetches its inputs, calls `tell`, and waits for a lane with a maker. If a picture takes long to decode there, it
    calls `set_aside`, leaves the lane, has the picture decoded without one, and waits again; this happens once. After a
    cancel `forget` stops the work on another server.
    """

    def __init__(
        self,
        workshop: AttemptContext,
        generation: Generation,
        tell: Callable[[], None],
        forget: Callable[[str], Awaitable[None]],
        set_aside: Callable[["Attempt"], None],
    ) -> None:
        self._workshop, self.generation, self._tell, self._forget = workshop, generation, tell, forget
        self._set_aside = set_aside
        self._lease = workshop.work.lease_of(generation)
        self._directory = workshop.scratch / f"{generation.id}.{generation.attempt}"
        self._inputs = InputFiles(
            workshop.work,
            workshop.images,
            workshop.videos,
            workshop.objects,
            workshop.fetched,
            generation,
            self._directory,
        )
        self._maker: asyncio.Future[Maker] = asyncio.get_running_loop().create_future()
        self._left = asyncio.Event()
        self._over = asyncio.Event()
        self.began = workshop.clock.monotonic()
        self.is_ready = False
        self._traced: TraceSpan = UntracedSpan()
        self._log = log.bind(generation=generation.id, attempt=generation.attempt, engine=generation.engine)
        self._showcase = PreviewStore(
            workshop.objects,
            workshop.work.new_preview(self._lease),
            self._log,
            workshop.timing.preview_removal,
            workshop.clock if workshop.previews_on_demand else None,
        )
        self._keeper = LeaseKeeper(
            workshop.work,
            self._lease,
            workshop.signal,
            workshop.clock,
            self._showcase,
            self._log,
            workshop.timing,
        )
        self.task = asyncio.create_task(self._carry_out())

    async def carry_on(self, maker: Maker) -> bool:
        """Let `maker` make the clip, until the attempt ends or leaves the lane.

        Returns False if this machine was to blame and should pause. A cancelled call hands the generation back.
        """
        self._left.clear()
        if not self._maker.done():
            self._maker.set_result(maker)
        leaving = asyncio.create_task(self._left.wait())
        try:
            await asyncio.wait({self.task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await self.hand_back()
            raise
        finally:
            leaving.cancel()
        return self._left.is_set() or await self.task

    async def hand_back(self) -> None:
        """Stop, and return the generation to the queue."""
        self.task.cancel()
        await asyncio.wait({self.task})

    async def _carry_out(self) -> bool:
        """Carry the generation to its end. Cancelled from outside, hand it back to the queue."""
        self._log.info("generation_claimed")
        if self.generation.attempt == 1:
            self._observe(QUEUE_WAIT, (self._workshop.clock.now() - self.generation.created_at).total_seconds())
        self._workshop.announcements.notify()
        try:
            with self._span() as self._traced:
                return await self._while_leased()
        except asyncio.CancelledError:
            await self._released()
            raise
        finally:
            self._workshop.announcements.notify()
            await self._showcase.clear()
            await self._tidy()

    def _span(self) -> AbstractContextManager[TraceSpan]:
        """The span of this attempt, in the trace of the submit."""
        generation = self.generation
        attributes: Attributes = {
            **about(generation, "process"),
            "stillmotion.engine": generation.engine,
            "stillmotion.attempt": generation.attempt,
        }
        return self._workshop.tracing.span(
            "process generations", SpanKind.CONSUMER, attributes, caused_by=generation.traceparent
        )

    async def _tidy(self) -> None:
        await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)
        with suppress(Unavailable):  # The host looks again.
            if await self._workshop.work.is_over(self.generation.id):
                await self._workshop.fetched.forget(self.generation.id)

    async def _while_leased(self) -> bool:
        ending: Ending | None = None
        try:
            async with asyncio.TaskGroup() as group:
                renewing = group.create_task(self._keeper.keep())
                ending = await self._ending()
                # Before the end is written: were this process killed between the two, nothing would name the preview.
                await self._showcase.clear()
                await self._write_down(ending)
                renewing.cancel()
        except* (LeaseLost, IllegalTransition, GenerationNotFound):
            # Cancelled or deleted by its owner, or another worker has it: the result is nobody's.
            self._log.info("lease_lost")
            self._count("cancelled")
            await self._let_go()
        return not isinstance(ending, Unavailable)

    async def _ending(self) -> Ending:
        try:
            maker = await self._lane()
            try:
                return await self._made(maker, DECODED_WITHIN_SECONDS)
            except SlowInput:
                return await self._made(await self._other_lane(), None)
        except GenerationFailed as failure:
            return failure
        except HandedOn as handed_on:
            return handed_on
        except RendererDied as death:
            self._log.error(
                "renderer_died", stage=death.stage, exit_code=death.exit_code, why=death.why, said=death.last_words
            )
            return death.as_failure() if death.was_at_work else Unavailable("the renderer was gone")
        except Unavailable as hindrance:
            return hindrance
        except OSError as error:
            return Unavailable(f"the scratch folder cannot be used: {error.strerror}")
        except Exception:
            self._log.exception("attempt_broke")
            return FailureKind.INTERNAL_ERROR.error()

    async def _made(self, maker: Maker, decoded_within: float | None) -> Rendered:
        monotonic = self._workshop.clock.monotonic
        began = monotonic()
        made = await maker.make(self._job(decoded_within))
        self._observe(RENDER, monotonic() - began)
        return made

    def _count(self, outcome: str) -> None:
        self._workshop.tally.count(ATTEMPTS, outcome)

    def _observe(self, series: Series, seconds: float) -> None:
        self._workshop.tally.observe(series, seconds, self.generation.engine, self.generation.request.model)

    def _job(self, decoded_within: float | None) -> Job:
        codec = self.generation.request.codec or self._workshop.codec
        return Job(self.generation, self._inputs, codec, self._log, self, decoded_within)

    async def _other_lane(self) -> Maker:
        """Leave the lane, have the pictures decoded without one, and wait for the next."""
        self.enters(WorkStage.LOADING)
        self._log.info("generation_set_aside")
        self.is_ready, self._maker = False, asyncio.get_running_loop().create_future()
        self._set_aside(self)
        self._left.set()
        await self._inputs.make_plain(self._workshop.slow_decoder)
        self._wait_for_lane()
        return await self._maker

    async def _lane(self) -> Maker:
        """Fetch the inputs, unless another server has them already, and wait for a lane."""
        if not self.generation.remote:
            with self._workshop.tracing.span("fetch"):
                await self._inputs.bring()
        self._wait_for_lane()
        return await self._maker

    def _wait_for_lane(self) -> None:
        self.is_ready = True
        self.enters(WorkStage.WAITING)
        self._tell()

    def came_so_far(self, fraction: float) -> None:
        """See `ProgressSink`."""
        if self._keeper.fraction < MIDWAY <= fraction:
            self._workshop.fault(Point.HOST_MIDWAY)
        self._keeper.fraction = fraction

    def enters(self, stage: WorkStage) -> None:
        """See `ProgressSink`."""
        self._keeper.enters(stage)

    def shows(self, picture: Path) -> None:
        """See `ProgressSink`."""
        self._showcase.take(picture)

    def took(self, steps: Sequence[RenderStep]) -> None:
        """See `ProgressSink`."""
        for each in steps:
            self._workshop.tracing.past(each.name, each.began, each.ended)

    async def remember(self, remote: str) -> None:
        """See `ProgressSink`."""
        self.generation = replace(self.generation, remote=remote)
        await self._insist(lambda: self._workshop.work.remember(self._lease, remote))

    async def _write_down(self, ending: Ending) -> None:
        work, lease = self._workshop.work, self._lease
        match ending:
            case Rendered():
                try:
                    with self._workshop.tracing.span("store"):
                        await self._publish(ending)
                except GenerationFailed as failure:
                    await self._write_down(failure)
                else:
                    self._count("completed")
                    self._log.info("generation_completed")
            case GenerationFailed():
                after = await self._insist(lambda: work.fail(lease, ending))
                self._count("failed")
                self._traced.fail(ending.code)
                self._log.warning("attempt_failed", code=ending.code, reason=ending.reason, state=after.state)
            case HandedOn() if await work.others_make(self.generation.engine):
                # The trouble may be this machine's alone: another one tries.
                await self._write_down(Unavailable(str(ending)))
            case HandedOn(engine=engine):
                self._log.warning("generation_handed_on", to=engine, why=str(ending))
                await self._insist(lambda: work.hand_on(lease, engine))
                self._count("handed_on")
                self._traced.fail("handed_on")
                self._workshop.signal.notify()
            case Unavailable():
                self._log.warning("attempt_hindered", why=str(ending))
                await self._insist(lambda: work.release(lease))
                self._count("hindered")
                self._traced.fail("hindered")

    async def _publish(self, rendered: Rendered) -> None:
        """Publish the result. A cancelled call leaves no object behind: a running upload ends first, as it cannot stop.

        If storage is slow to remove the objects, they become orphans for the sweep.
        """
        work, lease = self._workshop.work, self._lease
        await self._keeper.tell(WorkStage.STORING)
        keys = work.new_keys(lease)
        publishing = asyncio.create_task(self._insist(lambda: work.complete(lease, rendered, keys)))
        try:
            # From Python 3.14 on `shield` would log the error of a result that is withdrawn; `wait` leaves it alone.
            await asyncio.wait({publishing})
            publishing.result()
        except asyncio.CancelledError:
            self._over.set()
            leaving = asyncio.create_task(self._withdraw(publishing, keys))
            await asyncio.wait({leaving}, timeout=self._workshop.timing.preview_removal.total_seconds())
            raise

    async def _withdraw(self, publishing: "asyncio.Task[Generation]", keys: AssetKeys) -> None:
        await asyncio.gather(publishing, return_exceptions=True)
        try:
            await self._workshop.work.withdraw(self._lease, keys)
        except Unavailable as error:
            self._log.info("result_not_removed", why=str(error))

    async def _insist(self, write: Callable[[], Awaitable[_Result]]) -> _Result:
        """Record an end, however long the store is away. The lease is kept meanwhile."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return await write()
            except Unavailable as error:
                self._log.warning("end_not_written", why=str(error))
                if await self._is_over_within(pause):
                    raise
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _is_over_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._over.wait()
        except TimeoutError:
            return False

    async def _let_go(self) -> None:
        """Stop the work on another server after a cancel. After a lost lease another worker may still need it."""
        if not self.generation.remote:
            return
        try:
            if not await self._workshop.work.is_wanted(self._lease):
                await self._forget(self.generation.remote)
        except Unavailable as error:
            self._log.info("not_cancelled_elsewhere", why=str(error))

    async def _released(self) -> None:
        try:
            await self._workshop.work.release(self._lease)
        except (LeaseLost, IllegalTransition, GenerationNotFound, Unavailable) as error:
            self._log.info("not_handed_back", why=str(error))
        else:
            self._count("handed_back")
            self._log.info("handed_back")
