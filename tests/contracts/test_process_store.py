"""`ProcessStore`: each process as it last told of itself."""

from dataclasses import replace
from datetime import timedelta

from stillmotion.domain.operators.processes import LaneReport, ProcessReport, ProcessRole
from stillmotion.domain.operators.queue_controls import WorkerName
from tests.builders import NOON

BUSY = LaneReport("renderer 0", "parallax/1", "f25c04db-19f7-4b51-871c-af6ed0b32f55", NOON)
HERE = ProcessReport(
    name=WorkerName("box:17-ab12", "box"),
    role=ProcessRole.WORKER,
    pid=17,
    version="0.1.0",
    started_at=NOON,
    seen_at=NOON,
    is_able=True,
    engines=("parallax/1", "resample/1"),
    lanes=(BUSY, LaneReport("renderer 1", "")),
)
ELSEWHERE = replace(HERE, name=WorkerName("tower:9-cd34", "tower"), started_at=NOON + timedelta(seconds=1))


async def test_a_heartbeat_takes_the_place_of_the_last_one(store):
    await store.beat(HERE)
    later = replace(HERE, seen_at=NOON + timedelta(seconds=5), is_able=False, lanes=(LaneReport("renderer 0", ""),))
    await store.beat(later)
    assert list(await store.processes()) == [later]


async def test_processes_are_listed_by_their_start_until_they_end(store):
    await store.beat(ELSEWHERE)
    await store.beat(HERE)
    assert list(await store.processes()) == [HERE, ELSEWHERE]
    await store.forget_process(HERE.name.id)
    assert list(await store.processes()) == [ELSEWHERE]


async def test_a_process_that_was_lost_long_ago_is_forgotten(store):
    await store.beat(HERE)
    await store.beat(replace(ELSEWHERE, seen_at=NOON + timedelta(seconds=1)))
    await store.forget_lost(NOON)
    assert len(await store.processes()) == 2
    await store.forget_lost(NOON + timedelta(seconds=1))
    assert [each.name.host for each in await store.processes()] == ["tower"]


async def test_a_server_is_known_by_its_last_heartbeat(store):
    await store.beat(HERE)
    assert not await store.has_server(NOON), "a worker is none"
    await store.beat(replace(ELSEWHERE, role=ProcessRole.SERVER))
    assert await store.has_server(NOON)
    assert not await store.has_server(NOON + timedelta(seconds=1))
