"""Waiting in tests: until something is so, and never for a time in which it should have come about.

A machine with other work is slow: the limits are generous, and what is awaited is looked at often.
"""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

LOOK_SECONDS = 0.01

T = TypeVar("T")


def eventually(look: Callable[[], T], within: float = 20.0, about: Callable[[], object] = lambda: "") -> T:
    """First true answer of `look`. It fails with the last answer, and with what `about` says, if there is none."""
    until = time.monotonic() + within
    while not (seen := look()):
        assert time.monotonic() < until, f"not within {within:g} s: {seen!r} {about()}"
        time.sleep(LOOK_SECONDS)
    return seen


async def eventually_async(look: Callable[[], T | Awaitable[T]], within: float = 20.0) -> T:
    """As `eventually`, while the loop goes on. `look` may be a coroutine function."""
    until = time.monotonic() + within
    while not (seen := await _seen(look)):
        assert time.monotonic() < until, f"not within {within:g} s: {seen!r}"
        await asyncio.sleep(LOOK_SECONDS)
    return seen


def stays(look: Callable[[], object], seconds: float) -> None:
    """Fail if `look` is not true at any time within so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert look()
        time.sleep(LOOK_SECONDS)


async def stays_async(look: Callable[[], object], seconds: float) -> None:
    """As `stays`, while the loop goes on. `look` may be a coroutine function."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert await _seen(look)
        await asyncio.sleep(LOOK_SECONDS)


async def _seen(look: Callable[[], T | Awaitable[T]]) -> T:
    seen = look()
    return await seen if inspect.isawaitable(seen) else seen
