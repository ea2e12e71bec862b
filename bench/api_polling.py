"""The slowdown of a render by the thousand polling clients that wait for it.

In this benchmark the clients share the machine with the render; in real life they do not. Their own cost is measured
too: they then poll, at the same times, a socket that takes their requests and never answers.
"""

import base64
import itertools
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from socket import MSG_DONTWAIT, create_connection, create_server, socket
from threading import Event, Thread

from bench.api_latency import observe
from bench.gateway import poll_request, submit_request
from bench.history import write_history
from bench.load import Address, BadAnswer, connected
from bench.processes import cpu_seconds
from bench.readiness import until_ready
from bench.service import Server, serving
from bench.table import Figure, Sense, Spread, spread
from stillmotion.cli.sample_picture import draw_sample

CLIENTS = 1_000
EVERY_SECONDS = 3.0
MAX_ANSWER = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Seconds:
    """Seconds of a render alone, beside clients that nobody answers, and beside clients that are answered."""

    alone: float
    unanswered: float
    answered: float


@dataclass(frozen=True, slots=True)
class _Cores:
    """CPU of the server and of the clients while these are answered, in cores."""

    server: float
    clients: float


async def measure(folder: Path, rounds: int) -> Sequence[Figure]:
    """The figures: renders with and without pollers in turn; the order changes each round."""
    history = await write_history(folder / "polling", 1_000)
    picture = "data:image/jpeg;base64," + base64.b64encode(draw_sample()).decode()
    request = submit_request(
        history.keys[0], url=picture, prompt="slow push in", duration="5s", resolution="720p", seed=1
    )
    polls = [poll_request(history.key_of(number), history.ids[number]) for number in range(CLIENTS)]
    measured: list[_Seconds] = []
    cores: list[_Cores] = []
    with serving(history.data_dir) as server:
        await until_ready(server)

        async def render() -> float:
            async with connected(server.address, 1) as (connection,):
                return (await observe(server, connection, history.keys[0], request, poll_seconds=0.1)).render

        async def unanswered() -> float:
            with _to_nobody() as sockets, _polling(sockets, polls, _no_answer):
                return await render()

        async def answered() -> float:
            with _to(server.address) as sockets, _polling(sockets, polls, _check_answer):
                before = _Work.of(server)
                seconds = await render()
                cores.append(_Work.of(server).since(before))
                return seconds

        await render()
        ways = deque([("alone", render), ("unanswered", unanswered), ("answered", answered)])
        for _ in range(rounds):
            measured.append(_Seconds(**{name: await way() for name, way in ways}))
            ways.rotate()
    return _figures(measured, cores)


def _figures(measured: Sequence[_Seconds], cores: Sequence[_Cores]) -> list[Figure]:
    def slowed(pairs: Iterable[tuple[float, float]]) -> Spread:
        return spread([(slow / quick - 1) * 100 for slow, quick in pairs])

    by_both = slowed((each.answered, each.alone) for each in measured)
    by_answers = slowed((each.answered, each.unanswered) for each in measured)
    by_clients = slowed((each.unanswered, each.alone) for each in measured)
    whole = (
        f"5 s of 720p takes {spread([each.alone for each in measured]).median:.2f} s alone; {CLIENTS:,} clients, each "
        f"asking every {EVERY_SECONDS:g} s for a generation among 1,000, on the machine that renders"
    )
    taken = spread([each.server * 100 for each in cores])
    beside = f"while it renders; the clients take {spread([each.clients for each in cores]).median:.1%} themselves"
    part = f"beside the same clients where nobody answers them, who slow it by {by_clients.median:.1f}% themselves"
    return [
        Figure("of a core, to answer 1,000 polling clients", taken, Sense.AT_MOST, 16, "%", beside),
        Figure("render slowed by 1,000 polling clients", by_both, Sense.AT_MOST, 12, "%", whole),
        Figure("of it by answering them", by_answers, Sense.AT_MOST, 12, "%", part),
    ]


@dataclass(frozen=True, slots=True)
class _Work:
    """Seconds of CPU of the server and of this process so far, and the time of the reading."""

    server: float
    own: float
    at: float

    @classmethod
    def of(cls, server: Server) -> "_Work":
        return cls(cpu_seconds(server.pid), cpu_seconds(os.getpid()), time.perf_counter())

    def since(self, before: "_Work") -> _Cores:
        passed = self.at - before.at
        return _Cores((self.server - before.server) / passed, (self.own - before.own) / passed)


@contextmanager
def _to(address: Address) -> Iterator[list[socket]]:
    """A connection for each client."""
    with ExitStack() as open_sockets:
        yield [open_sockets.enter_context(create_connection((address.host, address.port))) for _ in range(CLIENTS)]


@contextmanager
def _to_nobody() -> Iterator[list[socket]]:
    """A connection for each client, to an end that never reads."""
    with ExitStack() as open_sockets, create_server(("127.0.0.1", 0)) as listener:
        sockets = []
        for _ in range(CLIENTS):
            sockets.append(open_sockets.enter_context(create_connection(listener.getsockname())))
            open_sockets.enter_context(listener.accept()[0])
        yield sockets


@contextmanager
def _polling(sockets: Sequence[socket], requests: Sequence[bytes], check: Callable[[socket], None]) -> Iterator[None]:
    """Clients that poll at their own rhythm, all of them at it before this yields. Raises `BadAnswer`."""
    clients = _Clients(sockets, requests, check)
    clients.start()
    try:
        clients.at_it.wait()
        yield
    finally:
        clients.stopping = True
        clients.join()
    if clients.trouble is not None:
        raise clients.trouble


class _Clients(Thread):
    """Clients on a thread that wakes only to ask: each looks at its last answer just before it asks again.

    They stand for a thousand other machines, and so must cost this one little.
    """

    def __init__(self, sockets: Sequence[socket], requests: Sequence[bytes], check: Callable[[socket], None]) -> None:
        super().__init__(name="clients", daemon=True)
        self._sockets, self._requests, self._check = sockets, requests, check
        self.at_it, self.stopping = Event(), False
        self.trouble: Exception | None = None

    def run(self) -> None:
        """See `Thread`."""
        try:
            self._poll()
        except Exception as error:
            self.trouble = error
        finally:
            self.at_it.set()

    def _poll(self) -> None:
        phases, began = Random(4), time.monotonic()
        due_after = sorted(phases.random() * EVERY_SECONDS for _ in self._sockets)
        for number in itertools.count():
            for connection, request, phase in zip(self._sockets, self._requests, due_after, strict=True):
                time.sleep(max(0.0, began + phase + number * EVERY_SECONDS - time.monotonic()))
                if self.stopping:
                    return
                if number:
                    self._check(connection)
                connection.sendall(request)
            self.at_it.set()


def _check_answer(connection: socket) -> None:
    try:
        answer = connection.recv(MAX_ANSWER, MSG_DONTWAIT)
    except BlockingIOError:
        raise BadAnswer(f"a poll was not answered within {EVERY_SECONDS:g} s") from None
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise BadAnswer(f"a poll was answered with {answer[:300]!r}")


def _no_answer(connection: socket) -> None:
    """Look for an answer all the same, as that is a client's work."""
    with suppress(BlockingIOError):
        connection.recv(MAX_ANSWER, MSG_DONTWAIT)
