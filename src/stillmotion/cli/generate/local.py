"""Local maker: clips by a renderer process of this command, without a server or a key."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from stillmotion.cli.generate.targets import Asked, ClipOrder, Made, Report, is_url, put_in_place
from stillmotion.composition.engines import renderers, video_codec
from stillmotion.composition.outbound import image_source
from stillmotion.config import Settings
from stillmotion.domain.errors import GenerationFailed, InvalidRequest, Problem, StillmotionError
from stillmotion.domain.request import DEFAULT_SECONDS, AspectRatio, GenerationRequest, Keyframe, Resolution, VideoCodec
from stillmotion.worker.renderer.handle import RendererDied, RendererProcess, RendererUnfit
from stillmotion.worker.renderer.protocol import Done, KeyframeFile, Progress, Render

ENGINE = "parallax/1"
_SHOWN_NAME = 80


class GenerateFailed(StillmotionError):
    """No clip was made: the message gives the reason and the remedy."""


@asynccontextmanager
async def here(asked: Asked, settings: Settings) -> AsyncIterator["Here"]:
    """Yield a local maker, and stop its renderer afterwards. Raises `InvalidRequest`."""
    maker = Here(asked, _request(asked), settings)
    try:
        yield maker
    finally:
        await maker.stop()


class Here:
    """Maker of one clip after the other, in one renderer that stays warm."""

    at_once = 1

    def __init__(self, asked: Asked, request: GenerationRequest, settings: Settings) -> None:
        self._asked = asked
        self._request = request
        self._settings = settings
        self._renderer: RendererProcess | None = None

    async def make(self, order: ClipOrder, report: Report) -> Made:
        """Make one clip. Raises `GenerateFailed`, `InvalidRequest` and `RendererUnfit`."""
        named = {"IMAGE": order.image, "--end": self._asked.end, "--depth": self._asked.depth}
        with TemporaryDirectory(prefix="stillmotion-") as folder:
            try:
                files = {
                    name: await self._picture(image, name, Path(folder, name.strip("-")))
                    for name, image in named.items()
                    if image
                }
                done = await self._render(folder, files, report)
            except RendererUnfit:
                raise
            except RendererDied as died:
                await self.stop()
                raise GenerateFailed(died.as_failure().reason) from died
            except GenerationFailed as failed:
                raise GenerateFailed(failed.reason) from failed
            clip = Path(done.video.path)
            size = clip.stat().st_size
            out = await put_in_place(clip, order.out)
        return Made(out, size, ENGINE, done.seconds, done.width, done.height, done.frames, done.plan)

    async def stop(self) -> None:
        """End the renderer in any state."""
        renderer, self._renderer = self._renderer, None
        if renderer is not None:
            await renderer.stop()

    async def _render(self, folder: str, files: Mapping[str, str], report: Report) -> Done:
        if self._renderer is None:
            self._renderer = renderers(self._settings)()
            await self._renderer.start()
        end = files.get("--end")
        message = Render(
            ticket=self._renderer.ticket(),
            engine=ENGINE,
            output=folder,
            request=replace(self._request, codec=self._request.codec or video_codec(self._settings)),
            frame0=KeyframeFile(files["IMAGE"]),
            frame1=None if end is None else KeyframeFile(end),
            depth=files.get("--depth"),
            depth_bright_is_far=self._asked.depth_bright_is_far,
        )

        preview: str | None = None

        def follow(progress: Progress) -> None:
            report(progress.stage.value, progress.fraction, preview)

        def look(picture: Path) -> None:
            nonlocal preview
            preview = str(picture)

        return await self._renderer.render(message, follow, look)

    async def _picture(self, image: str, named: str, fetched: Path) -> str:
        """The picture's file: the one named, the download of its URL, or a copy of one whose name is no Unicode."""
        if is_url(image):
            images = image_source(self._settings)
            images.connections.guard.check(named, image)
            await images.fetch(image, str(fetched))
            return str(fetched)
        if not os.path.isfile(image):  # noqa: PTH113 - pathlib's raises an error where a name is too long
            shown = image if len(image) <= _SHOWN_NAME else f"{image[:_SHOWN_NAME]}…"
            raise InvalidRequest(Problem(named, f"{shown} is not a file: give a picture's path or its URL"))
        if not os.access(image, os.R_OK):
            raise InvalidRequest(Problem(named, f"{image} may not be read: mend its permissions"))
        path = str(Path(image).resolve())
        if any("\ud800" <= each <= "\udfff" for each in path):
            await asyncio.to_thread(shutil.copyfile, path, fetched)  # The renderer is told of files in UTF-8.
            return str(fetched)
        return path


def _request(asked: Asked) -> GenerationRequest:
    request = GenerationRequest(
        prompt=asked.prompt,
        frame0=Keyframe(url="IMAGE"),
        frame1=Keyframe(url=asked.end) if asked.end else None,
        aspect_ratio=AspectRatio(asked.aspect) if asked.aspect else None,
        loop=asked.loop,
        seconds=DEFAULT_SECONDS if asked.seconds is None else asked.seconds,
        resolution=Resolution(asked.resolution) if asked.resolution else Resolution.P720,
        seed=asked.seed,
        concepts=asked.camera,
        codec=VideoCodec(asked.codec) if asked.codec else None,
    )
    request.check()
    return request
