"""SQLite store beyond its ports: durability of acknowledged writes, and isolation between callers."""

import asyncio
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from stillmotion.adapters.store.sqlite import SqliteStore, open_store
from stillmotion.adapters.store.sqlite.connections.database import CHECKPOINT_PAGES
from stillmotion.adapters.store.sqlite.connections.open_files import OpenFiles
from stillmotion.adapters.store.sqlite.connections.reader import HOLD_SECONDS, IDLE_SECONDS, SqliteReader
from stillmotion.adapters.store.sqlite.connections.writer import SqliteWriter
from stillmotion.adapters.store.sqlite.schema import migrations, open_database
from stillmotion.application.ports.store import IdempotencyKey, Submission
from stillmotion.domain.errors import GenerationNotFound, RateLimitExceeded, StoreUnavailable
from stillmotion.domain.lifecycle import State
from tests.builders import CALLBACK_URL, NOON, a_generation, a_key, a_subscription
from tests.contracts.conftest import keep_subscription
from tests.waiting import eventually_async

ROOT = Path(__file__).parents[2]


def submitter(database, *arguments):
    command = [sys.executable, "-m", "tests.contracts.submitter", str(database), *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def said_by(program):
    told, _ = program.communicate(timeout=60)
    assert program.returncode == 0
    return told.split()


async def submit(store, subscription, **parts):
    generation = a_generation(subscription, **parts)
    return (await store.submit(Submission(generation, subscription.product))).generation


def journal(database):
    """A connection to the file, as of another program."""
    return apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)


async def test_everything_is_there_after_a_restart(database, clock):
    store = open_store(database, clock)
    subscription = await keep_subscription(store)
    generation = await submit(store, subscription, callback_url=CALLBACK_URL)
    claimed = await store.change(generation.id, lambda each: each.claimed(NOON))
    store.close()
    again = open_store(database, clock)
    assert await again.find(generation.id) == claimed
    assert [each.announces for each in await again.due(NOON, 10)] == [State.DREAMING]
    assert [each for each, _ in await again.subscriptions()] == [subscription]
    again.close()


async def test_what_was_spent_of_a_limit_survives_a_restart(database, clock):
    store = open_store(database, clock)
    subscription = await keep_subscription(store, submits_per_minute=2, video_seconds_per_month=100)
    for _ in range(2):
        await submit(store, subscription, seconds=5)
    store.close()
    again = open_store(database, clock)
    with pytest.raises(RateLimitExceeded) as refused:
        await submit(again, subscription)
    assert refused.value.retry_after == 60
    assert (await again.usage(subscription.id, "2026-11")).video_seconds == 10
    again.close()


async def test_what_was_acknowledged_survives_a_kill(database, clock):
    """SIGKILL while eight callers submit: every acknowledged id is there, and the counts agree."""
    store = open_store(database, clock)
    subscription = await keep_subscription(store, submits_per_minute=10**9, concurrent_generations=10**9)
    store.close()
    with submitter(database, "forever", subscription.id) as program:
        acknowledged = [program.stdout.readline().strip() for _ in range(300)]
        program.kill()
        acknowledged += [line.strip() for line in program.stdout if line.endswith("\n")]
    again = open_store(database, clock)
    found = [await again.find(each) for each in acknowledged]
    assert [each.state for each in found] == [State.QUEUED] * len(acknowledged)
    (unfinished,) = journal(database).execute("SELECT unfinished FROM limits").fetchall()[0]
    assert unfinished == (await again.counts())["queued"] >= len(acknowledged) >= 300
    again.close()


async def test_an_operation_that_raises_undoes_itself_alone(sqlite):
    """In one batch, every second operation raises after it has written."""
    subscription = await keep_subscription(sqlite)
    generations = [await submit(sqlite, subscription) for _ in range(40)]

    def spoil(connection):
        connection.execute("UPDATE generations SET state = 'cancelled'")
        connection.execute("DELETE FROM limits")
        raise ZeroDivisionError

    changes = []
    for generation in generations:
        changes.append(sqlite.change(generation.id, lambda each: each.claimed(NOON)))
        changes.append(sqlite.writer.run(spoil))
    results = await asyncio.gather(*changes, return_exceptions=True)
    assert {type(each) for each in results[1::2]} == {ZeroDivisionError}
    assert {each.state for each in results[::2]} == {State.DREAMING}
    assert await sqlite.counts() == {"queued": 0, "dreaming": 40}


async def test_operations_that_come_together_share_a_commit(sqlite):
    subscription = await keep_subscription(sqlite)
    commits = []

    def count():
        commits.append(1)
        return False

    await sqlite.writer.run(lambda connection: connection.set_commit_hook(count))
    commits.clear()
    await asyncio.gather(*(submit(sqlite, subscription) for _ in range(100)))
    assert len(commits) <= 10


