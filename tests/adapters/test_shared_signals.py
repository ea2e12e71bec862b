"""Signals over a real PostgreSQL: what one process tells wakes the tasks of another, and nothing else."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

import psycopg

from stillmotion.adapters.shared_signals import LONGEST_PAYLOAD, Message, Outbox, SharedChanges, Switchboard, Topic
from stillmotion.adapters.store.postgresql.signals import PostgresMessages
from stillmotion.domain.generation import Deletion
from tests import databases
from tests.builders import NOON, a_generation, a_subscription
from tests.waiting import eventually_async

LONG, SHORT, UNTIL = timedelta(seconds=60), timedelta(seconds=0.3), NOON + timedelta(seconds=15)
OWNER = a_subscription()


@pytest.fixture(scope="module")
def url():
    return databases.cluster().new_database()


@asynccontextmanager
async def process(url, rows=(), topics=tuple(Topic)):
    """The signals of one process, which reads changed generations from `rows`."""
    switchboard = Switchboard()

    async def find(generation_id):
        return next((each for each in rows if each.id == generation_id), None)

    task = asyncio.create_task(PostgresMessages(url, switchboard, find, topics).run())
    try:
        yield switchboard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def listening(url, count):
    """Wait until so many connections listen."""

    def look():
        with psycopg.connect(url) as link:
            asked = "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^LISTEN' AND datname = current_database()"
            return link.execute(asked).fetchone()[0] == count

    await eventually_async(lambda: asyncio.to_thread(look))


async def test_work_and_withdrawals_wake_those_who_wait_in_another_process(url):
    async with process(url) as one, process(url) as another:
        await listening(url, 2)
        with another.signal.watching("a") as cancelled, another.signal.watching("b") as going_on:
            await another.signal.wait(SHORT)
            one.signal.notify()
            one.signal.withdraw("a")
            await asyncio.wait_for(another.signal.wait(LONG), 20)
            assert await cancelled.come(LONG)
            assert not await going_on.come(SHORT)


async def test_a_change_is_read_and_told_to_those_who_watch_it(url):
    queued = a_generation(OWNER)
    claimed = queued.claimed(UNTIL)
    async with process(url) as one, process(url, [claimed]) as another:
        await listening(url, 2)
        own, owners, strangers = (another.changes.watch(each) for each in (queued.id, OWNER.id, "nobody"))
        await another.announcements.wait(SHORT)
        one.changes.tell(claimed)
        assert await own.next(LONG) == claimed
        assert await owners.next(LONG) == claimed
        await asyncio.wait_for(another.announcements.wait(LONG), 20)
        one.changes.tell(Deletion("gone", OWNER.id))
        assert await owners.next(LONG) == Deletion("gone", OWNER.id)
        assert await strangers.next(timedelta(0)) is None


async def test_a_lost_connection_is_opened_anew_and_who_waits_looks(url):
    async with process(url) as one, process(url) as another:
        await listening(url, 2)
        await another.signal.wait(SHORT)
        with psycopg.connect(url, autocommit=True) as link:
            asked = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '^LISTEN' AND pid <> %s"
            link.execute(asked, (link.info.backend_pid,))
        await asyncio.wait_for(another.signal.wait(LONG), 20)
        await listening(url, 2)
        one.signal.withdraw("unheard")
        with another.signal.watching("a") as cancelled:
            one.signal.withdraw("a")
            assert await cancelled.come(LONG)


async def test_messages_are_gathered_and_none_is_too_long():
    outbox = Outbox()
    ids = [f"{number:040d}" for number in range(500)]
    for each in (*ids, *ids):
        outbox.add(Topic.CANCELS, each)
    outbox.add(Topic.WORK)
    outbox.add(Topic.WORK)
    work, *cancels = await outbox.gathered()
    assert work == Message(Topic.WORK, "")
    assert " ".join(each.words for each in cancels).split() == ids
    assert {len(each.words) <= LONGEST_PAYLOAD for each in cancels} == {True}
    assert len(cancels) == 3


async def test_progress_is_not_sent():
    outbox = Outbox()
    changes = SharedChanges(outbox)
    claimed = a_generation(OWNER).claimed(UNTIL)
    changes.tell(claimed)
    (begun,) = await outbox.gathered()
    assert begun == Message(Topic.CHANGES, f"{claimed.id}:{OWNER.id}")
    changes.tell(claimed.renewed(claimed.lease, UNTIL, 0.5))
    changes.tell(claimed.cancelled(NOON))
    again = claimed.released(claimed.lease).claimed(UNTIL)
    changes.tell(again)
    (news,) = await outbox.gathered()
    assert news.words == f"{claimed.id}:{OWNER.id}", "the end and the next attempt, each id once"


async def test_a_closed_outbox_keeps_nothing():
    switchboard = Switchboard(is_open=False)
    switchboard.signal.notify()
    switchboard.signal.withdraw("a")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(switchboard.outbox.gathered(), 0.1)
