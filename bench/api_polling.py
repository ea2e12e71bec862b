"""Whether a thousand polling clients slow down the render that they wait for."""

import base64
import itertools
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from socket import MSG_DONTWAIT, create_connection, socket
from threading import Event, Thread

from bench.api_latency import observe
from bench.gateway import poll_request, submit_request
from bench.history import History, write_history
from bench.load import Address, BadAnswer, connected
from bench.processes import cpu_seconds
from bench.readiness import until_ready
from bench.service import Server, serving
from bench.table import Figure, Sense, spread
from stillmotion.media.sample import draw_sample

CLIENTS = 1_000
EVERY_SECONDS = 3.0
MAX_ANSWER = 64 * 1024


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
    with _pollers(server, history):
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


@contextmanager
def _pollers(server: Server, history: History) -> Iterator[None]:
    """Clients that poll at their own rhythm, all of them at it before this yields. Raises `BadAnswer`."""
    requests = [poll_request(history.key_of(number), history.ids[number]) for number in range(CLIENTS)]
    pollers = _Pollers(server.address, requests)
    pollers.start()
    try:
        pollers.at_it.wait()
        yield
    finally:
        pollers.stopping = True
        pollers.join()
    if pollers.trouble is not None:
        raise pollers.trouble


class _Pollers(Thread):
    """Clients on a thread that wakes only to ask: each looks at its last answer just before it asks again.

    They stand for a thousand other machines, so that they are to cost this one little.
    """

    def __init__(self, address: Address, requests: Sequence[bytes]) -> None:
        super().__init__(name="pollers", daemon=True)
        self._address, self._requests = address, requests
        self.at_it, self.stopping = Event(), False
        self.trouble: Exception | None = None

    def run(self) -> None:
        """See `Thread`."""
        with ExitStack() as open_sockets:
            try:
                self._poll(
                    [
                        open_sockets.enter_context(create_connection((self._address.host, self._address.port)))
                        for _ in self._requests
                    ]
                )
            except Exception as error:
                self.trouble = error
            finally:
                self.at_it.set()

    def _poll(self, sockets: Sequence[socket]) -> None:
        phases, began = Random(4), time.monotonic()
        due_after = sorted(phases.random() * EVERY_SECONDS for _ in sockets)
        for number in itertools.count():
            for connection, request, phase in zip(sockets, self._requests, due_after, strict=True):
                time.sleep(max(0.0, began + phase + number * EVERY_SECONDS - time.monotonic()))
                if self.stopping:
                    return
                if number:
                    _check_answer(connection)
                connection.sendall(request)
            self.at_it.set()


def _check_answer(connection: socket) -> None:
    try:
        answer = connection.recv(MAX_ANSWER, MSG_DONTWAIT)
    except BlockingIOError:
        raise BadAnswer(f"a poll was not answered within {EVERY_SECONDS:g} s") from None
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise BadAnswer(f"a poll was answered with {answer[:300]!r}")
