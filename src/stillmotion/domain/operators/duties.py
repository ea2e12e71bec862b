"""Duties: background work of the whole service that one process does at a time, held for a while like a lease."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

DUTY_TIME = timedelta(seconds=10)
"""Time for which a duty is held. A holder that does not renew it for so long has lost it."""

DUTY_RENEWAL = timedelta(seconds=3)
"""Interval at which a holder renews its duties, and others look for free ones."""

DUTY_MARGIN = timedelta(seconds=1)
"""Time by which a holder stops before others may begin: clocks of two processes differ by less."""


class Duty(StrEnum):
    """Kind of background work."""

    REAPER = "reaper"
    CALLBACKS = "callbacks"
    SWEEPS = "sweeps"
    UPLOADS = "uploads"
    HOUSEKEEPING = "housekeeping"


@dataclass(frozen=True, slots=True)
class Tenure:
    """A duty in the hands of a process up to `until`. `term` counts its holders: it only grows."""

    holder: str
    until: datetime
    term: int = 1

    def passed_to(self, holder: str, until: datetime, now: datetime) -> "Tenure | None":
        """The tenure of a process that asks for the duty at `now`; None while another process holds it."""
        if holder == self.holder:
            return replace(self, until=until)
        return None if self.until > now else Tenure(holder, until, self.term + 1)
