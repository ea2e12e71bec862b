"""Whose turn it is: subscriptions that wait take turns, each as many video-seconds as the others.

Start-time fair queueing with one turn a subscription. Virtual time stands where the turn that was taken last began,
and never goes back. Whoever waits has a turn at virtual time or after it; the earliest is taken next, and the next
turn of the same subscription is later by the length of the clip. So one that had nothing queued is at virtual time,
while all who were served since then are past it: its first clip waits for what is rendering and for no queue.
"""

from dataclasses import dataclass
from datetime import datetime

from stillmotion.domain.generation import Generation
from stillmotion.domain.lifecycle import State


@dataclass(frozen=True, slots=True)
class Line:
    """A subscription's own queue: how many wait, and when its next turn is, in microseconds of video.

    Of equal turns the one that is so `since` longer goes first. Within a line the oldest goes first.
    """

    queued: int
    turn: int
    since: datetime

    def joined(self, virtual_time: int, now: datetime) -> "Line":
        """One more is queued. Where none was, the time without any is not saved up."""
        if self.queued == 0 and self.turn <= virtual_time:
            return Line(1, virtual_time, now)
        return Line(self.queued + 1, self.turn, self.since)

    def after(self, before: Generation, after: Generation, virtual_time: int, now: datetime) -> tuple["Line", int]:
        """The line once one of its generations changed, and virtual time.

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
