"""Port of the makers: a claimed generation in, its files out."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from stillmotion.application.leases import Rendered, RenderedFile
from stillmotion.domain.errors import StillmotionError
from stillmotion.domain.generation import Generation, WorkStage
from stillmotion.domain.request import FrameSize, VideoCodec
from stillmotion.worker.inputs.files import InputFiles
from stillmotion.worker.renderer.protocol import Done, FinishedFile
from stillmotion.worker.renderer.steps import RenderStep


class HandedOn(StillmotionError):
    """Raised if this engine cannot make the clip now and another one, `engine`, will."""

    def __init__(self, engine: str, why: str) -> None:
        super().__init__(why)
        self.engine = engine


class SlowInput(StillmotionError):
    """Raised if a picture is not decoded within the job's `decoded_within` seconds. Nothing was made."""


class ProgressSink(Protocol):
    """Record of a maker's progress."""

    def shows(self, picture: Path) -> None:
        """Take a preview: a JPEG file, which is read soon and need not exist for long."""
        ...

    def came_so_far(self, fraction: float) -> None:
        """Take the fraction done, 0 to 1. It is stored with the next renewal of the lease."""
        ...

    def enters(self, stage: WorkStage) -> None:
        """Take the stage that the work is in from now on."""
        ...

    def took(self, steps: Sequence[RenderStep]) -> None:
        """Take the steps of a render that is over."""
        ...

    async def remember(self, remote: str) -> None:
        """Store the clip's id on another server: on disk when this returns. Raises `LeaseLost`."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """A generation to be made, and all that this takes. Its pictures are decoded within `decoded_within` seconds."""

    generation: Generation
    inputs: InputFiles
    codec: VideoCodec
    log: structlog.typing.FilteringBoundLogger
    ledger: ProgressSink
    decoded_within: float | None = None

    @property
    def seed(self) -> int:
        """The request's seed, or one computed from the generation's id: a second attempt draws the same clip."""
        asked = self.generation.request.seed
        return asked if asked is not None else zlib.crc32(self.generation.id.encode())


class Maker(Protocol):
    """Maker of one clip at a time."""

    async def make(self, job: Job) -> Rendered:
        """Make the clip's files in the job's folder.

        Raises `GenerationFailed`, `HandedOn`, `SlowInput`, `RendererDied`, or `Unavailable` if the generation is not to
        blame. Cancelled, it stops the work on this machine; another server goes on.
        """
        ...

    async def forget(self, remote: str) -> None:
        """Stop the unwanted clip that another server calls `remote`."""
        ...


def rendered(done: Done, seed: int | None) -> Rendered:
    """A renderer process's files in the application's words. `seed` is None for a clip without one."""
    return Rendered(
        _file(done.video),
        _file(done.thumbnail),
        done.plan,
        FrameSize(done.width, done.height),
        seed,
        poster=_file(done.poster),
        preview_video=_file(done.preview_video),
    )


def _file(file: FinishedFile) -> RenderedFile:
    return RenderedFile(file.path, file.size, file.digest)
