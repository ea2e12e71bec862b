"""Whether a thousand polling clients slow down the render that they wait for."""

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from bench.api_latency import observe
from bench.gateway import poll_request, submit_request
from bench.history import History, write_history
from bench.load import Connection, check, connected
from bench.readiness import until_ready
from bench.service import Server, serving
from bench.table import Figure, Sense, spread
from stillmotion.media.sample import draw_sample

CLIENTS = 1_000
EVERY_SECONDS = 3.0


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
        slowed, alone = [], []
        for number in range(pairs):
            times: dict[bool, float] = {}
            for with_pollers in (True, False) if number % 2 else (False, True):
                if with_pollers:
                    async with _pollers(server, history):
                        times[True] = await _render_seconds(server, history, request)
                else:
                    times[False] = await _render_seconds(server, history, request)
            slowed.append((times[True] / times[False] - 1) * 100)
            alone.append(times[False])
    note = (
        f"5 s of 720p takes {spread(alone).median:.2f} s alone; {CLIENTS:,} clients, each asking every "
        f"{EVERY_SECONDS:g} s for a generation among 1,000"
    )
    return [Figure("render slowed by 1,000 polling clients", spread(slowed), Sense.AT_MOST, 10, "%", note)]


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
