"""Fair queueing: waiting subscriptions take turns, each with as many video-seconds as the others.

Start-time fair queueing (Goyal, Vin and Cheng, 1996) with one flow a subscription. Virtual time is the start tag of the
turn taken last, and never goes back. A waiting subscription has a start tag at virtual time or later; the earliest is
served next, and the subscription's next tag is later by the length of the clip. A subscription that had nothing queued
starts at virtual time, while all that were served since are past it: its first clip waits for running renders alone.
"""

from dataclasses import dataclass
from datetime import datetime

from stillmotion.domain.generation import Generation
from stillmotion.domain.lifecycle import State


@dataclass(frozen=True, slots=True)
class Line:
    """Queue of one subscription: the number that wait, and its start tag in microseconds of video.

    Of equal start tags the earlier `since` goes first. Within a line the oldest generation goes first.
    """

    queued: int
    turn: int
    since: datetime

    def joined(self, virtual_time: int, now: datetime) -> "Line":
        """The line with one more queued. An empty line's idle time earns no credit."""
        if self.queued == 0 and self.turn <= virtual_time:
            return Line(1, virtual_time, now)
        return Line(self.queued + 1, self.turn, self.since)

    def after(self, before: Generation, after: Generation, virtual_time: int, now: datetime) -> tuple["Line", int]:
        """The line and virtual time after a change of one of its generations.

        A claim takes the turn. What is handed back gives it back, and so goes before what was queued after it. A failed
        attempt does not: its owner's next turn comes after those who wait.
        """
        length = round(after.request.seconds * 1_000_000)
        if before.state is State.QUEUED and after.state is not State.QUEUED:
            if after.state is State.DREAMING:
                return Line(self.queued - 1, self.turn + length, now), max(virtual_time, self.turn)
            return Line(self.queued - 1, self.turn, self.since), virtual_time
        if after.state is State.QUEUED and after.failures > before.failures:
            return self.joined(virtual_time, now), virtual_time
        if after.state is State.QUEUED and before.state is not State.QUEUED:
            turn, since = max(self.turn - length, virtual_time), min(self.since, after.created_at)
            return Line(self.queued + 1, turn, since), virtual_time
        return self, virtual_time
