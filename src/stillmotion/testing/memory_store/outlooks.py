"""Outlooks in memory."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from stillmotion.domain.fairness import Line
from stillmotion.domain.generation import Generation, GenerationView
from stillmotion.domain.lifecycle import State
from stillmotion.domain.operators.queue_controls import EVERYTHING, ControlState
from stillmotion.domain.record.outlook import (
    MOST_LINES,
    LaneWork,
    Outlook,
    QueuePicture,
    RenderTime,
    UnfinishedPlace,
    UrgentPlace,
    WaitingLine,
    WorkKind,
    length_of,
)
from stillmotion.domain.record.render_times import RenderTimes, pace_of
from stillmotion.domain.request import GenerationRequest
from stillmotion.testing.memory_store.tables import MemoryTables


@dataclass
class MemoryOutlooks(MemoryTables):
    """The outlooks of `RecordStore`."""

    async def outlooks(self, views: Sequence[GenerationView]) -> Mapping[str, Outlook]:
        """See `RecordStore.outlooks`."""
        queued = [each for each in self._generations.values() if each.state is State.QUEUED]
        in_turn = [each for each in queued if self._place(each) >= 0]
        known = [self._generations[each.id] for each in views if each.id in self._generations]
        return self._seen_ahead([self._unfinished_one(each, in_turn) for each in known if not each.is_terminal])

    async def forecast(self, subscription_id: str, engine: str, request: GenerationRequest) -> Outlook:
        """See `RecordStore.forecast`."""
        now = self.clock.now()
        generation = Generation("", subscription_id, "", request, engine, now)
        queued = [each for each in self._generations.values() if each.state is State.QUEUED]
        last = self._unfinished_one(generation, [each for each in queued if self._place(each) >= 0])
        line = self._line(subscription_id).joined(self._virtual_time, now)
        return self._seen_ahead([last._replace(turn=line.turn, since=_since(line))])[""]

    def _seen_ahead(self, unfinished: Sequence[UnfinishedPlace]) -> Mapping[str, Outlook]:
        queued = [each for each in self._generations.values() if each.state is State.QUEUED]
        in_turn = [each for each in queued if self._place(each) >= 0]
        claimed = [each for each in self._generations.values() if each.state is State.DREAMING]
        picture = QueuePicture(
            unfinished,
            self._waiting_lines(in_turn),
            [
                UrgentPlace(each.engine, each.subscription_id, self._place(each), _video(each))
                for each in queued
                if each not in in_turn
            ],
            [LaneWork(each.engine, each.stage, each.progress, _video(each)) for each in claimed],
            {kind: time.seconds for kind, time in self._times.items()},
            {engine: time.seconds for engine, time in self._paces.items()},
            self._controls.paused_engines,
            self._controls.state_of(EVERYTHING) is ControlState.PAUSED,
            len({each.subscription_id for each in in_turn}) > MOST_LINES,
        )
        return picture.outlooks(self.clock.now())

    async def render_times(self, engines: Collection[str]) -> RenderTimes:
        """See `RecordStore.render_times`."""
        kinds = {kind: time.seconds for kind, time in self._times.items() if kind.engine in engines}
        return kinds | {pace_of(engine): time.seconds for engine, time in self._paces.items() if engine in engines}

    def _place(self, generation: Generation) -> int:
        """Place in line, negative for one that goes before all."""
        moved = self._moved.get(generation.id, generation.created_at)
        return moved if isinstance(moved, int) else round(moved.timestamp() * 1_000_000)

    def _unfinished_one(self, generation: Generation, queued: Sequence[Generation]) -> UnfinishedPlace:
        owner, line = generation.subscription_id, self._line(generation.subscription_id)
        own = [each for each in queued if (each.subscription_id, each.engine) == (owner, generation.engine)]
        place = self._place(generation), generation.id or "~"
        ahead = [each for each in own if (self._place(each), each.id) < place]
        return UnfinishedPlace(
            generation.id,
            owner,
            _kind(generation),
            _video(generation),
            generation.state,
            generation.progress,
            generation.started_at,
            len(ahead),
            sum(map(_video, ahead)),
            line.turn,
            _since(line),
            self._place(generation),
        )

    def _waiting_lines(self, queued: Sequence[Generation]) -> list[WaitingLine]:
        waiting: defaultdict[tuple[str, str], list[Generation]] = defaultdict(list)
        for each in queued:
            waiting[each.engine, each.subscription_id].append(each)
        lines = []
        for (engine, owner), own in waiting.items():
            line = self._line(owner)
            lines.append(WaitingLine(engine, owner, line.turn, _since(line), len(own), sum(map(_video, own))))
        return lines

    def _keep_render_time(self, before: Generation, after: Generation) -> None:
        """Add the time of a generation that a change completes to the means."""
        if after.state is not State.COMPLETED or before.state is State.COMPLETED:
            return
        if after.started_at is None or after.finished_at is None:
            return
        seconds, kind = (after.finished_at - after.started_at).total_seconds(), _kind(after)
        self._times[kind] = self._times.get(kind, RenderTime()).after(seconds)
        pace = seconds / max(after.request.seconds, 0.001)
        self._paces[after.engine] = self._paces.get(after.engine, RenderTime()).after(pace)


def _video(generation: Generation) -> int:
    return round(generation.request.seconds * 1_000_000)


def _kind(generation: Generation) -> WorkKind:
    request = generation.request
    return WorkKind(generation.engine, request.model, request.resolution.value, length_of(_video(generation)))


def _since(line: Line) -> int:
    return round(line.since.timestamp() * 1_000_000)
