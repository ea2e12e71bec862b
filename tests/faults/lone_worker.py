"""A worker host in a process of its own: `python -m tests.faults.lone_worker DATABASE FOLDER LEASE_SECONDS`.

It shares the database and the objects in FOLDER with other workers, and has a scratch folder of its own. It prints
"ready" once it may claim. Its leases are shorter than the service's, so that tests are quick.
"""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.identifiers import new_token
from stillmotion.adapters.notifications import InProcessSignal
from stillmotion.adapters.objects import LocalObjects
from stillmotion.adapters.store.sqlite import open_store
from stillmotion.application.leases import Work
from stillmotion.worker.attempt_context import AttemptContext
from stillmotion.worker.host import WorkerHost
from stillmotion.worker.renderer.handle import RendererProcess
from tests.waiting import eventually_async
from tests.worker.conftest import FAKE_RENDERER, Pictures, Videos


async def work(database: Path, folder: Path, lease: timedelta) -> None:
    clock, objects = SystemClock(), LocalObjects(folder / "objects")
    store = open_store(database, clock)
    shop = AttemptContext(
        work=Work(store, objects, clock, new_token, lease_time=lease),
        images=Pictures(),
        videos=Videos(folder),
        objects=objects,
        signal=InProcessSignal(),
        announcements=InProcessSignal(),
        clock=clock,
        scratch=folder / "scratch of the lone worker",
    )
    host = WorkerHost(shop, lambda: RendererProcess(FAKE_RENDERER))
    task = asyncio.create_task(host.run())
    await eventually_async(lambda: host.alive)
    print("ready", flush=True)
    await task


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), Path(sys.argv[2]), timedelta(seconds=float(sys.argv[3]))))
