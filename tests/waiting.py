"""Polling for a state in tests, in place of a fixed sleep.

The limits are generous, because a busy machine is slow. The interval is short, so that a quick machine is not held up.
"""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

LOOK_SECONDS = 0.01
"""The interval of a look. A server of `http.server` looks as often, so that its end waits no half second."""

T = TypeVar("T")


def eventually(look: Callable[[], T], within: float = 20.0, about: Callable[[], object] = lambda: "") -> T:
    """The first true result of `look`. Without one in time it fails with the last result and the text of `about`."""
    until = time.monotonic() + within
    while not (seen := look()):
        assert time.monotonic() < until, f"not within {within:g} s: {seen!r} {about()}"
        time.sleep(LOOK_SECONDS)
    return seen


async def eventually_async(look: Callable[[], T | Awaitable[T]], within: float = 20.0) -> T:
    """`eventually` for async tests. `look` may be a coroutine function."""
    until = time.monotonic() + within
    while not (seen := await _seen(look)):
        assert time.monotonic() < until, f"not within {within:g} s: {seen!r}"
        await asyncio.sleep(LOOK_SECONDS)
    return seen


def stays(look: Callable[[], object], seconds: float) -> None:
    """Fail if `look` is false at any time within so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert look()
        time.sleep(LOOK_SECONDS)


async def stays_async(look: Callable[[], object], seconds: float) -> None:
    """`stays` for async tests. `look` may be a coroutine function."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert await _seen(look)
        await asyncio.sleep(LOOK_SECONDS)


async def _seen(look: Callable[[], T | Awaitable[T]]) -> T:
    seen = look()
    return await seen if inspect.isawaitable(seen) else seen
