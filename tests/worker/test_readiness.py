"""Readiness of a server of several: it tells which workers there are on all machines, and stays ready without any."""

from datetime import timedelta

import pytest

from stillmotion.adapters.clock import SystemClock
from stillmotion.domain.catalogue import Catalogue, EngineKind, Entry
from stillmotion.domain.errors import Unavailable
from stillmotion.domain.operators.processes import SILENT_AFTER, LaneReport, ProcessReport, ProcessRole
from stillmotion.domain.operators.queue_controls import WorkerName
from stillmotion.testing.memory_store import MemoryStore
from stillmotion.worker.host import WorkerHost
from stillmotion.worker.readiness import KnownWorkers, check_engines, check_lanes, check_stays, worker_states

HERE, THERE = WorkerName("here:1-aaaa", "here"), WorkerName("there:2-bbbb", "there")
LANES = (LaneReport("renderer 0", ""),)
TINY = Entry("tiny", EngineKind.DIFFUSERS, frozenset())


@pytest.fixture
def clock():
    return SystemClock()


@pytest.fixture
def store(clock):
    return MemoryStore(clock)


@pytest.fixture
def replica(workshop):
    """The host of a server without renderers."""
    return WorkerHost(workshop, lanes=0)


def heartbeat(clock, name, *, age=timedelta(0), **parts):
    now = clock.now() - age
    told = {"is_able": True, "engines": ("diffusers/tiny",), "lanes": LANES} | parts
    return ProcessReport(name, ProcessRole.WORKER, 17, "1.2.3", now, now, **told)


async def test_workers_on_other_machines_count_while_they_are_heard_of(store, clock, replica):
    others = KnownWorkers(store, clock, HERE)
    await store.beat(heartbeat(clock, HERE))
    with pytest.raises(Unavailable, match="no renderer is running"):
        await check_lanes(replica, others)
    await store.beat(heartbeat(clock, THERE, is_able=False))
    assert await worker_states(replica, others) == {"ready": 0, "not_ready": 1}
    await store.beat(heartbeat(clock, THERE))
    await check_lanes(replica, others)
    assert await worker_states(replica, others) == {"ready": 1, "not_ready": 0}
    await store.beat(heartbeat(clock, THERE, age=SILENT_AFTER + timedelta(seconds=1)))
    assert await worker_states(replica, others) == {"ready": 0, "not_ready": 0}


async def test_a_model_without_a_worker_is_told(store, clock, replica):
    models, others = Catalogue({"tiny": TINY}, {"ray-2": ("tiny",)}), KnownWorkers(store, clock, HERE)
    with pytest.raises(Unavailable, match="nobody makes ray-2 just now: start a worker that offers diffusers/tiny"):
        await check_engines(models, replica, others)
    await store.beat(heartbeat(clock, THERE))
    await check_engines(models, replica, others)


async def test_a_server_that_stops_leaves_the_balancer(replica):
    await check_stays(replica)
    await replica.drain(timedelta(0))
    with pytest.raises(Unavailable, match="shutting down"):
        await check_stays(replica)
