"""A failover between two real servers: a standby made by `pg_basebackup` takes over from a server that is gone."""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

import psycopg

from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.identifiers import new_token
from stillmotion.adapters.objects import LocalObjects
from stillmotion.adapters.store import postgresql
from stillmotion.application.leases import Work
from stillmotion.application.ports.store import Submission
from stillmotion.domain.errors import LeaseLost, StoreUnavailable
from stillmotion.domain.lifecycle import State
from stillmotion.domain.operators.queue_controls import WorkerName
from tests import databases
from tests.builders import a_generation
from tests.contracts.conftest import keep_subscription
from tests.waiting import eventually, eventually_async

SETTINGS = "-c listen_addresses= -c fsync=off -c shared_buffers=32MB -c max_connections=60"


@dataclass
class Server:
    """One of the two servers, which listens in its own folder."""

    folder: Path
    programs: Path

    @property
    def url(self) -> str:
        return f"postgresql://{databases.ROLE}@/postgres?host={self.folder}"

    def run(self, program: str, *words: str) -> None:
        subprocess.run(
            [self.programs / program, *words], check=True, capture_output=True, cwd="/", **databases.as_user()
        )

    def control(self, *words: str) -> None:
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", *words)

    def start(self) -> None:
        # The server keeps its output open, so it gets a log.
        self.control("-l", str(self.folder / "log"), "-o", f"{SETTINGS} -k {self.folder}", "start")

    def ask(self, statement: str) -> object:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(statement).fetchone()


@pytest.fixture
def pair():
    """A server, and a standby that must have each commit before it is confirmed."""
    known = databases.installed()
    if not known:
        pytest.skip("PostgreSQL is not installed")
    made = []
    for _ in range(2):
        folder = Path(tempfile.mkdtemp(prefix="stillmotion-failover-"))
        databases.own(folder)
        made.append(Server(folder, databases.reachable(known[min(known)], folder)))
    primary, standby = made
    try:
        databases.initialise(primary.programs, primary.folder, "--no-sync")
        primary.start()
        source = ["-h", str(primary.folder), "-U", databases.ROLE]
        standby.run("pg_basebackup", *source, "-D", f"{standby.folder}/data", "-R", "-c", "fast", "--no-sync")
        standby.start()
        with psycopg.connect(primary.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'")
            connection.execute("SELECT pg_reload_conf()")
        eventually(lambda: primary.ask("SELECT sync_state FROM pg_stat_replication") == ("quorum",))
        yield made
    finally:
        for each in made:
            subprocess.run(
                [each.programs / "pg_ctl", "-D", each.folder / "data", "-m", "immediate", "stop"],
                check=False, capture_output=True, cwd="/", **databases.as_user(),
            )  # fmt: skip
            shutil.rmtree(each.folder, ignore_errors=True)


@pytest.fixture
def workers(pair, tmp_path):
    """The work of two processes that know both servers."""
    url = f"postgresql://{databases.ROLE}@/postgres?host={','.join(str(each.folder) for each in pair)}"
    stores = [postgresql.open_store(url) for _ in range(2)]
    names = WorkerName("first", "first"), WorkerName("second", "second")
    yield [
        Work(store, LocalObjects(tmp_path), SystemClock(), new_token, worker=name)
        for store, name in zip(stores, names, strict=True)
    ]
    for store in stores:
        store.close()


async def lost_claim(primary, standby, work, submission):
    """The lease of a claim that is confirmed while the standby is away and its setting off; then it takes over.

    The submission is lost with it.
    """
    standby.control("-m", "fast", "stop")
    with psycopg.connect(primary.url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
        connection.execute("SELECT pg_reload_conf()")
    eventually(lambda: primary.ask("SHOW synchronous_standby_names") == ("",))
    lost = work.lease_of(await work.claim())
    await work.store.submit(submission)
    primary.control("-m", "immediate", "stop")
    standby.start()
    standby.control("promote")
    return lost


async def claimed(work):
    async def claim():
        try:
            return await work.claim()
        except StoreUnavailable:
            return None

    return await eventually_async(claim)


async def test_what_was_confirmed_stays_and_a_lease_of_before_is_no_lease_of_after(pair, workers):
    first, second = workers
    subscription = await keep_subscription(first.store)
    accepted = [a_generation(subscription) for _ in range(20)]
    for each in accepted:
        await first.store.submit(Submission(each, subscription.product))
    kept = first.lease_of(await first.claim())
    late = await keep_subscription(first.store, name="late")
    first_of_it = Submission(a_generation(late), late.product)
    lost = await lost_claim(*pair, first, first_of_it)

    again = await claimed(second)
    assert again.lease == lost, "one attempt number, two workers"
    with pytest.raises((LeaseLost, StoreUnavailable)):
        await first.release(lost)
    for stale in (kept, lost):
        for refused in (first.renew(stale, 0.5), first.release(stale)):
            with pytest.raises(LeaseLost, match="before a failover"):
                await refused
        assert not await first.holds(stale)

    assert await first.store.find(first_of_it.generation.id) is None
    await first.store.submit(first_of_it)
    own = second.lease_of(again)
    await second.renew(own, 0.5)
    assert await second.holds(own)
    found = [await second.store.find(each.id) for each in accepted]
    assert all(found), "nothing that was accepted is lost"
    assert [each.state for each in found].count(State.DREAMING) == 2
    assert first.lease_of(await claimed(first)).epoch == first.store.epoch == 1
