"""Move of an installation to a PostgreSQL database: everything arrives, or nothing does."""

import os
from asyncio import run, to_thread
from dataclasses import replace
from datetime import timedelta

import apsw
import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

import psycopg

from stillmotion.adapters.directory.data_directory import DataDirectoryInUse, DataDirectoryUnusable
from stillmotion.adapters.store.postgresql.arrival import PASSING
from stillmotion.adapters.store.sql.connections import StoreUnusable
from stillmotion.application.ports.lists import Filter, Walk
from stillmotion.application.ports.store import IdempotencyKey, Submission
from stillmotion.application.storage_owner import OWNER_KEY, StorageTaken
from stillmotion.composition.administration import backup
from stillmotion.composition.installation import Missing, directory_of, open_storage, opened
from stillmotion.composition.moving import move
from stillmotion.config import Settings
from stillmotion.config.store_urls import without_password
from stillmotion.domain.lifecycle import State
from stillmotion.domain.operators.queue_controls import WorkerName
from stillmotion.domain.subscriptions import Session
from stillmotion.outputs import BACKUP, place
from tests import databases
from tests.builders import CALLBACK_URL, NOON, a_generation, a_key, a_product, a_subscription, some_assets
from tests.forked import ended

UNTIL = NOON + timedelta(seconds=15)
NAMED = IdempotencyKey("again", b"the digest of a body")


def claim(generation):
    return generation.claimed(UNTIL, NOON)


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=tmp_path / "here")


@pytest.fixture
def to():
    return databases.emptied(databases.store_url())


@pytest.fixture
def moved_to(settings, to):
    """The settings of the processes after the move."""
    return replace(settings, store=to, secret_file=str(settings.data_dir / "secret"))


async def filled(settings):
    """An installation with one subscription, and a generation in each state. Returns them in the order of submits."""
    with opened(settings, Missing.MAKE) as store:
        product = a_product(submits_per_minute=1000, concurrent_generations=1000, name="of its own")
        subscription = a_subscription(product)
        key = a_key(subscription)
        await store.add_product(product)
        await store.add_subscription(subscription, [key])
        await store.add_session(Session(b"digest", NOON, NOON + timedelta(days=1), key.digest), 5)
        made = []
        for number in range(5):
            generation = a_generation(
                subscription, created_at=NOON + timedelta(seconds=number), callback_url=CALLBACK_URL
            )
            submission = Submission(generation, product, NAMED if number == 4 else None)
            made.append((await store.submit(submission)).generation)
        done, cancelled, leased, *_ = [each.id for each in made]
        lease = (await store.claim_next(claim, worker=WorkerName("box:1-ab", "box"))).lease
        await store.change(done, lambda each: each.completed(lease, some_assets(done), "a plan", UNTIL))
        await store.change(cancelled, lambda each: each.cancelled(NOON))
        assert (await store.claim_next(claim)).id == leased
    return subscription, made


async def test_everything_is_as_it_was_and_what_was_leased_waits(settings, moved_to, to):
    subscription, made = await filled(settings)
    with opened(settings, Missing.REFUSE) as store:
        before = {each.id: await store.find(each.id) for each in made}
        entries = await store.listed(subscription.id, Filter(), Walk(10))
        deliveries = [await store.deliveries(each.id) for each in made]
        usage = await store.usage(subscription.id, "2026-11")
    told = await to_thread(move, settings, to)
    assert (told.rows["generations"], told.rows["subscriptions"], told.rows["keys"]) == (5, 1, 1)
    with opened(moved_to, Missing.REFUSE) as store:
        leased = made[2].id
        assert {each: await store.find(each) for each in before if each != leased} == {
            each: found for each, found in before.items() if each != leased
        }
        assert (await store.find(leased)).state is State.QUEUED
        assert [each.id for each in await store.listed(subscription.id, Filter(), Walk(10))] == [
            each.id for each in entries
        ]
        assert [await store.deliveries(each.id) for each in made] == deliveries
        assert (await store.usage(subscription.id, "2026-11")).submits == usage.submits
        assert (await store.find_session(b"digest")) is not None
        again = await store.submit(Submission(replace(made[4], id=a_generation().id), subscription.product, NAMED))
        assert (again.replayed, again.generation.id) == (True, made[4].id)
        assert [(await store.claim_next(claim)).id for _ in range(3)] == [each.id for each in made[2:]]
        assert await store.claim_next(claim) is None


async def test_lines_are_counted_once_and_go_on(settings, moved_to, to):
    subscription, _ = await filled(settings)
    await to_thread(move, settings, to)
    with opened(moved_to, Missing.REFUSE) as store:
        await store.submit(Submission(a_generation(subscription, created_at=UNTIL), subscription.product))
    with psycopg.connect(to) as connection:
        counted = connection.execute("SELECT count(*), sum(video) FROM generations WHERE state = 'queued'").fetchall()
        for table in ("line_lengths", "line_parts"):
            assert connection.execute(f"SELECT sum(queued), sum(video) FROM {table}").fetchall() == counted


async def test_servers_refuse_the_directory_after_the_move(settings, to):
    await filled(settings)
    await to_thread(move, settings, to)
    for each in Missing:
        with pytest.raises(DataDirectoryUnusable, match=r"was moved to postgresql://.*remove .*moved"):
            directory_of(settings, each)
    (settings.data_dir / "moved").unlink()
    with opened(settings, Missing.REFUSE) as store:
        assert (await store.counts())["queued"] == 3


