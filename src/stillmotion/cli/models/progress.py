"""Progress of a pull on standard error: a line at a terminal that is written over, a line for each file elsewhere."""

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final

import click

from stillmotion.domain.models.pulls import Pull, PullState

WRITE_EVERY: Final = 0.2
"""Seconds between two writings of the line."""
_START: Final = datetime(2000, 1, 1, tzinfo=UTC)


class PullProgress:
    """Bytes and time left of one model's pull, as the administration over HTTP tells them. `quiet` says nothing."""

    def __init__(self, model: str, *, quiet: bool) -> None:
        self._quiet, self._live = quiet, not quiet and sys.stderr.isatty()
        self._began, self._written = monotonic(), 0.0
        self._pull = Pull(model, PullState.PULLING, started_at=_START)
        self._is_first = True

    def moved(self, there: int, total: int) -> None:
        """`hub.Moved`."""
        now = monotonic()
        if self._is_first:
            self._is_first, self._began = False, now
            self._pull = replace(self._pull, began_with=there)
        told_at = _START + timedelta(seconds=now - self._began)
        self._pull = replace(self._pull, there=there, total=total, told_at=told_at)
        if self._live and now - self._written >= WRITE_EVERY:
            self._written = now
            click.echo(f"\r\033[K{told(self._pull)}", err=True, nl=False)

    def tell(self, file: str, there: int, total: int) -> None:
        """`hub.Tell`."""
        if not self._quiet and not self._live:
            click.echo(f"{there / 1e9:7.2f} of {total / 1e9:.2f} GB  {file}", err=True)

    def end(self) -> None:
        """Remove the line."""
        if self._live:
            click.echo("\r\033[K", err=True, nl=False)


def told(pull: Pull) -> str:
    """A pull in a line."""
    left = pull.seconds_left
    ahead = "" if left is None else f", {_lasting(left)} left"
    return f"{pull.model}: {pull.there / 1e9:.2f} of {(pull.total or 0) / 1e9:.2f} GB{ahead}"


def _lasting(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
