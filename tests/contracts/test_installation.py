"""Opening of an installation by the setting `store`."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

import psycopg
from structlog.testing import capture_logs

from stillmotion.application.failpoints import no_fault
from stillmotion.application.ports.store import Submission, unwatched
from stillmotion.application.storage_owner import StorageTaken, refuse_anothers
from stillmotion.composition.installation import (
    Missing,
    directory_of,
    open_storage,
    opened,
    replace_secret,
    storage_marks,
)
from stillmotion.composition.premises import premises
from stillmotion.config import Settings, SettingsError
from stillmotion.domain.errors import StillmotionError
from stillmotion.domain.operators.processes import ProcessReport, ProcessRole
from stillmotion.domain.operators.queue_controls import WorkerName
from tests import databases
from tests.builders import a_generation
from tests.contracts.conftest import keep_subscription


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=tmp_path / "here")


@pytest.fixture
def shared(settings):
    return replace(settings, store=databases.emptied(databases.store_url()), secret="ab" * 32)


async def test_processes_with_folders_of_their_own_share_a_store(shared, tmp_path):
    with opened(shared, Missing.MAKE) as store:
        subscription = await keep_subscription(store)
        generation = (await store.submit(Submission(a_generation(subscription), subscription.product))).generation
    elsewhere = replace(shared, data_dir=tmp_path / "elsewhere")
    with opened(elsewhere, Missing.REFUSE) as store:
        assert await store.find(generation.id) == generation
        await store.check()
        assert store.displaced is None
        assert sum(store.commit_times.counts) > 0
    assert not directory_of(elsewhere, Missing.REFUSE).has_database


async def test_another_secret_is_refused(shared):
    with opened(shared, Missing.MAKE):
        pass
    with pytest.raises(StillmotionError, match="secret"), opened(replace(shared, secret="cd" * 32), Missing.REFUSE):
        pass


async def test_a_shared_store_needs_a_secret(shared):
    with pytest.raises(SettingsError, match="a secret is needed"), opened(replace(shared, secret=""), Missing.MAKE):
        pass


async def test_a_lost_secret_of_a_shared_store_is_replaced_once_no_process_has_it(shared):
    lost = replace(shared, secret="cd" * 32)
    now = datetime.now(UTC)
    with opened(shared, Missing.MAKE) as store:
        for name, seen_at in (("here:1", now), ("gone:1", now - timedelta(minutes=1))):
            worker = WorkerName(name, name.partition(":")[0])
            await store.beat(ProcessReport(worker, ProcessRole.WORKER, 1, "1", now, seen_at, is_able=True))
        with pytest.raises(StillmotionError, match=r"^secret: here:1 still use .* take it from their settings"):
            await replace_secret(lost)
        await store.forget_process("here:1")
    await replace_secret(lost)
    with opened(lost, Missing.REFUSE) as store:
        assert [each.name.id for each in await store.processes()] == ["gone:1"], "the records are kept"
    with pytest.raises(StillmotionError, match="keys new-secret"), opened(shared, Missing.REFUSE):
        pass
    with pytest.raises(StillmotionError, match="nothing was changed"):
        await replace_secret(lost)


async def test_a_bucket_stays_the_installations_when_its_secret_is_replaced(shared, moto):
    place = f"s3://{moto.new_place()}/clips"
    ours = replace(shared, storage=place, storage_options=moto.options)
    with opened(ours, Missing.MAKE):
        await refuse_anothers(open_storage(ours), storage_marks(ours))
    lost = replace(ours, secret="cd" * 32)
    await replace_secret(lost)
    await refuse_anothers(open_storage(lost), storage_marks(lost))
    with pytest.raises(StorageTaken):
        await refuse_anothers(open_storage(ours), storage_marks(ours))


async def test_every_store_tells_the_present(settings, shared):
    for each in (settings, shared):
        with opened(each, Missing.MAKE) as store:
            assert abs(await store.time() - datetime.now(UTC)) < timedelta(seconds=30)


async def test_a_store_opens_no_more_sessions_than_it_may(shared):
    with opened(shared, Missing.MAKE, sessions=2) as store, psycopg.connect(shared.store) as looking:
        await asyncio.gather(*(store.products() for _ in range(40)))
        looked = looking.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND application_name = 'stillmotion'"
        )
        assert 1 <= looked.fetchall()[0][0] <= 2


@pytest.mark.parametrize("role", ProcessRole)
async def test_a_start_over_a_shared_store_tells_that_clips_stay_in_one_folder_and_who_lives_elsewhere(shared, role):
    now = datetime.now(UTC)
    with opened(shared, Missing.MAKE) as store:
        for host, seen_at in (("away", now), ("gone", now - timedelta(minutes=1))):
            name = WorkerName(f"{host}:1", host)
            await store.beat(ProcessReport(name, ProcessRole.WORKER, 1, "1", now, seen_at, is_able=True))
    with capture_logs() as events:
        async with premises(shared, role, no_fault, unwatched):
            pass
        async with premises(replace(shared, storage="s3://clips"), role, no_fault, unwatched):
            pass
    (told,) = [each for each in events if each["event"] == "storage_is_local"]
    assert (told["log_level"], told["other_hosts"]) == ("warning", ["away"])
    assert told["folder"] == str(shared.data_dir / "objects")
