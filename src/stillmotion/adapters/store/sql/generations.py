"""Generations in SQL: the queue, its limits, and the rows that each change updates."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from stillmotion.adapters.store.sql.connections import Connection, Reader, Writer
from stillmotion.adapters.store.sql.deliveries import from_delivery
from stillmotion.adapters.store.sql.generation_lines import move_line
from stillmotion.adapters.store.sql.generation_rows import (
    Claim,
    Row,
    from_claim,
    from_progress,
    microseconds,
    to_generation,
    to_time,
    to_view,
)
from stillmotion.adapters.store.sql.generation_submits import spend_quota, submit_generation
from stillmotion.adapters.store.sql.history.lists import delete_entry, keep_entry
from stillmotion.adapters.store.sql.operators.controls import to_controls
from stillmotion.adapters.store.sql.outlooks import SharedOutlooks
from stillmotion.adapters.store.sql.queries import (
    callbacks,
    deletions,
    generations,
    holds,
    limits,
    lines,
    operators,
    records,
)
from stillmotion.adapters.store.sql.records import (
    encode_names,
    from_forecast,
    keep_attempt,
    keep_render_time,
    to_picture,
    to_record,
)
from stillmotion.adapters.store.sql.usage import keep_usage
from stillmotion.application.failpoints import Fault, Point, no_fault
from stillmotion.application.ports.store import (
    EVERY_ENGINE,
    Accepted,
    Change,
    Changed,
    EngineLimit,
    Engines,
    Submission,
    Told,
    unwatched,
)
from stillmotion.application.ports.values import Clock
from stillmotion.domain.assets import generation_of
from stillmotion.domain.callbacks import caused_by
from stillmotion.domain.errors import GenerationNotFound, LeaseLost
from stillmotion.domain.generation import Deletion, Generation, GenerationView, Lease, WorkStage
from stillmotion.domain.lifecycle import State
from stillmotion.domain.operators.queue_controls import NOBODY, WorkerName
from stillmotion.domain.quotas import refunded_by
from stillmotion.domain.record.attempts import AttemptRecord
from stillmotion.domain.record.outlook import Outlook, WorkKind
from stillmotion.domain.record.render_times import RenderTimes
from stillmotion.domain.request import GenerationRequest


class SqlGenerations:
    """`GenerationStore`. PostgreSQL has its own form of submits, claims, renewals and single reads."""

    def __init__(
        self,
        writer: Writer,
        reader: Reader,
        clock: Clock,
        changed: Told,
        fault: Fault = no_fault,
        ended: Changed = unwatched,
    ) -> None:
        self.writer = writer
        self._reader = reader
        self._clock = clock
        self._changed = changed
        self._ended = ended
        self._fault = fault
        self._outlooks = SharedOutlooks(reader, clock)

    @property
    def epoch(self) -> int:
        """See `GenerationStore.epoch`: one file has one history."""
        return 0

    async def submit(self, submission: Submission) -> Accepted:
        """See `GenerationStore.submit`."""

        def operation(connection: Connection) -> Accepted:
            accepted = submit_generation(connection, submission)
            self._fault(Point.SUBMIT_BEFORE_COMMIT)
            return accepted

        accepted = await self.writer.run(operation)
        if not accepted.replayed:
            self._changed(accepted.generation)
        return accepted

    async def find(self, generation_id: str) -> Generation | None:
        """See `GenerationStore.find`."""
        rows = await self._reader.rows(generations.FIND_GENERATION, (generation_id,))
        return to_generation(rows[0]) if rows else None

    async def digest_of(self, key: str) -> str | None:
        """See `GenerationStore.digest_of`."""
        rows = await self._reader.rows(generations.ASSET_DIGEST, {"id": generation_of(key), "key": key})
        return str(rows[0][0]) if rows else None

    async def owned(self, subscription_id: str, generation_id: str) -> Generation | None:
        """See `GenerationStore.owned`."""
        rows = await self._reader.rows(generations.FIND_OWNED, (subscription_id, generation_id))
        return to_generation(rows[0]) if rows else None

    async def view(self, subscription_id: str, generation_id: str) -> GenerationView:
        """See `GenerationStore.view`."""
        rows = await self._reader.rows(generations.VIEW_GENERATION, (subscription_id, generation_id))
        if not rows:
            raise GenerationNotFound(generation_id)
        return to_view(rows[0])

    async def change(self, generation_id: str, change: Change) -> Generation:
        """See `GenerationStore.change`."""
        now = self._clock.now()

        def operation(connection: Connection) -> tuple[Generation, Generation]:
            before = _held(connection, generation_id)
            if before is None:
                raise GenerationNotFound(generation_id)
            return before, _apply(connection, before, change, now)

        return self._told(*await self.writer.run(operation))

    async def renew(
        self,
        lease: Lease,
        until: datetime,
        progress: float,
        preview: str | None = None,
        stage: WorkStage = WorkStage.RENDERING,
    ) -> datetime | None:
        """See `GenerationStore.renew`."""
        try:
            await self.change(
                lease.generation_id, lambda generation: generation.renewed(lease, until, progress, preview, stage)
            )
        except GenerationNotFound as error:
            raise LeaseLost(f"{lease.generation_id} was deleted") from error
        ((watched_until,),) = await self._reader.rows(generations.WATCHED_UNTIL, (lease.generation_id,)) or ((None,),)
        return None if watched_until is None else to_time(watched_until)

    async def watch_previews(self, generation_ids: Collection[str], until: datetime) -> None:
        """See `GenerationStore.watch_previews`."""

        def operation(connection: Connection) -> None:
            connection.execute(generations.WATCH_PREVIEWS, (microseconds(until), encode_names(generation_ids)))

        await self.writer.run(operation)

    async def claim_next(
        self,
        claim: Change,
        engines: Engines = EVERY_ENGINE,
        passed_over: Collection[str] = (),
        worker: WorkerName = NOBODY,
        within: EngineLimit | None = None,
    ) -> Generation | None:
        """See `GenerationStore.claim_next`."""

        def asked(rows: Sequence[Row]) -> Claim | None:
            controls = to_controls(rows)
            return None if controls.stop(worker) else from_claim(engines.without(controls.paused_engines), passed_over)

        # Mostly the queue is empty: a read spares the write transaction then.
        wanted = asked(await self._reader.rows(operators.CONTROLS))
        if wanted is None or not await self._reader.rows(lines.NEXT_QUEUED, wanted):
            return None
        now = self._clock.now()

        def operation(connection: Connection) -> Generation | None:
            connection.hold(holds.HOLD_CLOCK)
            wanted = asked(connection.execute(operators.CONTROLS).fetchall())
            if wanted is None or _is_full(connection, within):
                return None
            return _claim(connection, wanted, claim, now, worker.id)

        claimed = await self.writer.run(operation)
        if claimed is not None:
            self._changed(claimed)
        return claimed

    async def attempts_of(self, generation_id: str) -> Sequence[AttemptRecord]:
        """See `RecordStore.attempts_of`."""
        return [to_record(row) for row in await self._reader.rows(records.ATTEMPTS_OF_GENERATION, (generation_id,))]

    async def outlooks(self, views: Sequence[GenerationView]) -> Mapping[str, Outlook]:
        """See `RecordStore.outlooks`."""
        return await self._outlooks.of(views)

    async def render_times(self, engines: Collection[str]) -> RenderTimes:
        """See `RecordStore.render_times`."""
        rows = await self._reader.rows(records.RENDER_TIMES, (encode_names(engines),))
        return {WorkKind(*kind): seconds for *kind, seconds in rows}

    async def forecast(self, subscription_id: str, engine: str, request: GenerationRequest) -> Outlook:
        """See `RecordStore.forecast`."""
        rows = await self._reader.rows(records.PICTURE_OF_QUEUE, from_forecast(subscription_id, engine, request))
        return to_picture(rows).outlooks(self._clock.now())[""]

    async def queued_for(self, engine: str) -> Sequence[str]:
        """See `GenerationStore.queued_for`."""
        return [row[0] for row in await self._reader.rows(lines.QUEUED_FOR, (engine,))]

    async def leased(self, until: datetime) -> Sequence[str]:
        """See `GenerationStore.leased`."""
        return [row[0] for row in await self._reader.rows(lines.LEASED, (microseconds(until),))]

    async def counts(self) -> Mapping[str, int]:
        """See `GenerationStore.counts`."""
        return dict(await self._reader.rows(lines.COUNT_UNDER_WAY))

    async def delete(self, generation_id: str) -> bool:
        """See `GenerationStore.delete`."""
        now = self._clock.now()
        before = await self.writer.run(lambda connection: delete_generation(connection, generation_id, now))
        if before is not None and not before.is_terminal:
            self._told(before, before.cancelled(now))
        if before is not None:
            self._changed(Deletion(before.id, before.subscription_id))
        return before is not None

    async def removed(self, generation_id: str) -> None:
        """See `GenerationStore.removed`."""

        def operation(connection: Connection) -> None:
            connection.execute(deletions.END_REMOVAL, (generation_id,))

        await self.writer.run(operation)

    def _told(self, before: Generation, after: Generation) -> Generation:
        """Tell of a committed change."""
        self._changed(after)
        if after.is_terminal and not before.is_terminal:
            self._ended(after)
        return after


def _held(connection: Connection, generation_id: str) -> Generation | None:
    """The generation, held for a change; None for an unknown id."""
    connection.hold(holds.HOLD_GENERATION, (generation_id,))
    row = connection.execute(generations.FIND_GENERATION, (generation_id,)).get
    return None if row is None else to_generation(row)


def _claim(connection: Connection, wanted: Claim, claim: Change, now: datetime, worker: str) -> Generation | None:
    """Claim the next generation: one at the very front, or the one whose turn it is.

    One at the front takes no turn, so that the virtual time of turns stays: those who join later wait no longer for it.
    The statement that finds a generation also holds it, and passes over one that is held.
    """
    urgent = connection.execute(lines.NEXT_URGENT, wanted[:3]).get
    if urgent is not None:
        time = connection.execute(lines.VIRTUAL_TIME).get
        claimed = _apply(connection, to_generation(urgent), claim, now, worker)
        connection.execute(lines.SET_VIRTUAL_CLOCK, (time,))
        return claimed
    row = connection.execute(lines.NEXT_QUEUED, wanted).get
    return None if row is None else _apply(connection, to_generation(row), claim, now, worker)


def _is_full(connection: Connection, within: EngineLimit | None) -> bool:
    """True where so many of the engine's generations are leased already. No other claim can come between."""
    if within is None:
        return False
    leased: int = connection.execute(lines.LEASED_OF, (within.engine,)).get
    return leased >= within.most


