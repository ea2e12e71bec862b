"""Parameter types of the command line."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import click

NEVER = "never"


class Moment(click.ParamType[datetime | None]):
    """A time: `2027-01-31`, `2027-01-31T12:00:00Z`, or `never`; UTC without a time zone."""

    name = f"time|{NEVER}"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> datetime | None:
        """Parse the text (click's hook)."""
        if value == NEVER:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a time: write it like 2027-01-31T12:00:00Z, or {NEVER}", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_UNITS: Final[Mapping[str, int]] = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LENGTH: Final = re.compile(r"(\d{1,9})([smhd])", re.ASCII)


class Duration(click.ParamType[timedelta]):
    """A length of time: `90s`, `15m`, `2h` or `1d`."""

    name = "duration"

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Parse the text (click's hook)."""
        if isinstance(value, timedelta):
            return value
        found = _LENGTH.fullmatch(value)
        if found is None:
            self.fail(f"{value!r} is not a length of time: write it like 90s, 15m, 2h or 1d", param, ctx)
        return timedelta(seconds=int(found[1]) * _UNITS[found[2]])
