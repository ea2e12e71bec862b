"""The cost of an idle server: time to start, memory."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from bench.processes import children, resident_bytes
from bench.readiness import until_ready
from bench.service import serving
from bench.table import Figure, Sense, spread

SETTLE_SECONDS = 2.0
MB = 1_000_000


async def measure(folder: Path, starts: int) -> Sequence[Figure]:
    """Both figures; each start has an empty data directory of its own."""
    ready, server_memory, renderer_memory = [], [], []
    for number in range(starts):
        with serving(folder / f"idle-{number}") as server:
            ready.append(await until_ready(server))
            await asyncio.sleep(SETTLE_SECONDS)
            server_memory.append(resident_bytes(server.pid) / MB)
            renderer_memory.append(sum(map(resident_bytes, children(server.pid))) / MB)
    beside = f"its renderer process holds {spread(renderer_memory).median:.0f} MB beside it"
    return [
        Figure("server's memory when idle (RSS)", spread(server_memory), Sense.AT_MOST, 120, "MB", beside),
        Figure(
            "start of the process → /readyz 200",
            spread(ready),
            Sense.AT_MOST,
            1.5,
            "s",
            "empty data directory, so the database and the secret are made in that time; the first start is among them",
        ),
    ]
