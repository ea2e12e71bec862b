"""Outlook of unfinished generations: the place in the queue, and the estimated time until the end.

A place counts the generations for the same engine that will be claimed before, under the fair queue
(`domain.fairness`), if nothing else is submitted and other engines claim nothing meanwhile. It follows from start tags:
a generation has the tag of its line's next turn, plus the length of all that waits before it in the line. Within a line
the count is exact. Of another line the number of earlier tags follows from its count and sum alone: that is exact while
all clips that wait there for the engine have one length, and otherwise as wrong as their order in that line matters.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

from stillmotion.domain.generation import WorkStage
from stillmotion.domain.lifecycle import State

MOST_LINES: Final = 1000
"""Other lines that a place takes into account. With more of them in front the place is unknown."""

_BEFORE_A_LANE = frozenset({WorkStage.WAITING, WorkStage.FETCHING})
_MICROSECONDS = 1_000_000
_IN_FUTURE = 1 << 62
"""Time of the claims to come, in microseconds: after every claim that was made."""


class Outlook(NamedTuple):
    """Outlook of a generation. `position` 1 is the next; None once it is claimed. Seconds are None where unknown."""

    position: int | None = None
    eta_seconds: float | None = None


class WorkKind(NamedTuple):
    """Kind of work, by which render times are kept. `length` is in whole seconds."""

    engine: str
    model: str
    resolution: str
    length: int


class UnfinishedPlace(NamedTuple):
    """An unfinished generation. Lengths of video are in microseconds.

    `ahead` and `video_ahead` are the number and length of the generations for the same engine that wait before it in
    its own line; `turn` and `since` are its line's. `place` is its place in line, negative if it goes before all. They
    mean nothing once it is claimed.
    """

    id: str
    owner: str
    kind: WorkKind
    video: int
    state: State
    progress: float = 0.0
    started_at: datetime | None = None
    ahead: int = 0
    video_ahead: int = 0
    turn: int = 0
    since: int = 0
    place: int = 0

    @property
    def tag(self) -> int:
        """Its start tag."""
        return self.turn + self.video_ahead


class WaitingLine(NamedTuple):
    """Part of a subscription's line that waits for one engine: its number and its length of video."""

    engine: str
    owner: str
    turn: int
    since: int
    queued: int
    video: int

    def before(self, waiting: UnfinishedPlace) -> int:
        """Number of its generations with an earlier turn than that one of another line."""
        distance = (waiting.tag - self.turn) * self.queued
        if distance < 0 or self.owner == waiting.owner:
            return 0
        earlier, rest = divmod(distance, max(1, self.video))
        if rest:
            return min(self.queued, earlier + 1)
        # The one at this index has the same tag. Of equal tags the line whose last claim is longer ago goes first.
        ours = _last_claim(waiting.ahead, waiting.video_ahead, waiting.ahead), waiting.since, waiting.owner
        theirs = _last_claim(earlier, self.video, self.queued), self.since, self.owner
        return min(self.queued, earlier + (theirs < ours))


def _last_claim(index: int, video: int, queued: int) -> tuple[float, int]:
    """Time of a line's claim before the one at `index`, to compare with that of another line of the same tag."""
    return (-video / queued if index else -math.inf), index


class UrgentPlace(NamedTuple):
    """Place of a generation that goes before everybody's turn. Its claim takes a turn of its line all the same."""

    engine: str
    owner: str
    place: int
    video: int


def _by_place(urgent: UrgentPlace) -> int:
    return urgent.place


_InLine = TypeVar("_InLine", UnfinishedPlace, WaitingLine)


class LaneWork(NamedTuple):
    """A claimed generation, as far as it is."""

    engine: str
    stage: WorkStage | None
    progress: float
    video: int


