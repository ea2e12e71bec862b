"""Input files of a generation: its pictures, and the earlier clips that it is made from."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stillmotion.application.leases import Work
from stillmotion.application.ports.objects import ObjectStore
from stillmotion.application.ports.outbound import ImageSource
from stillmotion.domain.assets import Asset
from stillmotion.domain.failures import FailureKind
from stillmotion.domain.generation import Generation
from stillmotion.domain.request import Keyframe, Purpose
from stillmotion.worker.inputs.fetched import Fetched
from stillmotion.worker.inputs.slow_pictures import make_plain
from stillmotion.worker.renderer.protocol import KeyframeFile, SourceFiles


@dataclass(slots=True)
class InputFiles:
    """Fetches one generation's pictures and clips into its folder, and files from strangers' servers into `fetched`.

    `bring` sets `frame0` and `frame1`, the keyframes of a new clip, or `source`, the clip to upscale or reframe.
    """

    work: Work
    images: ImageSource
    videos: ImageSource
    objects: ObjectStore
    fetched: Fetched
    generation: Generation
    directory: Path
    frame0: KeyframeFile | None = None
    frame1: KeyframeFile | None = None
    source: SourceFiles | None = None

    async def bring(self) -> None:
        """Fetch all files. Raises `GenerationFailed` for a file that is gone, `Unavailable` if this machine fails."""
        request = self.generation.request
        await asyncio.to_thread(self.directory.mkdir, parents=True, exist_ok=True)
        if request.purpose is Purpose.VIDEO:
            self.frame0 = await self._keyframe("frame0", request.frame0)
            self.frame1 = await self._keyframe("frame1", request.frame1)
        else:
            self.source = await self._source()

    async def make_plain(self, decoder: Sequence[str]) -> None:
        """Replace the pictures with files that decode quickly. Raises as `slow_pictures.make_plain` does."""
        for each in (self.frame0, self.frame1):
            if each is not None and not each.is_clip:
                await make_plain(Path(each.path), decoder)

    async def output(self) -> Path:
        """Folder for the finished files, which exists when this returns."""
        output = self.directory / "output"
        await asyncio.to_thread(output.mkdir, parents=True, exist_ok=True)
        return output

    async def _keyframe(self, name: str, keyframe: Keyframe | None) -> KeyframeFile | None:
        """File of a keyframe, called `name`; None without one."""
        match keyframe:
            case Keyframe(url=str(url)):
                return KeyframeFile(await self._fetched(name, self.images, url))
            case Keyframe(key=str(key)):
                return KeyframeFile(await self._stored_picture(key, name))
            case Keyframe(id=str(earlier_id)):
                earlier, assets = await self.work.earlier(self.generation, earlier_id)
                return KeyframeFile(await self._clip(assets.video, name), is_clip=True, plan=earlier.plan)
        assert keyframe is None, "pictures are in object storage before their generation is queued"
        return None

    async def _source(self) -> SourceFiles:
        """Files of the clip to upscale or reframe: an earlier generation of the same owner, or a stranger's video."""
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
            raise FailureKind.SOURCE_VIDEO_GONE.error() from None
        if await asyncio.to_thread(_digest, path) != asset.digest:
            raise FailureKind.SOURCE_DAMAGED.error()
        return path

    async def _stored_picture(self, key: str, name: str) -> str:
        path = str(self.directory / name)
        try:
            await self.objects.fetch_file(key, path)
        except KeyError:
            raise FailureKind.IMAGE_GONE.error() from None
        return path


def _digest(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
