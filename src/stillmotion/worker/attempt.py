"""One claimed generation, from its pictures to its end, while its lease is kept alive."""

import asyncio
import shutil
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import structlog

from stillmotion.application.faults import Fault, Point, no_fault
from stillmotion.application.ports import Clock, ImageSource, ObjectStore, QueueSignal
from stillmotion.application.work import Rendered, RenderedFile, Work
from stillmotion.domain.assets import Asset
from stillmotion.domain.errors import (
    GenerationFailed,
    GenerationNotFound,
    IllegalTransition,
    LeaseLost,
    StoreUnavailable,
    Unavailable,
)
from stillmotion.domain.generation import Generation
from stillmotion.domain.keyframes import (
    GenerationKeyframe,
    ImageKeyframe,
    InlineKeyframe,
    Keyframe,
    StoredKeyframe,
)
from stillmotion.domain.rendering import VideoCodec
from stillmotion.worker.messages import Done, File, Order, Progress, Render, Resample
from stillmotion.worker.renderer_process import RendererDied, RendererProcess

RENEW_EVERY = timedelta(seconds=1)
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 10.0
"""Between tries to write down an end while the store or the storage is away."""

MIDWAY = 0.5
"""The fraction done at which the fault point of a render under way lies."""

Ending = Rendered | GenerationFailed | Unavailable
"""What came of it: a clip, a failed attempt, or nothing, through no fault of its own."""

_Result = TypeVar("_Result")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Workshop:
    """What every attempt works with.

    `announcements` wakes whoever delivers callbacks; `scratch` is ours alone; `codec` is what clips are made in.
    """

    work: Work
    images: ImageSource
    objects: ObjectStore
    signal: QueueSignal
    announcements: QueueSignal
    clock: Clock
    scratch: Path
    codec: VideoCodec = VideoCodec.H264
    fault: Fault = no_fault