async def test_a_commit_that_fails_fails_everyone_in_it(database, clock):
    """The process may not let its files grow: each submit is refused, and the store recovers afterwards."""
    store = open_store(database, clock)
    subscription = await keep_subscription(store)
    store.close()
    said = said_by(submitter(database, "full", subscription.id))
    assert said == ["accepted", *["unavailable"] * 5, "accepted"]
    again = open_store(database, clock)
    assert await again.counts() == {"queued": 2, "dreaming": 0}
    again.close()


async def test_the_writer_outlives_an_error_that_nobody_foresaw(sqlite):
    subscription = await keep_subscription(sqlite)
    with pytest.raises(StoreUnavailable, match="division by zero"):
        await sqlite.writer.run(lambda connection: connection.set_commit_hook(lambda: 1 / 0))
    await sqlite.writer.run(lambda connection: connection.set_commit_hook(None))
    generation = await submit(sqlite, subscription)
    assert await sqlite.find(generation.id) == generation


async def test_a_full_database_refuses_what_does_not_fit_and_keeps_the_rest(sqlite):
    subscription = await keep_subscription(sqlite)
    kept = await submit(sqlite, subscription)
    await sqlite.writer.run(lambda connection: connection.pragma("max_page_count", 1))
    large = (submit(sqlite, subscription, prompt="p" * 5000) for _ in range(50))
    results = await asyncio.gather(*large, return_exceptions=True)
    assert "the disk is full" in {str(each) for each in results if isinstance(each, StoreUnavailable)}
    assert await sqlite.find(kept.id) == kept
    await sqlite.writer.run(lambda connection: connection.pragma("max_page_count", 2**30))
    await submit(sqlite, subscription, prompt="p" * 5000)


async def test_a_database_that_another_keeps_locked_is_unavailable_until_it_lets_go(database, clock):
    connection = open_database(database, migrations())
    connection.set_busy_timeout(50)
    writer = SqliteWriter(connection, OpenFiles(database))
    store = SqliteStore(writer, SqliteReader(database, writer), clock)
    subscription = await keep_subscription(store)
    other = apsw.Connection(str(database))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await submit(store, subscription)
    with pytest.raises(StoreUnavailable):
        await store.check()
    assert await store.counts() == {"queued": 0, "dreaming": 0}
    other.execute("ROLLBACK")
    await store.check()
    await submit(store, subscription)
    store.close()


async def test_a_hundred_a_minute_means_a_hundred_over_processes(sqlite, database):
    """Four processes make 150 submits each. 100 are accepted and 500 refused."""
    subscription = await keep_subscription(sqlite, submits_per_minute=100)
    programs = [submitter(database, "burst", subscription.id, 150) for _ in range(4)]
    assert sum(int(said_by(program)[0]) for program in programs) == 100
    with pytest.raises(RateLimitExceeded):
        await submit(sqlite, subscription)


async def test_keys_made_by_another_process_work_at_once(sqlite, database):
    busy = asyncio.create_task(_submit_for_a_while(sqlite))
    digests = await asyncio.to_thread(lambda: [said_by(submitter(database, "issue", f"p{n}"))[0] for n in range(2)])
    busy.cancel()
    for digest in digests:
        found, key = await sqlite.find_subscription(bytes.fromhex(digest))
        assert key.subscription_id == found.id


async def _submit_for_a_while(store):
    subscription = await keep_subscription(store, submits_per_minute=10**9, concurrent_generations=10**9)
    while True:
        await submit(store, subscription)


async def test_a_subscription_is_kept_with_all_its_keys_or_not_at_all(sqlite):
    subscription = a_subscription()
    await sqlite.add_product(subscription.product)
    good = a_key(subscription)
    with pytest.raises(apsw.ConstraintError):
        await sqlite.add_subscription(subscription, [good, a_key(a_subscription())])
    assert await sqlite.subscriptions() == []
    assert await sqlite.find_subscription(good.digest) is None


async def test_a_caller_that_gives_up_waiting_disturbs_nobody(sqlite):
    subscription = await keep_subscription(sqlite)
    impatient = [asyncio.create_task(submit(sqlite, subscription)) for _ in range(20)]
    await asyncio.sleep(0)
    for task in impatient[::2]:
        task.cancel()
    results = await asyncio.gather(*impatient, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in results[::2])
    for generation in results[1::2]:
        assert await sqlite.find(generation.id) == generation


def test_threads_with_loops_of_their_own_share_a_store(sqlite):
    subscription = asyncio.run(keep_subscription(sqlite))
    made = []

    def work():
        async def several():
            for _ in range(10):
                generation = await submit(sqlite, subscription)
                assert await sqlite.find(generation.id) == generation
                made.append(generation.id)

        asyncio.run(several())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 40
    assert asyncio.run(sqlite.counts()) == {"queued": 40, "dreaming": 0}