async def test_a_database_with_rows_is_refused_and_stays_as_it_is(settings, moved_to, to):
    await filled(settings)
    with opened(replace(moved_to, secret="ab" * 32, secret_file=""), Missing.MAKE) as store:
        await store.add_product(a_product(name="theirs"))
    with pytest.raises(StoreUnusable, match="has rows already, in products: give an empty database"):
        await to_thread(move, settings, to)
    directory_of(settings, Missing.REFUSE)


async def test_an_error_leaves_the_database_empty(settings, to):
    """A row that PostgreSQL refuses: nothing of the tables before it has arrived either."""
    _, made = await filled(settings)
    connection = apsw.Connection(str(settings.data_dir / "stillmotion.db"))
    connection.execute("UPDATE generations SET plan = 'a' || char(0) WHERE id = ?", (made[3].id,))
    connection.close()
    with pytest.raises(StoreUnusable, match="does not take the rows"):
        await to_thread(move, settings, to)
    with psycopg.connect(to) as connection:
        assert connection.execute("SELECT count(*) FROM products").fetchall() == [(0,)]
    directory_of(settings, Missing.REFUSE)


async def test_a_directory_in_use_is_not_moved(settings, to):
    await filled(settings)
    with directory_of(settings, Missing.REFUSE).lock(), pytest.raises(DataDirectoryInUse):
        await to_thread(move, settings, to)


async def test_a_backup_is_moved_as_a_rehearsal(settings, to, tmp_path):
    _, made = await filled(settings)
    backup(settings, place(str(tmp_path / "all.tar"), BACKUP, "all"), with_objects=True)
    rehearsed = replace(settings, store=to, secret_file=str(settings.data_dir / "secret"))
    await to_thread(move, settings, to, None, tmp_path / "all.tar")
    with opened(rehearsed, Missing.REFUSE) as store, opened(settings, Missing.REFUSE) as here:
        assert await store.find(made[0].id) == await here.find(made[0].id)
        assert (await here.find(made[2].id)).state is State.DREAMING


async def test_objects_come_into_the_bucket_once_and_whole(settings, to, moto):
    """One that is there already is not sent again; one that is there otherwise is."""
    settings = replace(settings, storage_options=moto.options)
    await filled(settings)
    here = open_storage(settings)
    keys = [f"generations/a{number}/clip.mp4" for number in range(20)]
    for number, key in enumerate(keys):
        await here.put(key, bytes([number]) * 1000)
    storage = f"s3://{moto.new_place()}/clips"
    there = open_storage(replace(settings, storage=storage))
    await there.put(keys[0], b"\0" * 1000)
    await there.put(keys[1], b"another")
    before = await there.find(keys[0])
    assert (await to_thread(move, settings, to, storage)).objects == 20
    assert await there.find(keys[0]) == before
    for key in keys:
        assert (await there.whole(key))[1] == (await here.whole(key))[1]


async def test_a_bucket_of_another_installation_is_left_alone(settings, to, moto):
    settings = replace(settings, storage_options=moto.options)
    await filled(settings)
    storage = f"s3://{moto.new_place()}/clips"
    there = open_storage(replace(settings, storage=storage))
    await there.create(OWNER_KEY, b"of another")
    await open_storage(settings).put("generations/a/clip.mp4", b"clip")
    with pytest.raises(StorageTaken, match="prefix of its own"):
        await to_thread(move, settings, to, storage)
    assert await there.find("generations/a/clip.mp4") is None
    await there.delete(OWNER_KEY)
    assert (await to_thread(move, settings, to, storage)).objects == 1
    assert await there.find(OWNER_KEY) is not None


def test_the_command_says_what_to_set(settings, to, tmp_path):
    run(filled(settings))
    words = ["move", "--to", to, "--data-dir", str(settings.data_dir)]
    code, out, _ = ended(words, {**os.environ}, tmp_path)
    assert code == 0
    assert "Moved 5 generations of 1 subscription, and 0 objects." in out
    assert f"secret_file = {settings.data_dir / 'secret'}" in out
    assert f"store = {without_password(to)}\n" in out
    code, _, error = ended(words, {**os.environ}, tmp_path)
    assert (code, "was moved to postgresql://" in error) == (1, True)


async def test_no_column_is_left_behind(settings, to):
    """A column or a table that one of the databases has and the other has not is meant so."""
    await filled(settings)
    await to_thread(move, settings, to)
    with psycopg.connect(to) as connection:
        there = set(
            connection.execute(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() "
                "AND table_name NOT LIKE 'generations_%'"
            )
        )
    database = apsw.Connection(str(settings.data_dir / "stillmotion.db"))
    here = set(
        database.execute(
            "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_xinfo(m.name) c WHERE m.type = 'table'"
            " AND m.name NOT LIKE 'sqlite_%'"
        )
    )
    lacking = {each for each in here - there if each[0] not in PASSING}
    of_leases = {("generations", "lease_until"), ("generations", "watched_until")}
    of_meta = {("meta", each) for each in ("only", "secret_fingerprint", "oldest_code")}
    assert lacking - of_leases == {("list_entries", "sequence")} | of_meta
    new = {each for each in there - here if each[0] not in PASSING}
    assert new == {("generations", "resolution"), ("subscriptions", "sequence")}
