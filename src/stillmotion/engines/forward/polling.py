"""Submit, poll and download with retries, for any dialect."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TypeVar

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.failures import FailureKind
from stillmotion.engines.forward.error_text import in_plain_words
from stillmotion.engines.forward.peer import (
    ClipRequest,
    JobLost,
    JobStatus,
    OutOfReach,
    Peer,
    RemoteState,
    Retries,
    ServerDown,
    Unfinished,
)

RUNNING_AT_LEAST = 0.01
"""Progress reported for a running job whose server gives none."""

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class PollSchedule:
    """Retry and polling intervals, in seconds.

    The interval between two polls grows from `first` to `longest`. `silence` is how long a server may be unreachable,
    `standstill` how long a running job may go without change. `tries` is the number of attempts of a submit or a
    download.
    """

    first: float = 0.5
    longest: float = 5.0
    silence: float = 60.0
    standstill: float = 1800.0
    tries: int = 4


async def submit(peer: Peer, request: ClipRequest, pace: PollSchedule) -> str:
    """Submit the clip, repeated under the same key while no answer comes. Raises `ServerDown`."""
    return await _repeated(lambda: peer.submit(request), ServerDown, pace)


async def follow(peer: Peer, remote: str, report: Callable[[float], None], pace: PollSchedule) -> JobStatus:
    """Poll until the clip is finished, with exponential back-off while nothing changes.

    Raises `ServerDown` if the server is silent for too long, `GenerationFailed` if it failed, lost the job or came to a
    standstill.
    """
    now = asyncio.get_running_loop().time
    heard_at = moved_at = now()
    before, pause = None, pace.first
    while True:
        try:
            status = await peer.status(remote)
        except JobLost as error:
            raise FailureKind.REMOTE_LOST.error() from error
        except ServerDown:
            if now() - heard_at >= pace.silence:
                raise
        else:
            heard_at = now()
            if status.state is RemoteState.COMPLETED:
                return status
            if status.state is RemoteState.FAILED:
                raise FailureKind.REMOTE_FAILED.error(why=in_plain_words(status.reason))
            if status != before:
                before, moved_at, pause = status, now(), pace.first
            report(max(status.progress or 0.0, RUNNING_AT_LEAST if status.state is RemoteState.RUNNING else 0.0))
            if status.state is RemoteState.RUNNING and now() - moved_at >= pace.standstill:
                # Otherwise the server would go on with a job that nobody waits for.
                await peer.cancel(remote)
                raise FailureKind.REMOTE_STUCK.error()
        await asyncio.sleep(pause)
        pause = min(1.5 * pause, pace.longest)


async def fetch(peer: Peer, remote: str, status: JobStatus, path: Path, pace: PollSchedule) -> None:
    """Download the clip. Every retry polls for a fresh address first, since signed ones expire.

    Raises `ServerDown`, and `GenerationFailed` if the server is well but its clip cannot be had.
    """
    now = asyncio.get_running_loop().time
    began, pause = now(), pace.first
    for tried in count(1):
        try:
            await peer.download(remote, status, path)
        except JobLost as error:
            raise FailureKind.REMOTE_LOST.error() from error
        except OutOfReach as error:
            if _is_hopeless(error.patience, pace, tried, now() - began):
                raise FailureKind.REMOTE_CLIP_OUT_OF_REACH.error() from error
        except Unfinished as error:
            if tried == pace.tries:
                raise FailureKind.REMOTE_CLIP_BROKEN.error() from error
        except ServerDown as error:
            if tried == pace.tries:
                await _status_again(peer, remote)
                raise FailureKind.REMOTE_CLIP_WITHHELD.error() from error
        else:
            return
        await asyncio.sleep(pause)
        pause = min(2 * pause, pace.longest)
        with suppress(ServerDown):
            status = await _status_again(peer, remote)


def _is_hopeless(patience: Retries, pace: PollSchedule, tried: int, seconds: float) -> bool:
    match patience:
        case Retries.NONE:
            return True
        case Retries.TRIES:
            return tried >= pace.tries
        case Retries.TIME:
            return seconds >= pace.silence


async def _status_again(peer: Peer, remote: str) -> JobStatus:
    """The present status of a finished job. Raises `ServerDown`, and `GenerationFailed` if the job is gone."""
    try:
        return await peer.status(remote)
    except JobLost as error:
        raise FailureKind.REMOTE_LOST.error() from error


async def _repeated(
    act: Callable[[], Awaitable[_Result]], passing: type[Exception] | tuple[type[Exception], ...], pace: PollSchedule
) -> _Result:
    pause = pace.first
    for _ in range(pace.tries - 1):
        try:
            return await act()
        except GenerationFailed:
            raise
        except passing:
            await asyncio.sleep(pause)
            pause = min(2 * pause, pace.longest)
    return await act()
