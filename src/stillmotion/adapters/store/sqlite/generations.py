"""Generations in SQLite: the queue, its limits and what each change brings with it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import apsw

from stillmotion.adapters.store.admission import Standing, admit, check_same_body
from stillmotion.adapters.store.sqlite import statements
from stillmotion.adapters.store.sqlite.reader import Reader
from stillmotion.adapters.store.sqlite.rows import (
    from_delivery,
    from_generation,
    from_progress,
    microseconds,
    to_generation,
    to_time,
    to_view,
    video_microseconds,
)
from stillmotion.adapters.store.sqlite.writer import Writer
from stillmotion.application.faults import Fault, Point, no_fault
from stillmotion.application.ports import Accepted, Change, Clock, IdempotencyKey, Submission
from stillmotion.domain.callbacks import caused_by
from stillmotion.domain.errors import GenerationNotFound, LeaseLost
from stillmotion.domain.generation import Generation, GenerationView
from stillmotion.domain.quotas import RateWindow, period, refunded_by

IDEMPOTENCY_KEPT: Final = timedelta(hours=48)
"""Twice what callers are promised."""


class SqliteGenerations:
    """`GenerationStore`."""

    def __init__(self, writer: Writer, reader: Reader, clock: Clock, fault: Fault = no_fault) -> None:
        self._writer = writer
        self._reader = reader
        self._clock = clock
        self._fault = fault

    async def submit(self, submission: Submission) -> Accepted:
        """See `GenerationStore.submit`."""

        def operation(connection: apsw.Connection) -> Accepted:
            accepted = _submit(connection, submission)
            self._fault(Point.SUBMIT_BEFORE_COMMIT)
            return accepted

        return await self._writer.run(operation)

    async def find(self, generation_id: str) -> Generation | None:
        """See `GenerationStore.find`."""
        rows = self._reader.rows(statements.FIND_GENERATION, (generation_id,))
        return to_generation(rows[0]) if rows else None

    async def view(self, subscription_id: str, generation_id: str) -> GenerationView | None:
        """See `GenerationStore.view`."""
        rows = self._reader.rows(statements.VIEW_GENERATION, (generation_id, subscription_id))
        return to_view(rows[0]) if rows else None

    async def page(self, subscription_id: str, limit: int, offset: int) -> Sequence[GenerationView]:
        """See `GenerationStore.page`."""
        rows = self._reader.rows(statements.PAGE_OF_GENERATIONS, (subscription_id, limit, offset))
        return [to_view(row) for row in rows]

    async def change(self, generation_id: str, change: Change) -> Generation:
        """See `GenerationStore.change`."""
        now = self._clock.now()

        def operation(connection: apsw.Connection) -> Generation:
            row = connection.execute(statements.FIND_GENERATION, (generation_id,)).get
            if row is None:
                raise GenerationNotFound(generation_id)
            return _apply(connection, to_generation(row), change, now)

        return await self._writer.run(operation)

    async def claim_next(self, claim: Change) -> Generation | None:
        """See `GenerationStore.claim_next`."""
        # Most of the time nothing waits, and then there is no reason to write.
        if not self._reader.rows(statements.OLDEST_QUEUED):
            return None
        now = self._clock.now()

        def operation(connection: apsw.Connection) -> Generation | None:
            row = connection.execute(statements.OLDEST_QUEUED).get
            return None if row is None else _apply(connection, to_generation(row), claim, now)

        return await self._writer.run(operation)

    async def leased(self, until: datetime) -> Sequence[str]:
        """See `GenerationStore.leased`."""
        return [row[0] for row in self._reader.rows(statements.LEASED, (microseconds(until),))]

    async def counts(self) -> Mapping[str, int]:
        """See `GenerationStore.counts`."""
        return dict(self._reader.rows(statements.COUNT_UNDER_WAY))


def _submit(connection: apsw.Connection, submission: Submission) -> Accepted:
    generation = submission.generation
    standing = _standing(connection, generation)
    if submission.idempotency is not None:
        earlier = _earlier(connection, generation.subscription_id, submission.idempotency)
        if earlier is not None:
            return Accepted(earlier, replayed=True, window=standing.window_at(generation.created_at))
    window = admit(submission, standing)
    connection.execute(statements.INSERT_GENERATION, from_generation(generation))
    _spend(connection, generation, window)
    if submission.idempotency is not None:
        _keep_idempotency(connection, generation, submission.idempotency)
    return Accepted(generation, replayed=False, window=window)


def _standing(connection: apsw.Connection, generation: Generation) -> Standing:
    row = connection.execute(
        statements.FIND_STANDING,
        {"subscription_id": generation.subscription_id, "period": period(generation.created_at)},
    ).get
    if row is None:
        return Standing(window=None, unfinished=0, used_seconds=0.0)
    started_at, spent, unfinished, video_spent = row
    return Standing(RateWindow(to_time(started_at), spent), unfinished, (video_spent or 0) / 1_000_000)


def _spend(connection: apsw.Connection, generation: Generation, window: RateWindow) -> None:
    connection.execute(
        statements.SPEND_LIMITS,
        {
            "subscription_id": generation.subscription_id,
            "window_started_at": microseconds(window.started_at),
            "window_spent": window.spent,
        },
    )
    _spend_quota(connection, generation, generation.request.seconds)


def _spend_quota(connection: apsw.Connection, generation: Generation, seconds: float) -> None:
    connection.execute(
        statements.SPEND_QUOTA,
        {
            "subscription_id": generation.subscription_id,
            "period": period(generation.created_at),
            "video": video_microseconds(seconds),
        },
    )


def _earlier(connection: apsw.Connection, subscription_id: str, idempotency: IdempotencyKey) -> Generation | None:
    found = connection.execute(statements.FIND_IDEMPOTENCY_KEY, (subscription_id, idempotency.key)).get
    if found is None:
        return None
    body_digest, generation_id = found
    check_same_body(body_digest, idempotency.body_digest)
    return to_generation(connection.execute(statements.FIND_GENERATION, (generation_id,)).get)


def _keep_idempotency(connection: apsw.Connection, generation: Generation, idempotency: IdempotencyKey) -> None:
    oldest_kept = generation.created_at - IDEMPOTENCY_KEPT
    connection.execute(statements.SWEEP_IDEMPOTENCY_KEYS, (microseconds(oldest_kept),))
    connection.execute(
        statements.INSERT_IDEMPOTENCY_KEY,
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
    connection.execute(statements.UPDATE_GENERATION, from_progress(after) | {"fence": before.attempt})
    if connection.changes() != 1:
        raise LeaseLost(f"{before.id} is past attempt {before.attempt}")
    if after.is_terminal and not before.is_terminal:
        connection.execute(statements.FINISH_ONE, (after.subscription_id,))
    refund = refunded_by(before, after)
    if refund:
        _spend_quota(connection, after, -refund)
    delivery = caused_by(before, after, now)
    if delivery is not None:
        connection.execute(statements.CAUSE_DELIVERY, from_delivery(delivery))
    return after
