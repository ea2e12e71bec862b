"""The PostgreSQL store: every port over one database, for any number of processes."""

from collections.abc import Collection, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial

from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.store.postgresql.claims import ClaimQuestion, Claims
from stillmotion.adapters.store.postgresql.connections.opening import conninfo, named
from stillmotion.adapters.store.postgresql.connections.threads import FAILED_OVER, SESSIONS, Threads
from stillmotion.adapters.store.postgresql.connections.together import Together
from stillmotion.adapters.store.postgresql.queries.reads import PRESENT
from stillmotion.adapters.store.postgresql.reads import Question, read_together
from stillmotion.adapters.store.postgresql.renewals import Renewal, renew_together, watch_previews
from stillmotion.adapters.store.postgresql.schema import migrations, open_database
from stillmotion.adapters.store.postgresql.secret import replace_secret
from stillmotion.adapters.store.postgresql.submits import Submits
from stillmotion.adapters.store.sql.connections import Connection
from stillmotion.adapters.store.sql.generation_rows import Row, microseconds, to_generation, to_time, to_view
from stillmotion.adapters.store.sql.store import SqlStore
from stillmotion.application.failpoints import Fault, no_fault
from stillmotion.application.ports.metrics import Buckets
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
from stillmotion.domain.errors import GenerationNotFound, StoreUnavailable
from stillmotion.domain.generation import Generation, GenerationView, Lease, WorkStage
from stillmotion.domain.operators.queue_controls import NOBODY, WorkerName

_SYSTEM_CLOCK = SystemClock()


class PostgresStore(SqlStore):
    """All store ports over one PostgreSQL database, for any thread and any number of event loops."""

    def __init__(
        self,
        threads: Threads,
        clock: Clock,
        changed: Told = unwatched,
        fault: Fault = no_fault,
        ended: Changed = unwatched,
    ) -> None:
        super().__init__(threads, threads, clock, migrations()[-1].version, changed, fault, ended)
        self._threads = threads
        self._submits = Together("stillmotion-store-submits", Submits(threads, fault))
        self._reads = Together("stillmotion-store-reads", self._read_all)
        self._claims = Together("stillmotion-store-claims", Claims(threads))
        self._renewals = Together("stillmotion-store-renewals", self._renew_all)

    @property
    def epoch(self) -> int:
        """See `GenerationStore.epoch`."""
        return self._threads.epoch

    async def submit(self, submission: Submission) -> Accepted:
        """See `GenerationStore.submit`. Submits that come together share a transaction."""
        accepted = await self._submits.ask(submission)
        if not accepted.replayed:
            self._changed(accepted.generation)
        return accepted

    async def find(self, generation_id: str) -> Generation | None:
        """See `GenerationStore.find`."""
        row = await self._reads.ask(Question(generation_id, is_whole=True))
        return None if row is None else to_generation(row)

    async def owned(self, subscription_id: str, generation_id: str) -> Generation | None:
        """See `GenerationStore.owned`."""
        row = await self._reads.ask(Question(generation_id, is_whole=True))
        return to_generation(row) if row is not None and row[1] == subscription_id else None

    async def view(self, subscription_id: str, generation_id: str) -> GenerationView:
        """See `GenerationStore.view`. Views that are asked for together are one statement."""
        row = await self._reads.ask(Question(generation_id, is_whole=False))
        if row is None or row[0] != subscription_id:
            raise GenerationNotFound(generation_id)
        return to_view(row[1:])

    async def claim_next(
        self,
        claim: Change,
        engines: Engines = EVERY_ENGINE,
        passed_over: Collection[str] = (),
        worker: WorkerName = NOBODY,
        within: EngineLimit | None = None,
    ) -> Generation | None:
        """See `GenerationStore.claim_next`. Claims that come together hold the virtual clock once."""
        epoch = self.epoch
        question = ClaimQuestion(claim, engines, passed_over, worker, within, self._clock.now())
        claimed = await self._claims.ask(question)
        if self.epoch != epoch:
            raise StoreUnavailable(FAILED_OVER)
        if claimed is not None:
            self._changed(claimed)
        return claimed

    async def renew(
        self,
        lease: Lease,
        until: datetime,
        progress: float,
        preview: str | None = None,
        stage: WorkStage = WorkStage.RENDERING,
    ) -> datetime | None:
        """See `GenerationStore.renew`. Only the lease's row is written, and nobody waits for the disk."""
        kept_until = microseconds(until)
        watched_until = await self._renewals.ask(
            Renewal(lease.generation_id, lease.attempt, kept_until, progress, preview, stage.value)
        )
        return None if watched_until is None else to_time(watched_until)

    async def watch_previews(self, generation_ids: Collection[str], until: datetime) -> None:
        """See `GenerationStore.watch_previews`."""
        await self._threads.apart(partial(watch_previews, generation_ids=generation_ids, until=microseconds(until)))

    async def check(self) -> None:
        """Raise `StoreUnavailable` if the database cannot be written to just now."""
        await self._threads.run(_touch)

    @property
    def commit_times(self) -> Buckets:
        """See `Store.commit_times`."""
        return self._threads.commit_times

    @property
    def displaced(self) -> None:
        """See `Store.displaced`: a server keeps its files itself."""

    async def time(self) -> datetime:
        """See `Store.time`."""
        ((now,),) = await self._threads.rows(PRESENT)
        return to_time(now)

    def close(self) -> None:
        """Finish the operations under way and close the sessions. May be called twice."""
        self._submits.close()
        self._reads.close()
        self._renewals.close()
        self._claims.close()
        self._threads.close()

    def _read_all(self, questions: Sequence[Question]) -> Sequence[Row | None]:
        return self._threads.patiently(partial(read_together, questions=questions))

    def _renew_all(self, renewals: Sequence[Renewal]) -> Sequence[int | Exception | None]:
        return self._threads.patiently(partial(renew_together, renewals=renewals))


def open_store(
    url: str,
    clock: Clock = _SYSTEM_CLOCK,
    changed: Told = unwatched,
    fault: Fault = no_fault,
    fingerprints: Sequence[bytes] = (),
    ended: Changed = unwatched,
    sessions: int = SESSIONS,
) -> PostgresStore:
    """Open the database of a `postgresql://` URL, made ready or migrated as needed. Raises `StoreUnusable`.

    The clock sets the due time of callbacks that a change causes. `changed` is called with every changed generation,
    `ended` with every one that has come to its end.
    `fingerprints` are those that the database must agree with; without them nothing is compared.
    """
    parameters = conninfo(url)
    threads = Threads(parameters, open_database(parameters, migrations(), fingerprints), sessions)
    return PostgresStore(threads, clock, changed, fault, ended)


def use_secret(url: str, fingerprint: bytes) -> bytes | None:
    """Link a database that no process uses to another secret. Raises `StoreUnusable`.

    The answer is the fingerprint of the one before; None without one.
    """
    parameters = conninfo(url)
    session = open_database(parameters, migrations())
    with closing(session.link):
        return replace_secret(session, named(parameters), fingerprint)


def _touch(connection: Connection) -> None:
    """Write the same number again: the smallest durable change."""
    connection.execute("UPDATE stillmotion SET schema = schema")
