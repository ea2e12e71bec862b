"""Telling a person that a server is waited for, and until when."""

from datetime import timedelta
from typing import Final

import click

from stillmotion.adapters.clock import SystemClock
from stillmotion.client import RateLimited, Waiting

WORTH_SAYING: Final = 1.0
"""Seconds."""


def until(waiting: Waiting) -> str:
    """The time of day, here, at which it goes on."""
    return f"{(SystemClock().now() + timedelta(seconds=waiting.seconds)).astimezone():%H:%M:%S}"


def label(waiting: Waiting) -> str:
    """In a few words, for a bar."""
    what = "limited" if isinstance(waiting.error, RateLimited) else "no answer, waiting"
    return f"{what} until {until(waiting)}"


def say(waiting: Waiting) -> None:
    """In a sentence, on standard error, where it is long enough for somebody to wonder."""
    if waiting.seconds < WORTH_SAYING:
        return
    if isinstance(waiting.error, RateLimited):
        said = f"the server limits this key; waiting until {until(waiting)}. It said: {waiting.error}"
    else:
        said = f"{waiting.error} Trying again at {until(waiting)}."
    click.echo(f"stillmotion: {said}", err=True)
