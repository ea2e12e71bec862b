"""A zombie: a worker is stopped beyond its lease, another makes its clip, and then it wakes up."""

import asyncio
import dataclasses
import signal
import subprocess
import sys
from datetime import timedelta

import pytest

from stillmotion.adapters.store.sqlite import open_store
from stillmotion.domain.lifecycle import State
from stillmotion.domain.subscriptions import Subscription
from stillmotion.worker.timing import WorkerTiming
from tests.waiting import eventually_async
from tests.worker.conftest import PRODUCT, Bench, running, workshop

__all__ = ["workshop"]

LEASE_SECONDS = 2.0


@pytest.fixture
def shared(workshop, tmp_path):
    """A workshop over a database that the other process opens too, with equally short leases."""
    lease = timedelta(seconds=LEASE_SECONDS)
    store = open_store(tmp_path / "stillmotion.db", workshop.clock)
    work = dataclasses.replace(workshop.work, store=store, lease_time=lease)
    yield dataclasses.replace(workshop, work=work, timing=WorkerTiming(reclaim=lease / 4))
    store.close()


@pytest.fixture
def worker(shared, tmp_path):
    """The other process, which claims any work."""
    words = ["-m", "tests.faults.lone_worker", str(tmp_path / "stillmotion.db"), str(tmp_path), str(LEASE_SECONDS)]
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True) as process:
        assert "ready\n" in process.stdout, "its log comes first"
        yield process
        process.kill()


@pytest.mark.slow
async def test_a_zombie_that_wakes_up_cannot_commit_and_leaves_nothing(shared, worker, tmp_path):
    owner = Subscription("s", "tests", PRODUCT, shared.clock.now(), "whsec_eHg=")
    await shared.work.store.add_product(PRODUCT)
    await shared.work.store.add_subscription(owner, [])
    outside = Bench(shared, shared.work.store, None)
    generation_id = await outside.submit("slow slow")
    first = await outside.until(generation_id, lambda each: each.state is State.DREAMING)
    worker.send_signal(signal.SIGSTOP)
    began = asyncio.get_running_loop().time()
    async with running(shared) as bench:
        await outside.until(generation_id, lambda each: each.attempt == 2)
        assert asyncio.get_running_loop().time() - began < 3 * LEASE_SECONDS, "the lease, two looks and a start"
        done = await bench.ended(generation_id)
    assert (done.state, done.attempt, done.losses, done.failures) == (State.COMPLETED, 2, 1, 0)
    worker.send_signal(signal.SIGCONT)
    scratch = tmp_path / "scratch of the lone worker"
    await eventually_async(lambda: not any(scratch.iterdir()))
    assert await shared.work.store.find(generation_id) == done
    assert first.attempt == 1
    again = await outside.ended(await outside.submit("a walk"))
    assert again.state is State.COMPLETED, "awake, it goes on with other work"
    kept = [path.name for path in (tmp_path / "objects").rglob("*") if path.is_file()]
    assert sorted(kept) == sorted(key.rpartition("/")[2] for each in (done, again) for key in each.objects)
