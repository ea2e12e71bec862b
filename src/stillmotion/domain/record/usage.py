"""Usage by day, model and key: an account of what was made, which outlives the generations themselves."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from stillmotion.domain.generation import Generation
from stillmotion.domain.lifecycle import State
from stillmotion.domain.quotas import refunded_by


@dataclass(frozen=True, slots=True)
class UsageEntry:
    """Generations of a subscription that were accepted on one day (UTC), for one model and by one key.

    `key` is its first characters, empty where it is unknown. `video_seconds` and `cost` leave out what failed or was
    cancelled. `generations` counts all, so that those are neither `completed` nor `failed` which were cancelled or
    are not finished.
    """

    subscription_id: str
    day: date
    model: str
    key: str
    generations: int = 0
    completed: int = 0
    failed: int = 0
    video_seconds: float = 0.0
    cost: Decimal = Decimal(0)

    def plus(self, other: "UsageEntry") -> "UsageEntry":
        """The entry with another's amounts added."""
        return replace(
            self,
            generations=self.generations + other.generations,
            completed=self.completed + other.completed,
            failed=self.failed + other.failed,
            video_seconds=self.video_seconds + other.video_seconds,
            cost=self.cost + other.cost,
        )


def usage_change(before: Generation | None, after: Generation) -> UsageEntry | None:
    """The entry to add for a submit, where there is no `before`, or for a change; None for a change of no account."""
    entry = UsageEntry(after.subscription_id, after.created_at.date(), after.request.model, after.key)
    cost = after.cost or Decimal(0)
    if before is None:
        return replace(entry, generations=1, video_seconds=after.request.seconds, cost=cost)
    if before.is_terminal or not after.is_terminal:
        return None
    return replace(
        entry,
        completed=int(after.state is State.COMPLETED),
        failed=int(after.state is State.FAILED),
        video_seconds=-refunded_by(before, after),
        cost=cost - (before.cost or Decimal(0)),
    )


def total_of(entries: Iterable[UsageEntry]) -> UsageEntry:
    """The sum of entries, whosever they are."""
    total = UsageEntry("", date.min, "", "")
    for each in entries:
        total = total.plus(each)
    return total


def grouped(entries: Iterable[UsageEntry], names: Collection[str]) -> list[UsageEntry]:
    """The entries summed by these of their fields (`day`, `model`, `key`, `subscription_id`), in their order."""
    sums: dict[tuple[str, date, str, str], UsageEntry] = {}
    for each in entries:
        place = (
            each.subscription_id if "subscription_id" in names else "",
            each.day if "day" in names else date.min,
            each.model if "model" in names else "",
            each.key if "key" in names else "",
        )
        known = sums.get(place) or UsageEntry(*place)
        sums[place] = known.plus(each)
    return [sums[place] for place in sorted(sums, key=lambda each: (each[1], *each[2:], each[0]))]
