"""What a generation is made from, as files: its pictures, and clips that were made before."""

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path

from stillmotion.application.ports import ImageSource, ObjectStore
from stillmotion.application.work import Work
from stillmotion.domain.assets import Asset
from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.generation import Generation
from stillmotion.domain.keyframes import (
    GenerationKeyframe,
    ImageKeyframe,
    InlineKeyframe,
    Keyframe,
    StoredKeyframe,
)


@dataclass(frozen=True, slots=True)
class KeyframeFile:
    """A keyframe's file, and the plan of the clip that it is one of."""

    path: str | None = None
    is_clip: bool = False
    plan: str = ""


@dataclass(frozen=True, slots=True)
class EarlierFiles:
    """A finished clip's files, and the plan that it was made by."""

    video: str
    thumbnail: str
    plan: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """Brings one generation's pictures and clips into its own folder. Whatever is gone raises `GenerationFailed`."""

    work: Work
    images: ImageSource
    objects: ObjectStore
    generation: Generation
    directory: Path

    async def output(self) -> Path:
        """The folder for what is made; it is there."""
        output = self.directory / "output"
        await asyncio.to_thread(output.mkdir, parents=True, exist_ok=True)
        return output

    async def keyframe(self, name: str, keyframe: Keyframe | None) -> KeyframeFile:
        """A keyframe's file, called `name`."""
        path = self.directory / name
        match keyframe:
            case None:
                return KeyframeFile()
            case ImageKeyframe(url=url):
                await self.images.fetch(url, str(path))
            case StoredKeyframe(key=key):
                await self._stored_picture(key, path)
            case InlineKeyframe(content=content):
                await asyncio.to_thread(path.write_bytes, content)
            case GenerationKeyframe(id=earlier_id):
                earlier, assets = await self.work.earlier(self.generation, earlier_id)
                return KeyframeFile(await self._clip(assets.video, name), True, earlier.plan)
        return KeyframeFile(str(path))

    async def earlier(self, earlier_id: str) -> EarlierFiles:
        """The files of a finished generation of the same owner."""
        earlier, assets = await self.work.earlier(self.generation, earlier_id)
        video = await self._clip(assets.video, "source")
        return EarlierFiles(video, await self._clip(assets.thumbnail, "thumbnail"), earlier.plan)

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