async def test_closing_finishes_what_is_queued_and_refuses_what_comes_later(database, clock):
    store = open_store(database, clock)
    subscription = await keep_subscription(store)
    tasks = [asyncio.create_task(submit(store, subscription)) for _ in range(50)]
    await asyncio.sleep(0)
    store.close()
    store.close()
    kept = await asyncio.gather(*tasks)
    with pytest.raises(StoreUnavailable, match="closed"):
        await submit(store, subscription)
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.find(kept[0].id)
    assert not database.with_name(database.name + "-wal").exists()
    again = open_store(database, clock)
    assert [await again.find(each.id) for each in kept] == kept
    again.close()


async def test_old_idempotency_keys_are_swept_and_young_ones_are_not(sqlite, database, clock):
    subscription = await keep_subscription(sqlite)
    for day in (0, 1, 3, 4):
        clock.time = NOON + timedelta(days=day, hours=day)
        key = IdempotencyKey(f"after {day}", b"digest")
        generation = a_generation(subscription, created_at=clock.now())
        await sqlite.submit(Submission(generation, subscription.product, key))
    kept = journal(database).execute("SELECT key FROM idempotency_keys ORDER BY created_at").fetchall()
    assert kept == [("after 3",), ("after 4",)]


async def test_a_change_of_what_was_never_there_leaves_the_writer_at_work(sqlite):
    with pytest.raises(GenerationNotFound):
        await sqlite.change("nothing", lambda each: each)
    await sqlite.check()


async def test_a_read_sees_what_was_committed_just_before(sqlite):
    """Reads share a transaction, and a commit ends it."""
    subscription = await keep_subscription(sqlite)
    generation = await submit(sqlite, subscription)
    for attempt in range(50):
        assert (await sqlite.find(generation.id)).attempt == attempt
        await sqlite.change(generation.id, lambda each: replace(each, attempt=each.attempt + 1))


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="Linux alone tells what is mapped")
async def test_readers_do_not_map_the_file_which_each_commit_would_undo(sqlite, database):
    assert await sqlite.subscriptions() == []
    mapped = [line.split()[-1] for line in Path("/proc/self/maps").read_text("utf-8").splitlines()]
    assert f"{database}-shm" in mapped, "the index of the log is"
    assert str(database) not in mapped


async def test_what_another_process_commits_is_seen_soon_however_much_is_read(sqlite, database):
    generation = await submit(sqlite, await keep_subscription(sqlite))
    assert (await sqlite.find(generation.id)).progress == 0.0
    other = apsw.Connection(str(database))
    other.execute("UPDATE generations SET progress = 0.5")
    other.close()
    deadline = asyncio.get_running_loop().time() + 5 * HOLD_SECONDS
    while (await sqlite.find(generation.id)).progress == 0.0:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0)


async def test_a_read_that_is_the_last_for_long_does_not_keep_the_log(sqlite, database):
    """Its snapshot is released soon. Until then no process can checkpoint later commits."""
    generation = await submit(sqlite, await keep_subscription(sqlite))
    await sqlite.find(generation.id)
    other = apsw.Connection(str(database))
    other.execute("UPDATE generations SET progress = 0.5")

    def is_folded_in():
        is_busy, *_ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").get
        return not is_busy

    await eventually_async(is_folded_in, 20 * IDLE_SECONDS)
    other.close()


async def test_the_log_is_folded_in_while_others_read_without_a_pause(sqlite, database):
    """A long read transaction prevents a checkpoint. The log would grow for as long as anyone polls."""
    subscription = await keep_subscription(sqlite, submits_per_minute=10**6, concurrent_generations=10**6)
    generation = await submit(sqlite, subscription)

    async def read():
        while True:
            await sqlite.find(generation.id)
            await asyncio.sleep(0)

    reading = [asyncio.create_task(read()) for _ in range(4)]
    for _ in range(36):
        await asyncio.gather(*(submit(sqlite, subscription, prompt="p" * 5000) for _ in range(200)))
    for each in reading:
        each.cancel()
    full_log = CHECKPOINT_PAGES * 4096
    log, kept = (path.stat().st_size for path in (database.with_name(database.name + "-wal"), database))
    assert kept > 2 * full_log
    assert log < 2 * full_log


async def test_the_words_of_what_was_deleted_are_not_in_the_file_any_more(database, clock):
    """A long prompt is on overflow pages, a short one on a page beside others."""
    store = open_store(database, clock)
    subscription = await keep_subscription(store)
    made = [await submit(store, subscription, prompt=f"confidential {'x' * length}") for length in (1, 400, 4900)]
    kept = await submit(store, subscription, prompt="public")
    for each in made:
        await store.delete(each.id)
    store.close()
    content = database.read_bytes()
    assert kept.id.encode() in content
    assert b"confidential" not in content
    assert not database.with_name(database.name + "-wal").exists()
