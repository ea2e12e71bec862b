"""Open files of a database: detection of files that were removed, moved or replaced."""

import asyncio
import shutil

import pytest

from stillmotion.adapters.store.sqlite import open_store
from stillmotion.adapters.store.sqlite.connections.open_files import OpenFiles
from stillmotion.domain.errors import StoreUnavailable
from tests.contracts.conftest import keep_subscription

ENDINGS = ["", "-wal", "-shm"]


@pytest.fixture
def opened(database):
    store = open_store(database)
    yield store
    store.close()


def test_files_that_are_where_they_were_are_no_trouble(opened, database):
    assert opened.displaced is None
    assert OpenFiles(database).trouble() is None
    assert sorted(each.name for each in database.parent.iterdir()) == sorted(
        f"{database.name}{each}" for each in ENDINGS
    )


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_file_that_is_removed_is_named_and_nothing_is_committed(opened, database, ending):
    await keep_subscription(opened)
    assert len(await opened.subscriptions()) == 1
    gone = database.with_name(f"{database.name}{ending}")
    kept = gone.rename(gone.with_suffix(".kept"))
    assert opened.displaced.startswith(f"{gone} was removed or moved away while it is in use")
    with pytest.raises(StoreUnavailable, match="removed, moved or replaced"):
        await keep_subscription(opened, name="another")
    with pytest.raises(StoreUnavailable, match="removed, moved or replaced"):
        await opened.check()
    assert len(await opened.subscriptions()) == 1, "what is there is still read"
    with pytest.raises(StoreUnavailable, match="removed, moved or replaced"):
        await asyncio.to_thread(asyncio.run, opened.subscriptions())  # The other thread would open the files anew.
    kept.rename(gone)
    assert opened.displaced is None
    await keep_subscription(opened, name="another")
    assert len(await opened.subscriptions()) == 2


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_file_that_is_replaced_by_an_equal_one_is_named(opened, database, ending):
    file = database.with_name(f"{database.name}{ending}")
    copy = database.with_name("copy")
    shutil.copyfile(file, copy)
    copy.replace(file)
    assert opened.displaced.startswith(f"{file} was replaced by another file while it is in use")
    with pytest.raises(StoreUnavailable):
        await opened.check()


async def test_a_directory_that_is_moved_is_noticed(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    store = open_store(folder / "stillmotion.db")
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(StoreUnavailable):
        await store.check()
    (tmp_path / "elsewhere").rename(folder)
    await store.check()
    store.close()
