"""The troubles of a storm, one at a time, each mended after a while."""

import asyncio
import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from random import Random

from bench.soak.house import DoesNotEnd, House
from bench.soak.ledger import Ledger
from stillmotion.application.failpoints import Point

PAUSE_SECONDS = (2.0, 6.0)
FROZEN_SECONDS = 21.0
"""Longer than a lease and the interval at which expired ones are taken back."""
SPARE_BYTES = 4096
"""Free bytes of a full disk: SQLite and the renderers need more than that."""


class Nemesis:
    """Disturbs `house` as `random` decides, and notes the times in `ledger`.

    `disk` says whether the data lies on a small disk of its own, which may be filled.
    """

    def __init__(self, house: House, ledger: Ledger, random: Random, *, disk: bool) -> None:
        self._house, self._ledger, self._random = house, ledger, random
        self.did: Counter[str] = Counter()
        self._acting = asyncio.Lock()
        self._ways: list[Callable[[], Awaitable[None]]] = [
            self.kill_server,
            self.kill_server,
            self.arm_fault,
            self.arm_fault,
            self.kill_renderer,
            self.kill_renderer,
            self.kill_worker,
            self.freeze_worker,
            self.terminate_server,
            self.take_storage_away,
            self.lock_database,
            self.stop_for_a_while,
            *([self.fill_disk] if disk else []),
        ]

    async def rage(self, until: float) -> None:
        """Disturb until the monotonic time `until`."""
        while time.monotonic() < until:
            await asyncio.sleep(self._random.uniform(*PAUSE_SECONDS))
            async with self._acting:
                await self._random.choice(self._ways)()

    async def keep_running(self) -> None:
        """Start the server again where it has died of a fault point, and the worker where it has ended."""
        while True:
            await asyncio.sleep(0.1)
            async with self._acting:
                if not self._house.runs:
                    async with self._trouble("fault point killed"):
                        await self._house.start()
                if not self._house.has_worker:
                    await self._house.start_worker()

    @asynccontextmanager
    async def _trouble(self, kind: str) -> AsyncIterator[None]:
        self.did[kind] += 1
        trouble = self._ledger.begin(kind)
        try:
            yield
        finally:
            trouble.ended = time.monotonic()

    async def kill_server(self) -> None:
        """SIGKILL, and a start."""
        async with self._trouble("server killed"):
            await self._house.end(signal.SIGKILL)
            await self._house.start()

    async def arm_fault(self) -> None:
        """An orderly restart; then the server dies at some failpoint, if it comes that far."""
        point, nth = self._random.choice(list(Point)), self._random.randint(1, 4)
        async with self._trouble(f"armed {point}"):
            await self._end_in_order()
            await self._house.start(f"{point}=kill9:{nth}")

    async def terminate_server(self) -> None:
        """SIGTERM under load, and a start."""
        async with self._trouble("server terminated"):
            await self._end_in_order()
            await self._house.start()

    async def _end_in_order(self) -> None:
        try:
            code = await self._house.end(signal.SIGTERM)
        except DoesNotEnd as error:
            self._ledger.wrong.append(f"does not end: {error}")
            return
        if code not in {0, -signal.SIGKILL}:
            self._ledger.wrong.append(f"ended badly: SIGTERM and exit code {code}")

    async def kill_renderer(self) -> None:
        """SIGKILL to one child."""
        async with self._trouble("renderer killed"):
            for pid in self._house.renderers()[:1]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    async def kill_worker(self) -> None:
        """SIGKILL, and a start."""
        async with self._trouble("worker killed"):
            await self._house.end_worker(signal.SIGKILL)
            await self._house.start_worker()

    async def freeze_worker(self) -> None:
        """SIGSTOP for longer than its lease: it wakes up as a zombie."""
        worker = self._house.worker
        if worker is None:
            return
        async with self._trouble("worker frozen beyond its lease"):
            worker.send_signal(signal.SIGSTOP)
            await asyncio.sleep(FROZEN_SECONDS)
            worker.send_signal(signal.SIGCONT)

    async def take_storage_away(self) -> None:
        """A file in the place of the objects' folder."""
        objects = self._house.data_dir / "objects"
        away = objects.with_name("objects.away")
        async with self._trouble("storage away"):
            objects.rename(away)
            objects.write_bytes(b"")
            try:
                await asyncio.sleep(self._random.uniform(1, 6))
            finally:
                objects.unlink()
                away.rename(objects)

    async def lock_database(self) -> None:
        """Another process holds the write lock for longer than a write waits."""
        async with self._trouble("database locked"):
            with closing(sqlite3.connect(self._house.data_dir / "stillmotion.db", isolation_level=None)) as other:
                with suppress(sqlite3.OperationalError):
                    other.execute("PRAGMA busy_timeout = 2000")
                    other.execute("BEGIN IMMEDIATE")
                await asyncio.sleep(self._random.uniform(3, 8))

    async def stop_for_a_while(self) -> None:
        """SIGSTOP, and SIGCONT."""
        async with self._trouble("server stopped"):
            self._house.send(signal.SIGSTOP)
            await asyncio.sleep(self._random.uniform(1, 4))
            self._house.send(signal.SIGCONT)

    async def fill_disk(self) -> None:
        """A full disk, until it is emptied again."""
        filler = self._house.data_dir / "filler"
        async with self._trouble("disk full"):
            try:
                await asyncio.to_thread(_fill, filler)
                await asyncio.sleep(self._random.uniform(2, 6))
            finally:
                filler.unlink()


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(bytes(1 << 20))
    with path.open("ab", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(bytes(SPARE_BYTES))
