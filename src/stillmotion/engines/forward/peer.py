"""Port to a rendering server, the same for every dialect."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from stillmotion.domain.errors import StillmotionError, Unavailable
from stillmotion.domain.request import AspectRatio, FrameSize, Resolution


class ServerDown(Unavailable):
    """The server does not answer, is broken or refuses our key. The message is for the operator."""


class JobLost(StillmotionError):
    """The server no longer knows the job: it has restarted, or deleted it."""


class Unfinished(StillmotionError):
    """The clip's file is missing or incomplete, perhaps only for now."""


class Retries(StrEnum):
    """Retry policy for an address that does not give its clip."""

    NONE = "none"
    """No retry: the same would happen again."""
    TRIES = "tries"
    """A few retries, each with the address that the server gives then."""
    TIME = "time"
    """Retries until a time limit: the host is down or busy."""


class OutOfReach(StillmotionError):
    """The finished clip cannot be fetched although the server is well. The message is for the operator."""

    def __init__(self, why: str, patience: Retries) -> None:
        super().__init__(why)
        self.patience = patience


@dataclass(frozen=True, slots=True)
class ClipRequest:
    """A clip to render. `key` is the idempotency key: a repeated request must not render a second clip.

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
    """State of a job on its server."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class JobStatus:
    """Poll result: `progress` from 0 to 1 if the server gives it, the failure's `reason`, the clip's `url`."""

    state: RemoteState
    progress: float | None = None
    reason: str = ""
    url: str = ""


class Peer(Protocol):
    """One rendering server. Every method may raise `ServerDown`."""

    async def submit(self, request: ClipRequest) -> str:
        """Submit a clip; returns the job's id on that server. Raises `GenerationFailed` if it is refused."""
        ...

    async def status(self, remote: str) -> JobStatus:
        """Poll a job. Raises `JobLost`."""
        ...

    async def download(self, remote: str, status: JobStatus, path: Path) -> None:
        """Download the finished clip. Raises `JobLost`, `OutOfReach`, or `Unfinished` if it may still come."""
        ...

    async def cancel(self, remote: str) -> None:
        """Cancel a job, if the server can. A job that is gone is no error."""
        ...

    async def check(self) -> None:
        """Health check: returns if the server answers."""
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...
