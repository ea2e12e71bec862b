"""Whether a thousand polling clients slow down the render that they wait for."""

import asyncio
import base64
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from bench.api_latency import observe
from bench.gateway import poll_request, submit_request
from bench.history import History, write_history
from bench.load import Connection, check, connected
from bench.processes import cpu_seconds
from bench.readiness import until_ready
from bench.service import Server, serving
from bench.table import Figure, Sense, spread
from stillmotion.media.sample import draw_sample

CLIENTS = 1_000
EVERY_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class _Pair:
    """Seconds of a render without and with pollers, and the CPU of server and pollers in the latter, in cores."""

    alone: float
    polled: float
    server: float
    pollers: float


async def measure(folder: Path, pairs: int) -> Sequence[Figure]:
    """The figure: renders with and without pollers in turn, which comes first changing from pair to pair."""
    history = await write_history(folder / "polling", 1_000)
    picture = "data:image/jpeg;base64," + base64.b64encode(draw_sample()).decode()
    request = submit_request(
        history.keys[0], url=picture, prompt="slow push in", duration="5s", resolution="720p", seed=1
    )
    with serving(history.data_dir) as server:
        await until_ready(server)
        await _render_seconds(server, history, request)
        measured = [await _pair(server, history, request, alone_first=number % 2 == 0) for number in range(pairs)]
    note = (
        f"5 s of 720p takes {spread([each.alone for each in measured]).median:.2f} s alone; {CLIENTS:,} clients, each "
        f"asking every {EVERY_SECONDS:g} s for a generation among 1,000; meanwhile the server takes "
        f"{spread([each.server for each in measured]).median:.1%} of a core and the clients, on the same machine, "
        f"{spread([each.pollers for each in measured]).median:.1%}"
    )
    slowed = spread([(each.polled / each.alone - 1) * 100 for each in measured])
    return [Figure("render slowed by 1,000 polling clients", slowed, Sense.AT_MOST, 10, "%", note)]


async def _pair(server: Server, history: History, request: bytes, *, alone_first: bool) -> _Pair:
    alone = await _render_seconds(server, history, request) if alone_first else 0.0
    async with _pollers(server, history):
        began, own, servers = time.perf_counter(), cpu_seconds(os.getpid()), cpu_seconds(server.pid)
        polled = await _render_seconds(server, history, request)
        passed = time.perf_counter() - began
        own, servers = cpu_seconds(os.getpid()) - own, cpu_seconds(server.pid) - servers
    if not alone_first:
        alone = await _render_seconds(server, history, request)
    return _Pair(alone, polled, servers / passed, own / passed)


async def _render_seconds(server: Server, history: History, request: bytes) -> float:
    async with connected(server.address, 1) as (connection,):
        return (await observe(server, connection, history.keys[0], request, poll_seconds=0.1)).render


@asynccontextmanager
async def _pollers(server: Server, history: History) -> AsyncIterator[None]:
    """Clients that poll at their own rhythm, all of them at it before this yields."""
    phases = Random(4)
    async with connected(server.address, CLIENTS) as connections, asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(
                _poll(connection, poll_request(history.key_of(number), history.ids[number]), phases.random())
            )
            for number, connection in enumerate(connections)
        ]
        await asyncio.sleep(EVERY_SECONDS)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def _poll(connection: Connection, request: bytes, phase: float) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time() + phase * EVERY_SECONDS
    while True:
        await asyncio.sleep(max(0.0, due - loop.time()))
        check(await connection.ask(request))
        due += EVERY_SECONDS
