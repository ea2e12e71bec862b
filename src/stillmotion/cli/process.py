"""Process of a long-running command: signals, event loop, standard output."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import click
import uvloop

from stillmotion.adapters.private_files import UMASK
from stillmotion.worker.failpoints import Faults


def faults_asked_for() -> Faults | None:
    """Failpoints that a test names in the environment. Raises `StillmotionError` for an unknown one."""
    text = os.environ.get("STILLMOTION_FAULTS")
    return Faults(text) if text else None


def stop_on_signals(stop: asyncio.Event) -> None:
    """Install signal handlers: the first signal asks to stop, a second one of its kind ends the process at once."""
    loop = asyncio.get_running_loop()

    def ask(number: signal.Signals) -> None:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask, number)


async def first_of(*events: asyncio.Event) -> None:
    """Wait until one of the events is set."""
    waiting = [asyncio.create_task(each.wait()) for each in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)


def announce(line: str) -> None:
    """Print a line on standard output, whose reader may be gone."""
    with suppress(OSError):
        click.echo(line)


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end, with a umask that keeps new files private.

    Output without a reader is no error. It stays in the streams' buffers, and Python's own attempt to flush it at exit
    would set the exit code to 120.
    """
    os.umask(UMASK)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work)
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
