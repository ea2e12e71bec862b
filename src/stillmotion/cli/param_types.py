"""Parameter types of the command line."""

from datetime import UTC, datetime

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
