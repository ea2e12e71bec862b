"""A clip from the ask to the file, whatever the server does meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TypeVar

from stillmotion.domain.errors import GenerationFailed
from stillmotion.engines.forward import error_text
from stillmotion.engines.forward.peer import (
    Ask,
    Look,
    Lost,
    OutOfReach,
    Peer,
    RemoteState,
    Retries,
    ServerDown,
    Unfinished,
)

RUNNING_AT_LEAST = 0.01
"""The progress of a job that has begun, where the server tells none."""

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class PollSchedule:
    """Seconds: between two looks, from `first` to `longest`; how long a server may be silent, a job at a standstill.

    `tries` is how often a submit is repeated and a file fetched.
    """

    first: float = 0.5
    longest: float = 5.0
    silence: float = 60.0
    standstill: float = 1800.0
    tries: int = 4


async def submit(peer: Peer, ask: Ask, pace: PollSchedule) -> str:
    """Have the clip made, asked again under the same name where no answer comes. Raises `ServerDown`."""
    return await _repeated(lambda: peer.submit(ask), ServerDown, pace)


async def follow(peer: Peer, remote: str, report: Callable[[float], None], pace: PollSchedule) -> Look:
    """Look until the clip is there, ever less often while nothing changes.

    Raises `ServerDown` where the server is silent for too long, `GenerationFailed` where it failed, lost it or came to
    a standstill.
    """
    now = asyncio.get_running_loop().time
    heard_at = moved_at = now()
    before, pause = None, pace.first
    while True:
        try:
            look = await peer.look(remote)
        except Lost as error:
            raise error_text.lost() from error
        except ServerDown:
            if now() - heard_at >= pace.silence:
                raise
        else:
            heard_at = now()
            if look.state is RemoteState.COMPLETED:
                return look
            if look.state is RemoteState.FAILED:
                raise error_text.failed(look.reason)
            if look != before:
                before, moved_at, pause = look, now(), pace.first
            report(max(look.progress or 0.0, RUNNING_AT_LEAST if look.state is RemoteState.RUNNING else 0.0))
            if look.state is RemoteState.RUNNING and now() - moved_at >= pace.standstill:
                await peer.cancel(remote)
                raise error_text.stuck()
        await asyncio.sleep(pause)
        pause = min(1.5 * pause, pace.longest)


async def fetch(peer: Peer, remote: str, look: Look, path: Path, pace: PollSchedule) -> None:
    """The clip's file, whole. Each further try asks for its address anew: those that are signed run out.

    Raises `ServerDown`, and `GenerationFailed` where the server is well and its clip is not to be had.
    """
    now = asyncio.get_running_loop().time
    began, pause = now(), pace.first
    for tried in count(1):
        try:
            await peer.download(remote, look, path)
        except Lost as error:
            raise error_text.lost() from error
        except OutOfReach as error:
            if _is_hopeless(error.patience, pace, tried, now() - began):
                raise error_text.out_of_reach() from error
        except Unfinished as error:
            if tried == pace.tries:
                raise error_text.incomplete() from error
        except ServerDown as error:
            if tried == pace.tries:
                await _look_again(peer, remote)
                raise error_text.withheld() from error
        else:
            return
        await asyncio.sleep(pause)
        pause = min(2 * pause, pace.longest)
        with suppress(ServerDown):
            look = await _look_again(peer, remote)


def _is_hopeless(patience: Retries, pace: PollSchedule, tried: int, seconds: float) -> bool:
    match patience:
        case Retries.NONE:
            return True
        case Retries.TRIES:
            return tried >= pace.tries
        case Retries.TIME:
            return seconds >= pace.silence


async def _look_again(peer: Peer, remote: str) -> Look:
    """How a finished job stands now. Raises `ServerDown`, and `GenerationFailed` where it is gone."""
    try:
        return await peer.look(remote)
    except Lost as error:
        raise error_text.lost() from error


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
