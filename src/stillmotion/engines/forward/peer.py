"""What every server that makes clips for us can be asked, whatever its dialect."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from stillmotion.domain.errors import StillmotionError, Unavailable
from stillmotion.domain.request import AspectRatio, FrameSize, Resolution


class ServerDown(Unavailable):
    """The server does not answer, is broken or will not have us: the message is for the operator."""


class Lost(StillmotionError):
    """The server does not know the job: it was started anew since, or has forgotten it."""


class Unfinished(StillmotionError):
    """The file is not there, or not whole, yet."""


class Retries(StrEnum):
    """What helps against an address that does not give its clip."""

    NONE = "none"
    """Nothing: the same would happen again."""
    TRIES = "tries"
    """Another try or two, with the address that the server gives then."""
    TIME = "time"
    """Its host is down, or busy."""


class OutOfReach(StillmotionError):
    """The finished clip lies where it is not to be had, and the server is well: the message is for the operator."""

    def __init__(self, why: str, patience: Retries) -> None:
        super().__init__(why)
        self.patience = patience


@dataclass(frozen=True, slots=True)
class Ask:
    """A clip to be made. `key` names the ask: repeated, it must not make a second clip.

    `frame0` and `frame1` are PNG files of the clip's `size`.
    """

    key: str
    prompt: str
    frame0: Path | None
    frame1: Path | None
    size: FrameSize
    frame_count: int
    fps: int
    seconds: float
    seed: int
    loop: bool = False
    aspect_ratio: AspectRatio | None = None
    resolution: Resolution = Resolution.P720
    concepts: tuple[str, ...] = ()
    negative_prompt: str = ""


class RemoteState(StrEnum):
    """How a job stands on its server."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Look:
    """What the server says of a job: the fraction done where it tells, why it failed, where the clip is."""

    state: RemoteState
    progress: float | None = None
    reason: str = ""
    url: str = ""


class Peer(Protocol):
    """One server. Every method raises `ServerDown`."""

    async def submit(self, ask: Ask) -> str:
        """Have a clip made: its id there. Raises `GenerationFailed` where it is refused."""
        ...

    async def look(self, remote: str) -> Look:
        """How it stands. Raises `Lost`."""
        ...

    async def download(self, remote: str, look: Look, path: Path) -> None:
        """Write the finished clip to a file. Raises `Lost`, `OutOfReach`, or `Unfinished` where it may come yet."""
        ...

    async def cancel(self, remote: str) -> None:
        """Have it stop, where the server can: nothing happens where it is gone."""
        ...

    async def check(self) -> None:
        """Return where the server answers."""
        ...

    async def close(self) -> None:
        """Let go of its connections."""
        ...
