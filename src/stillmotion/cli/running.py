"""What commands that run until they are stopped have in common."""

import asyncio
import os
import signal

from stillmotion.worker.faults import Faults


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