@dataclass(frozen=True, slots=True)
class QueuePicture:
    """The parts of the queue that the outlook of some generations depends on.

    `times` has the mean render time of a kind, `paces` an engine's mean render time of a second of video. `paused` are
    the engines that claim nothing; with `all_paused` none does. `is_cut` if there are more lines than `MOST_LINES`.
    """

    unfinished: Sequence[UnfinishedPlace]
    lines: Sequence[WaitingLine] = ()
    urgent: Sequence[UrgentPlace] = ()
    lanes: Sequence[LaneWork] = ()
    times: Mapping[WorkKind, float] = field(default_factory=dict)
    paces: Mapping[str, float] = field(default_factory=dict)
    paused: frozenset[str] = frozenset()
    all_paused: bool = False
    is_cut: bool = False

    def outlooks(self, now: datetime) -> Mapping[str, Outlook]:
        """The outlook of each generation, by its id."""
        return {
            each.id: self._waiting(each) if each.state is State.QUEUED else Outlook(None, self._left(each, now))
            for each in self.unfinished
        }

    def _waiting(self, each: UnfinishedPlace) -> Outlook:
        engine = each.kind.engine
        first = [one for one in self.urgent if one.engine == engine and (each.place >= 0 or one.place < each.place)]
        count, video = len(first), float(sum(one.video for one in first))
        if each.place >= 0:
            lines = [line for line in self.lines if line.engine == engine]
            if self.is_cut:
                return Outlook()
            each = self._after(first, each)
            earlier = [(self._after(first, line).before(each), line) for line in lines]
            count += each.ahead + sum(number for number, _ in earlier)
            video += each.video_ahead + sum(number * line.video / max(1, line.queued) for number, line in earlier)
        return Outlook(1 + count, self._wait(each, video / _MICROSECONDS))

    def _after(self, first: Sequence[UrgentPlace], line: _InLine) -> _InLine:
        """A line after the claims of those that go before all: they take its turns, and are its last claims."""
        taken = [(order, one) for order, one in enumerate(sorted(first, key=_by_place)) if one.owner == line.owner]
        if not taken:
            return line
        turn = line.turn + sum(one.video for _, one in taken)
        return line._replace(turn=turn, since=_IN_FUTURE + taken[-1][0])

    def _wait(self, each: UnfinishedPlace, seconds_ahead: float) -> float | None:
        """Seconds until the end of one that waits behind so many seconds of video."""
        engine = each.kind.engine
        own, pace = self._whole(each), self.paces.get(engine)
        if own is None or pace is None or self.all_paused or engine in self.paused:
            return None
        lanes = [lane for lane in self.lanes if lane.engine == engine and lane.stage not in _BEFORE_A_LANE]
        under_way = sum(lane.video / _MICROSECONDS * (1 - lane.progress) for lane in lanes)
        return _rounded((under_way + seconds_ahead) * pace / max(1, len(lanes)) + own)

    def _left(self, each: UnfinishedPlace, now: datetime) -> float | None:
        """Seconds until the end of one that is being rendered, from its progress and the time that it took so far."""
        spent = 0.0 if each.started_at is None else max(0.0, (now - each.started_at).total_seconds())
        whole = self._whole(each)
        if whole is None:
            whole = spent / each.progress if each.progress > 0 else None
        return None if whole is None else _rounded((1 - each.progress) * max(whole, spent))

    def _whole(self, each: UnfinishedPlace) -> float | None:
        """Expected seconds from claim to end."""
        measured = self.times.get(each.kind)
        if measured is not None:
            return measured
        pace = self.paces.get(each.kind.engine)
        return None if pace is None else pace * each.video / _MICROSECONDS


MEMORY: Final = 20
"""Number of renders that a mean remembers, so that it follows a faster machine."""


class RenderTime(NamedTuple):
    """Running mean of seconds, over so many `renders`."""

    renders: int = 0
    seconds: float = 0.0

    def after(self, seconds: float) -> "RenderTime":
        """The mean with one more render."""
        renders = min(self.renders + 1, MEMORY)
        return RenderTime(renders, self.seconds + (seconds - self.seconds) / renders)


def length_of(video: int) -> int:
    """Length in whole seconds, by which render times are kept: 1 at least. `video` is in microseconds."""
    return max(1, (video + _MICROSECONDS // 2) // _MICROSECONDS)


def _rounded(seconds: float) -> float:
    return round(seconds, 1)
