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
from bench.load import Answer, BadAnswer, Connection, connected
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
    async with connected(server.address, CLIENTS) as connections:
        pollers = [
            _Poller(connection, poll_request(history.key_of(number), history.ids[number]))
            for number, connection in enumerate(connections)
        ]
        for poller in pollers:
            poller.start(phases.random() * EVERY_SECONDS)
        await asyncio.sleep(EVERY_SECONDS)
        try:
            yield
        finally:
            for poller in pollers:
                poller.stop()
        if any(poller.refusals for poller in pollers) or not all(poller.answers for poller in pollers):
            raise BadAnswer("a poll was not answered with 200")


class _Poller:
    """A client of one request, with no task of its own: a thousand of them are to cost the machine little."""

    def __init__(self, connection: Connection, request: bytes) -> None:
        self._connection, self._request = connection, request
        self._loop = asyncio.get_running_loop()
        self._next: asyncio.TimerHandle | None = None
        self._open = False
        self.answers = self.refusals = 0

    def start(self, after: float) -> None:
        self._ask_at(self._loop.time() + after)

    def stop(self) -> None:
        if self._next is not None:
            self._next.cancel()

    def _ask_at(self, due: float) -> None:
        self._next = self._loop.call_at(due, self._ask, due)

    def _ask(self, due: float) -> None:
        if not self._open:
            self._open = True
            self._connection.send(self._request, self._take)
        self._ask_at(due + EVERY_SECONDS)

    def _take(self, answer: Answer) -> None:
        self._open = False
        self.answers += 1
        self.refusals += answer.status != 200
