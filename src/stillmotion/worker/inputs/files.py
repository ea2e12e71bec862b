"""What a generation is made from, as files: its pictures, and clips that were made before."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stillmotion.application.ports.objects import ObjectStore
from stillmotion.application.ports.outbound import ImageSource
from stillmotion.application.work import Work
from stillmotion.domain.assets import Asset
from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.generation import Generation
from stillmotion.domain.request import Keyframe, Purpose
from stillmotion.worker.inputs.fetched import Fetched
from stillmotion.worker.inputs.slow_pictures import make_plain


@dataclass(frozen=True, slots=True)
class KeyframeFile:
    """A keyframe's file, and the plan of the clip that it is one of."""

    path: str | None = None
    is_clip: bool = False
    plan: str = ""


@dataclass(frozen=True, slots=True)
class SourceFiles:
    """A clip's files and the plan that it was made by, as far as there are: of somebody else's there is the video."""

    video: str
    thumbnail: str | None = None
    plan: str = ""


@dataclass(slots=True)
class InputFiles:
    """Brings one generation's pictures and clips: into its own folder, and what strangers have into `fetched`.

    `frame0` and `frame1` are a new clip's keyframes, `source` what another clip is made from: there after `bring`.
    """

    work: Work
    images: ImageSource
    videos: ImageSource
    objects: ObjectStore
    fetched: Fetched
    generation: Generation
    directory: Path
    frame0: KeyframeFile = KeyframeFile()
    frame1: KeyframeFile = KeyframeFile()
    source: SourceFiles | None = None

    async def bring(self) -> None:
        """Fetch all. Raises `GenerationFailed` for what is gone, `Unavailable` where this machine is the hindrance."""
        request = self.generation.request
        await asyncio.to_thread(self.directory.mkdir, parents=True, exist_ok=True)
        if request.purpose is Purpose.VIDEO:
            self.frame0 = await self._keyframe("frame0", request.frame0)
            self.frame1 = await self._keyframe("frame1", request.frame1)
        else:
            self.source = await self._source()

    async def make_plain(self, decoder: Sequence[str]) -> None:
        """Make the pictures into files that are decoded in no time. Raises as `slow_pictures.make_plain` does."""
        for each in (self.frame0, self.frame1):
            if each.path is not None and not each.is_clip:
                await make_plain(Path(each.path), decoder)

    async def output(self) -> Path:
        """The folder for what is made; it is there."""
        output = self.directory / "output"
        await asyncio.to_thread(output.mkdir, parents=True, exist_ok=True)
        return output

    async def _keyframe(self, name: str, keyframe: Keyframe | None) -> KeyframeFile:
        """A keyframe's file, called `name`."""
        path = self.directory / name
        match keyframe:
            case None:
                return KeyframeFile()
            case Keyframe(url=str(url)):
                return KeyframeFile(await self._fetched(name, self.images, url))
            case Keyframe(key=str(key)):
                await self._stored_picture(key, path)
            case Keyframe(id=str(earlier_id)):
                earlier, assets = await self.work.earlier(self.generation, earlier_id)
                return KeyframeFile(await self._clip(assets.video, name), True, earlier.plan)
        return KeyframeFile(str(path))

    async def _source(self) -> SourceFiles:
        """The files of what is upscaled or reframed: an earlier generation of the same owner, or a caller's video."""
        request = self.generation.request
        if request.source is None:
            assert request.source_url is not None, "a request to reframe names what"
            return SourceFiles(await self._fetched("source", self.videos, request.source_url))
        earlier, assets = await self.work.earlier(self.generation, request.source)
        video = await self._clip(assets.video, "source")
        return SourceFiles(video, await self._clip(assets.thumbnail, "thumbnail"), earlier.plan)

    async def _fetched(self, name: str, source: ImageSource, url: str) -> str:
        return await self.fetched.file(self.generation.id, name, lambda path: source.fetch(url, path))

    async def _clip(self, asset: Asset, name: str) -> str:
        path = str(self.directory / name)
        try:
            await self.objects.fetch_file(asset.key, path)
        except KeyError:
            raise GenerationFailed(
                "source_gone", "The earlier generation's video is no longer stored: generate it again."
            ) from None
        if await asyncio.to_thread(_digest, path) != asset.digest:
            raise GenerationFailed(
                "source_damaged", "The earlier generation's video is damaged in storage: generate it again."
            )
        return path

    async def _stored_picture(self, key: str, path: Path) -> None:
        try:
            await self.objects.fetch_file(key, str(path))
        except KeyError:
            raise GenerationFailed("image_gone", "The uploaded image is no longer stored: upload it again.") from None


def _digest(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
