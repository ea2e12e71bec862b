"""The seam between a claimed generation and whatever makes its files."""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from stillmotion.application.work import Rendered, RenderedFile
from stillmotion.domain.errors import StillmotionError
from stillmotion.domain.generation import Generation
from stillmotion.domain.rendering import VideoCodec
from stillmotion.worker.inputs.files import InputFiles
from stillmotion.worker.renderer.protocol import Done, FinishedFile


class HandedOn(StillmotionError):
    """This engine cannot do it now and another one will: `engine` is its name."""

    def __init__(self, engine: str, why: str) -> None:
        super().__init__(why)
        self.engine = engine


class SlowInput(StillmotionError):
    """A picture was not decoded within the time that the job gives it; nothing was made."""


class Ledger(Protocol):
    """Where a maker writes down how it stands."""

    def shows(self, picture: Path) -> None:
        """What is being made can be seen in that JPEG file, which is read soon and need not be there long."""
        ...

    def came_so_far(self, fraction: float) -> None:
        """The fraction done, 0 to 1; it is kept with the next renewal of the lease."""
        ...

    async def remember(self, remote: str) -> None:
        """What another server calls it: on disk when this returns. Raises `LeaseLost`."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """A generation to be made, and what that takes. Its pictures are decoded within that many seconds, or not there."""

    generation: Generation
    inputs: InputFiles
    codec: VideoCodec
    log: structlog.typing.FilteringBoundLogger
    ledger: Ledger
    decoded_within: float | None = None

    @property
    def seed(self) -> int:
        """The asked seed, or one of the generation's own: a second attempt draws the same clip."""
        asked = self.generation.request.seed
        return asked if asked is not None else zlib.crc32(self.generation.id.encode())


class Maker(Protocol):
    """Makes one clip at a time."""

    async def make(self, job: Job) -> Rendered:
        """The clip's files, in the job's folder.

        Raises `GenerationFailed`; `HandedOn`; `SlowInput`; `Unavailable` where the generation is not to blame;
        `RendererDied`.
        Cancelled, it stops what goes on in this machine; what another server is at goes on there.
        """
        ...

    async def forget(self, remote: str) -> None:
        """Have another server stop what it calls `remote`: nobody wants it any more."""
        ...


def rendered(done: Done) -> Rendered:
    """What a renderer process hands over, in the application's terms."""
    return Rendered(_file(done.video), _file(done.thumbnail), done.plan)


def _file(file: FinishedFile) -> RenderedFile:
    return RenderedFile(file.path, file.size, file.digest)