class Attempt:
    """A generation that was claimed, and the renderer that is to make it."""

    def __init__(self, workshop: Workshop, renderer: RendererProcess, generation: Generation) -> None:
        self._workshop, self._renderer, self._generation = workshop, renderer, generation
        self._lease = generation.lease
        self._directory = workshop.scratch / f"{generation.id}.{generation.attempt}"
        self._fraction = 0.0
        self._log = log.bind(generation=generation.id, attempt=generation.attempt, engine=generation.engine)

    async def carry_out(self) -> bool:
        """See it to an end; false where this machine was the hindrance and had better rest.

        Cancelled from outside, it stops the render and hands the generation back.
        """
        self._log.info("generation_claimed")
        self._workshop.announcements.notify()
        try:
            return await self._while_leased()
        except asyncio.CancelledError:
            await self._hand_back()
            raise
        finally:
            self._workshop.announcements.notify()
            await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)

    async def _while_leased(self) -> bool:
        ending: Ending | None = None
        try:
            async with asyncio.TaskGroup() as group:
                renewing = group.create_task(self._keep_lease())
                ending = await self._ending()
                await self._write_down(ending)
                renewing.cancel()
        except* (LeaseLost, IllegalTransition, GenerationNotFound):
            # Cancelled or deleted by its owner, or another worker has it: the result is nobody's.
            self._log.info("lease_lost")
        return not isinstance(ending, Unavailable)

    async def _keep_lease(self) -> None:
        """Renew every second; look whenever there is a signal, so that a cancel is seen at once."""
        clock, work = self._workshop.clock, self._workshop.work
        renewed_at = clock.monotonic()
        while True:
            left = RENEW_EVERY.total_seconds() - (clock.monotonic() - renewed_at)
            try:
                if left > 0:
                    await self._workshop.signal.wait(timedelta(seconds=left))
                    if not await work.holds(self._lease):
                        raise LeaseLost("it was cancelled, deleted or taken")
                else:
                    renewed_at = clock.monotonic()
                    await work.renew(self._lease, self._fraction)
            except StoreUnavailable as error:
                self._log.warning("lease_not_renewed", why=str(error))
                renewed_at = clock.monotonic()

    async def _ending(self) -> Ending:
        try:
            done = await self._renderer.render(await self._order(), self._came_so_far)
        except GenerationFailed as failure:
            return failure
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
            return GenerationFailed("internal_error", "The server failed on this generation.", permanent=False)
        self._log.info("rendered", seconds=round(done.seconds, 3), frames=done.frames, bytes=done.video.size)
        return _rendered(done)

    async def _order(self) -> Order:
        output = self._directory / "output"
        await asyncio.to_thread(output.mkdir, parents=True, exist_ok=True)
        source = self._generation.request.source
        return await self._render(output) if source is None else await self._resample(output, source)

    async def _render(self, output: Path) -> Render:
        request = self._generation.request
        frame0, frame1 = await self._picture("frame0", request.frame0), await self._picture("frame1", request.frame1)
        return Render(
            ticket=self._renderer.ticket(),
            engine=self._generation.engine,
            prompt=request.prompt,
            output=str(output),
            frame0=frame0.path,
            frame1=frame1.path,
            aspect_ratio=request.aspect_ratio,
            resolution=request.resolution,
            seconds=request.seconds,
            loop=request.loop,
            seed=_seed(self._generation),
            concepts=request.concepts,
            frame0_is_clip=frame0.is_clip,
            frame1_is_clip=frame1.is_clip,
            frame0_plan=frame0.plan,
            frame1_plan=frame1.plan,
            codec=self._workshop.codec,
        )

    async def _resample(self, output: Path, source: str) -> Resample:
        request = self._generation.request
        earlier, assets = await self._workshop.work.earlier(self._generation, source)
        return Resample(
            ticket=self._renderer.ticket(),
            purpose=request.purpose,
            output=str(output),
            video=await self._clip(assets.video, "source"),
            thumbnail=await self._clip(assets.thumbnail, "thumbnail"),
            plan=earlier.plan,
            aspect_ratio=request.aspect_ratio,
            resolution=request.resolution,
            placement=request.placement,
            codec=self._workshop.codec,
        )

    async def _picture(self, name: str, keyframe: Keyframe | None) -> "_Keyframe":
        path = self._directory / name
        match keyframe:
            case None:
                return _Keyframe()
            case ImageKeyframe(url=url):
                await self._workshop.images.fetch(url, str(path))
            case StoredKeyframe(key=key):
                await self._stored_picture(key, path)
            case InlineKeyframe(content=content):
                await asyncio.to_thread(path.write_bytes, content)
            case GenerationKeyframe(id=earlier_id):
                earlier, assets = await self._workshop.work.earlier(self._generation, earlier_id)
                return _Keyframe(await self._clip(assets.video, name), True, earlier.plan)
        return _Keyframe(str(path))

    async def _clip(self, asset: Asset, name: str) -> str:
        """An earlier generation's file, fetched."""
        path = str(self._directory / name)
        try:
            await self._workshop.objects.fetch_file(asset.key, path)
        except KeyError:
            raise GenerationFailed(
                "source_gone", "The earlier generation's video is no longer stored: generate it again."
            ) from None
        return path

    async def _stored_picture(self, key: str, path: Path) -> None:
        try:
            await self._workshop.objects.fetch_file(key, str(path))
        except KeyError:
            raise GenerationFailed("image_gone", "The uploaded image is no longer stored: upload it again.") from None

    def _came_so_far(self, progress: Progress) -> None:
        if self._fraction < MIDWAY <= progress.fraction:
            self._workshop.fault(Point.HOST_MIDWAY)
        self._fraction = progress.fraction

    async def _write_down(self, ending: Ending) -> None:
        work, lease = self._workshop.work, self._lease
        match ending:
            case Rendered():
                keys = work.new_keys(lease)
                await self._insist(lambda: work.complete(lease, ending, keys))
                self._log.info("generation_completed")
            case GenerationFailed():
                after = await self._insist(lambda: work.fail(lease, ending))
                self._log.warning("attempt_failed", code=ending.code, reason=ending.reason, state=after.state)
            case Unavailable():
                self._log.warning("attempt_hindered", why=str(ending))
                await self._insist(lambda: work.release(lease))

    async def _insist(self, write: Callable[[], Awaitable[_Result]]) -> _Result:
        """Write down an end however long the store is away: the lease is kept meanwhile."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return await write()
            except Unavailable as error:
                self._log.warning("end_not_written", why=str(error))
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _hand_back(self) -> None:
        try:
            await self._workshop.work.release(self._lease)
        except (LeaseLost, IllegalTransition, GenerationNotFound, Unavailable) as error:
            self._log.info("not_handed_back", why=str(error))
        else:
            self._log.info("handed_back")


@dataclass(frozen=True, slots=True)
class _Keyframe:
    """A keyframe's file, and the plan of the clip that it is one of."""

    path: str | None = None
    is_clip: bool = False
    plan: str = ""


def _seed(generation: Generation) -> int:
    """The asked seed, or one of the generation's own: a second attempt draws the same clip."""
    asked = generation.request.seed
    return asked if asked is not None else zlib.crc32(generation.id.encode())


def _rendered(done: Done) -> Rendered:
    return Rendered(_file(done.video), _file(done.thumbnail), done.plan)


def _file(file: File) -> RenderedFile:
    return RenderedFile(file.path, file.size, file.digest)
