"""Pulls of weights: how far one is, and how it ended."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

STALE_AFTER: Final = timedelta(seconds=15)
"""Age of a running pull's last report after which its process is taken to be gone."""


class PullState(StrEnum):
    """State of a pull. The values are wire words; `none` is for a model that was never pulled."""

    NONE = "none"
    PULLING = "pulling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Pull:
    """The latest pull of a model. `there` bytes of `total` are here; `began_with` of them were here at its start.

    `error` is a sentence for the operator.
    """

    model: str
    state: PullState = PullState.NONE
    there: int = 0
    total: int | None = None
    began_with: int = 0
    started_at: datetime | None = None
    told_at: datetime | None = None
    error: str | None = None

    @property
    def seconds_left(self) -> float | None:
        """Time until the end at the mean speed so far; None before there is any."""
        if self.state is not PullState.PULLING or not self.total or self.started_at is None or self.told_at is None:
            return None
        seconds = (self.told_at - self.started_at).total_seconds()
        arrived = self.there - self.began_with
        return (self.total - self.there) * seconds / arrived if arrived > 0 and seconds > 0 else None

    def at(self, now: datetime) -> "Pull":
        """The pull as it is at a time: one that tells nothing any more was interrupted."""
        silent = self.told_at is not None and now - self.told_at > STALE_AFTER
        return replace(self, state=PullState.INTERRUPTED) if self.state is PullState.PULLING and silent else self
