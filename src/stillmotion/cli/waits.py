"""Messages about a pause: a server is asked again at a later time."""

from datetime import timedelta
from typing import Final

import click

from stillmotion.adapters.clock import SystemClock
from stillmotion.client import RateLimited, ServerRefused, Waiting

WORTH_SAYING: Final = 1.0
"""Seconds of a pause from which on it is reported."""


def until(waiting: Waiting) -> str:
    """Local time of day at which the pause ends."""
    return f"{(SystemClock().now() + timedelta(seconds=waiting.seconds)).astimezone():%H:%M:%S}"


def label(waiting: Waiting) -> str:
    """The pause in a few words, for a bar."""
    what = "limited" if isinstance(waiting.error, RateLimited) else "no answer, waiting"
    return f"{what} until {until(waiting)}"


def say(waiting: Waiting) -> None:
    """Print a long pause as a sentence on standard error."""
    if waiting.seconds < WORTH_SAYING:
        return
    if isinstance(waiting.error, RateLimited):
        said = f"the server limits this key; waiting until {until(waiting)}. It said: {waiting.error}"
    else:
        error = waiting.error
        told = error.told if isinstance(error, ServerRefused) else str(error)
        said = f"{told.rstrip('.')}. Trying again at {until(waiting)}."
    click.echo(f"stillmotion: {said}", err=True)
