"""Links: addresses under which anyone may watch a clip for a time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from stillmotion.domain.errors import InvalidRequest, LimitExceeded, Problem

SHORTEST, USUAL, LONGEST = timedelta(minutes=1), timedelta(days=7), timedelta(days=365)
MOST_LINKS: Final = 100
"""Links of one generation."""

EXPIRED_KEPT: Final = timedelta(days=30)
"""Time for which an expired link is still told from an unknown one."""

_RETRY_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class SharedLink:
    """Link to a generation's clip. Times are UTC."""

    id: str
    subscription_id: str
    generation_id: str
    created_at: datetime
    expires_at: datetime


def check_lifetime(seconds: float) -> timedelta:
    """The lifetime of a link. Raises `InvalidRequest`."""
    if not SHORTEST.total_seconds() <= seconds <= LONGEST.total_seconds():
        raise InvalidRequest(
            Problem(
                "expires_in",
                f"must be from {SHORTEST.total_seconds():g} to {LONGEST.total_seconds():g} seconds, a year",
            )
        )
    return timedelta(seconds=seconds)


def check_count(links: int) -> None:
    """Raise `LimitExceeded` if a generation has no room for another link."""
    if links >= MOST_LINKS:
        raise LimitExceeded(f"a generation has {MOST_LINKS} links at most: take one back", _RETRY_SECONDS)