def delete_generation(connection: Connection, generation_id: str, now: datetime) -> Generation | None:
    """Cancel an unfinished generation, then delete its row and all rows that belong to it. Returns it as it was.

    None for an unknown id.
    """
    generation = _held(connection, generation_id)
    if generation is None:
        return None
    connection.hold(holds.HOLD_DELIVERIES, (generation_id,))
    if not generation.is_terminal:
        _apply(connection, generation, lambda each: each.cancelled(now), now)
    for statement in (
        deletions.DELETE_RECORDS,
        deletions.DELETE_ATTEMPTS,
        deletions.DELETE_DELIVERIES,
        deletions.DELETE_IDEMPOTENCY_KEYS,
        deletions.DELETE_GENERATION,
    ):
        connection.execute(statement, (generation_id,))
    delete_entry(connection, generation)
    connection.execute(deletions.BEGIN_REMOVAL, (generation_id, microseconds(now)))
    return generation


def _apply(connection: Connection, before: Generation, change: Change, now: datetime, worker: str = "") -> Generation:
    after = change(before)
    if (before.state, before.engine) != (after.state, after.engine):
        connection.hold(holds.HOLD_LIMITS, (after.subscription_id,))
    connection.execute(generations.UPDATE_GENERATION, from_progress(after) | {"fence": before.attempt})
    if connection.changes() != 1:
        raise LeaseLost(f"{before.id} is past attempt {before.attempt}")
    keep_attempt(connection, before, after, worker, now)
    keep_entry(connection, before, after)
    keep_usage(connection, before, after)
    keep_render_time(connection, before, after)
    if (before.state is State.QUEUED) is not (after.state is State.QUEUED):
        move_line(connection, before, after, now)
    if after.is_terminal and not before.is_terminal:
        connection.execute(limits.FINISH_ONE, (after.subscription_id,))
    refund = refunded_by(before, after)
    if refund:
        spend_quota(connection, after, -refund)
    delivery = caused_by(before, after, now)
    if delivery is not None:
        connection.execute(callbacks.CAUSE_DELIVERY, from_delivery(delivery))
    return after
