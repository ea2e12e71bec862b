"""What commands that run until they are stopped have in common."""

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
    """The fault points that a test names in the environment. Raises `StillmotionError` for what is none."""
    text = os.environ.get("STILLMOTION_FAULTS")
    return Faults(text) if text else None


def stop_on_signals(stop: asyncio.Event) -> None:
    """The first signal asks to stop; a second one of the same kind ends the process at once."""
    loop = asyncio.get_running_loop()

    def ask(number: signal.Signals) -> None:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask, number)


def announce(line: str) -> None:
    """Say it on standard output, where nobody may be there to read it."""
    with suppress(OSError):
        click.echo(line)


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end, making files that nobody else can read.

    What nobody took of what was said is no reason to end with an error. It stays in the streams' buffers, and Python's
    own attempt to write it at exit would be the exit code (120).
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
