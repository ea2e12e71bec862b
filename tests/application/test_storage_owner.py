"""The mark of a bucket's prefix keeps one installation from collecting another's clips."""

import pytest

from stillmotion.adapters.objects import open_objects
from stillmotion.application.retention import Retention
from stillmotion.application.storage_owner import OWNER_KEY, StorageTaken, refuse_anothers
from stillmotion.testing.memory_store import MemoryStore
from tests.builders import ManualClock

CLIP = "generations/01a2071a-ecaf-7e1c-88cc-046004183559/of-another.mp4"


@pytest.fixture
def objects(tmp_path):
    return open_objects("local", tmp_path)


def collecting(objects, mark):
    clock = ManualClock()
    clock.advance(days=36_500)
    return Retention(MemoryStore(clock), objects, clock, (mark,))


async def test_a_collection_leaves_anothers_clips_alone(objects):
    await refuse_anothers(objects, ["theirs"])
    await objects.put(CLIP, b"clip")
    for collect in (collecting(objects, "ours").collect(), collecting(objects, "ours").look(10)):
        with pytest.raises(StorageTaken, match="prefix of its own"):
            await collect
    assert await objects.find(CLIP) is not None
    assert (await collecting(objects, "theirs").collect()).orphans == 1


async def test_the_first_that_comes_owns_an_unmarked_storage(objects):
    await refuse_anothers(objects, ["ours"])
    await refuse_anothers(objects, ["ours"])
    with pytest.raises(StorageTaken):
        await refuse_anothers(objects, ["theirs", "theirs of before"])


async def test_a_new_secret_takes_the_mark_over_from_the_one_before(objects):
    await refuse_anothers(objects, ["old"])
    await refuse_anothers(objects, ["new", "old"])
    assert (await objects.whole(OWNER_KEY))[1] == b"new"
    await refuse_anothers(objects, ["new"])
