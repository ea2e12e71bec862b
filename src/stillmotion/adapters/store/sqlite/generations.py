"""Generations in SQLite: the queue, its limits, and the rows that each change updates."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import apsw

from stillmotion.adapters.store.admission import Standing, admit, check_same_body
from stillmotion.adapters.store.sqlite import queries
from stillmotion.adapters.store.sqlite.deliveries import from_delivery
from stillmotion.adapters.store.sqlite.generation_rows import (
    Bindings,
    from_claim,
    from_generation,
    from_line,
    from_progress,
    microseconds,
    place_of,
    to_generation,
    to_line,
    to_time,
    to_view,
    video_microseconds,
)
from stillmotion.adapters.store.sqlite.reader import Reader
from stillmotion.adapters.store.sqlite.writer import Writer
from stillmotion.application.failpoints import Fault, Point, no_fault
from stillmotion.application.ports.store import (
    EVERY_ENGINE,
    Accepted,
    Change,
    Changed,
    Engines,
    Fingerprint,
    IdempotencyKey,
    Submission,
)
from stillmotion.application.ports.values import Clock
from stillmotion.domain.assets import generation_of
from stillmotion.domain.callbacks import caused_by
from stillmotion.domain.errors import GenerationNotFound, LeaseLost
from stillmotion.domain.fairness import Line
from stillmotion.domain.generation import Generation, GenerationView
from stillmotion.domain.lifecycle import State
from stillmotion.domain.quotas import RETRIED_WITHIN, RateWindow, period, refunded_by

IDEMPOTENCY_KEPT: Final = timedelta(hours=48)
"""Twice the promised time."""

SWEEP_EVERY: Final = 8
"""Number of submits between two sweeps of `recent_submits`."""

_SPAN_MICROSECONDS: Final = RETRIED_WITHIN // timedelta(microseconds=1)
_BEYOND_EVERY_ID: Final = "~"


class SqliteGenerations:
    """`GenerationStore`."""

    def __init__(self, writer: Writer, reader: Reader, clock: Clock, changed: Changed, fault: Fault = no_fault) -> None:
        self.writer = writer
        self._reader = reader
        self._clock = clock
        self._changed = changed
        self._fault = fault

    async def submit(self, submission: Submission) -> Accepted:
        """See `GenerationStore.submit`."""

        def operation(connection: apsw.Connection) -> Accepted:
            accepted = _submit(connection, submission)
            self._fault(Point.SUBMIT_BEFORE_COMMIT)
            return accepted

        return await self.writer.run(operation)

    async def find(self, generation_id: str) -> Generation | None:
        """See `GenerationStore.find`."""
        rows = self._reader.rows(queries.FIND_GENERATION, (generation_id,))
        return to_generation(rows[0]) if rows else None

    async def digest_of(self, key: str) -> str | None:
        """See `GenerationStore.digest_of`."""
        rows = self._reader.rows(queries.ASSET_DIGEST, {"id": generation_of(key), "key": key})
        return str(rows[0][0]) if rows else None

    async def owned(self, subscription_id: str, generation_id: str) -> Generation | None:
        """See `GenerationStore.owned`."""
        rows = self._reader.rows(queries.FIND_OWNED, (subscription_id, generation_id))
        return to_generation(rows[0]) if rows else None

    async def view(self, subscription_id: str, generation_id: str) -> GenerationView:
        """See `GenerationStore.view`."""
        whose = (subscription_id, generation_id)
        rows = self._reader.rows(queries.VIEW_IN_PLACE, (place_of(*whose), *whose))
        if not rows:
            rows = self._reader.rows(queries.VIEW_GENERATION, whose)
        if not rows:
            raise GenerationNotFound(generation_id)
        return to_view(rows[0])

    async def page(self, subscription_id: str, limit: int, offset: int) -> Sequence[GenerationView]:
        """See `GenerationStore.page`."""
        rows = self._reader.rows(queries.PAGE_OF_GENERATIONS, (subscription_id, limit, offset))
        return [to_view(row) for row in rows]

    async def beyond(
        self, subscription_id: str, generation_id: str | None, limit: int, *, newest_first: bool
    ) -> Sequence[GenerationView]:
        """See `GenerationStore.beyond`."""
        statement = queries.GENERATIONS_BEFORE if newest_first else queries.GENERATIONS_AFTER
        edge = (_BEYOND_EVERY_ID if newest_first else "") if generation_id is None else generation_id
        return [to_view(row) for row in self._reader.rows(statement, (subscription_id, edge, limit))]

    async def change(self, generation_id: str, change: Change) -> Generation:
        """See `GenerationStore.change`."""
        now = self._clock.now()

        def operation(connection: apsw.Connection) -> Generation:
            row = connection.execute(queries.FIND_GENERATION, (generation_id,)).get
            if row is None:
                raise GenerationNotFound(generation_id)
            return _apply(connection, to_generation(row), change, now)

        changed = await self.writer.run(operation)
        self._changed(changed)
        return changed

    async def claim_next(
        self, claim: Change, engines: Engines = EVERY_ENGINE, passed_over: Collection[str] = ()
    ) -> Generation | None:
        """See `GenerationStore.claim_next`."""
        asked = from_claim(engines, passed_over)
        # Mostly the queue is empty: a read spares the write transaction then.
        if not self._reader.rows(queries.NEXT_QUEUED, asked):
            return None
        now = self._clock.now()

        def operation(connection: apsw.Connection) -> Generation | None:
            row = connection.execute(queries.NEXT_QUEUED, asked).get
            return None if row is None else _apply(connection, to_generation(row), claim, now)

        claimed = await self.writer.run(operation)
        if claimed is not None:
            self._changed(claimed)
        return claimed

    async def queued_for(self, engine: str) -> Sequence[str]:
        """See `GenerationStore.queued_for`."""
        return [row[0] for row in self._reader.rows(queries.QUEUED_FOR, (engine,))]

    async def leased(self, until: datetime) -> Sequence[str]:
        """See `GenerationStore.leased`."""
        return [row[0] for row in self._reader.rows(queries.LEASED, (microseconds(until),))]

    async def counts(self) -> Mapping[str, int]:
        """See `GenerationStore.counts`."""
        return dict(self._reader.rows(queries.COUNT_UNDER_WAY))

    async def delete(self, generation_id: str) -> bool:
        """See `GenerationStore.delete`."""
        now = self._clock.now()
        before = await self.writer.run(lambda connection: delete_generation(connection, generation_id, now))
        if before is not None and not before.is_terminal:
            self._changed(before.cancelled(now))
        return before is not None

    async def removed(self, generation_id: str) -> None:
        """See `GenerationStore.removed`."""

        def operation(connection: apsw.Connection) -> None:
            connection.execute(queries.END_REMOVAL, (generation_id,))

        await self.writer.run(operation)


def delete_generation(connection: apsw.Connection, generation_id: str, now: datetime) -> Generation | None:
    """Cancel an unfinished generation, then delete its row and all rows that belong to it. Returns it as it was.

    None for an unknown id.
    """
    row = connection.execute(queries.FIND_GENERATION, (generation_id,)).get
    if row is None:
        return None
    generation = to_generation(row)
    if not generation.is_terminal:
        _apply(connection, generation, lambda each: each.cancelled(now), now)
    for statement in (
        queries.DELETE_ATTEMPTS,
        queries.DELETE_DELIVERIES,
        queries.DELETE_IDEMPOTENCY_KEYS,
        queries.DELETE_GENERATION,
    ):
        connection.execute(statement, (generation_id,))
    connection.execute(queries.BEGIN_REMOVAL, (generation_id, microseconds(now)))
    return generation


def _submit(connection: apsw.Connection, submission: Submission) -> Accepted:
    generation = submission.generation
    standing = _standing(connection, generation)
    earlier = _earlier(connection, submission)
    if earlier is not None:
        return Accepted(earlier, replayed=True, window=standing.window_at(generation.created_at))
    window = admit(submission, standing)
    connection.execute(queries.INSERT_GENERATION, from_generation(generation))
    line = None if standing.queued else _joined(connection, generation)
    _spend(connection, generation, window)
    if line is not None:
        _keep_line(connection, generation, line)
    if submission.idempotency is not None:
        _keep_idempotency(connection, generation, submission.idempotency)
    if submission.fingerprint is not None:
        _keep_fingerprint(connection, generation, submission.fingerprint)
        if window.spent % SWEEP_EVERY == 0:
            connection.execute(queries.SWEEP_RECENT_SUBMITS, (_span(generation) - 1,))
    return Accepted(generation, replayed=False, window=window)


def _standing(connection: apsw.Connection, generation: Generation) -> Standing:
    row = connection.execute(
        queries.FIND_STANDING,
        {"subscription_id": generation.subscription_id, "period": period(generation.created_at)},
    ).get
    if row is None:
        return Standing(window=None, unfinished=0, queued=0, used_seconds=0.0)
    started_at, spent, unfinished, queued, video_spent = row
    window = RateWindow(to_time(started_at), spent)
    return Standing(window, unfinished, queued, (video_spent or 0) / 1_000_000)


def _spend(connection: apsw.Connection, generation: Generation, window: RateWindow) -> None:
    connection.execute(
        queries.SPEND_LIMITS,
        {
            "subscription_id": generation.subscription_id,
            "window_started_at": microseconds(window.started_at),
            "window_spent": window.spent,
        },
    )
    _spend_quota(connection, generation, generation.request.seconds)


def _spend_quota(connection: apsw.Connection, generation: Generation, seconds: float) -> None:
    connection.execute(
        queries.SPEND_QUOTA,
        {
            "subscription_id": generation.subscription_id,
            "period": period(generation.created_at),
            "video": video_microseconds(seconds),
        },
    )


def _earlier(connection: apsw.Connection, submission: Submission) -> Generation | None:
    """The earlier generation that a submission repeats, if any."""
    generation, named, fingerprint = submission.generation, submission.idempotency, submission.fingerprint
    if named is not None:
        found = connection.execute(queries.FIND_IDEMPOTENCY_KEY, (generation.subscription_id, named.key)).get
        if found is None:
            return None
        body_digest, earlier_id = found
        check_same_body(body_digest, named.body_digest)
    elif fingerprint is not None and fingerprint.is_retry:
        oldest = microseconds(generation.created_at - RETRIED_WITHIN)
        given = _recent(generation, fingerprint) | {"oldest": oldest}
        earlier_id = connection.execute(queries.FIND_RECENT_SUBMIT, given).get
    else:
        return None
    row = connection.execute(queries.FIND_GENERATION, (earlier_id,)).get
    return None if row is None else to_generation(row)


def _recent(generation: Generation, fingerprint: Fingerprint) -> Bindings:
    return {
        "span": _span(generation),
        "subscription_id": generation.subscription_id,
        "body_digest": fingerprint.body_digest,
    }


def _span(generation: Generation) -> int:
    return microseconds(generation.created_at) // _SPAN_MICROSECONDS


def _keep_fingerprint(connection: apsw.Connection, generation: Generation, fingerprint: Fingerprint) -> None:
    created_at = microseconds(generation.created_at)
    given = _recent(generation, fingerprint) | {"generation_id": generation.id, "created_at": created_at}
    connection.execute(queries.PUT_RECENT_SUBMIT, given)


def _keep_idempotency(connection: apsw.Connection, generation: Generation, idempotency: IdempotencyKey) -> None:
    oldest_kept = generation.created_at - IDEMPOTENCY_KEPT
    connection.execute(queries.SWEEP_IDEMPOTENCY_KEYS, (microseconds(oldest_kept),))
    connection.execute(
        queries.INSERT_IDEMPOTENCY_KEY,
        {
            "subscription_id": generation.subscription_id,
            "key": idempotency.key,
            "body_digest": idempotency.body_digest,
            "generation_id": generation.id,
            "created_at": microseconds(generation.created_at),
        },
    )


def _apply(connection: apsw.Connection, before: Generation, change: Change, now: datetime) -> Generation:
    after = change(before)
    connection.execute(queries.UPDATE_GENERATION, from_progress(after) | {"fence": before.attempt})
    if connection.changes() != 1:
        raise LeaseLost(f"{before.id} is past attempt {before.attempt}")
    if (before.state is State.QUEUED) is not (after.state is State.QUEUED):
        _move_line(connection, before, after, now)
    if after.is_terminal and not before.is_terminal:
        connection.execute(queries.FINISH_ONE, (after.subscription_id,))
    refund = refunded_by(before, after)
    if refund:
        _spend_quota(connection, after, -refund)
    delivery = caused_by(before, after, now)
    if delivery is not None:
        connection.execute(queries.CAUSE_DELIVERY, from_delivery(delivery))
    return after


def _joined(connection: apsw.Connection, generation: Generation) -> Line:
    """The subscription's place in the queue, with its first generation in it."""
    line, virtual_time = _line(connection, generation)
    return line.joined(virtual_time, generation.created_at)


def _move_line(connection: apsw.Connection, before: Generation, after: Generation, now: datetime) -> None:
    line, virtual_time = _line(connection, after)
    moved, then = line.after(before, after, virtual_time, now)
    _keep_line(connection, after, moved)
    if then != virtual_time:
        connection.execute(queries.SET_VIRTUAL_CLOCK, (then,))


def _line(connection: apsw.Connection, generation: Generation) -> tuple[Line, int]:
    """Its subscription's place in the queue, and the virtual time."""
    virtual_time, queued, *turn = connection.execute(queries.FIND_LINE, (generation.subscription_id,)).get
    if queued is None:
        return Line(0, 0, generation.created_at), virtual_time
    return to_line((queued, *turn)), virtual_time


def _keep_line(connection: apsw.Connection, generation: Generation, line: Line) -> None:
    connection.execute(queries.MOVE_LINE, from_line(line) | {"subscription_id": generation.subscription_id})
