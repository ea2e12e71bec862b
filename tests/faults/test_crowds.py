"""Many callers at once: pollers, slow or silent callers, a long queue. Measurements are printed."""

import asyncio
import contextlib
import os
import resource
import socket
import time
from collections.abc import Callable
from random import Random
from statistics import quantiles

import apsw
import pytest
import uvloop

from bench.gateway import SUBMIT_PATH, poll_request, submit_request
from bench.history import queued, write_history
from bench.load import Answer, Connection, connected, post
from bench.processes import cpu_seconds, resident_bytes
from bench.readiness import until_ready
from bench.service import serving
from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.directory.data_directory import open_data_directory
from stillmotion.adapters.objects import LocalObjects
from stillmotion.adapters.secret import InstallationSecret
from stillmotion.adapters.store.sql.generation_rows import from_generation
from stillmotion.adapters.store.sql.queries.generations import INSERT_GENERATION
from stillmotion.application.download_urls import AssetUrls
from stillmotion.composition.secrets import LINKS
from stillmotion.http.server.request import DEADLINES
from tests.end_to_end.conftest import small_picture
from tests.waiting import eventually_async

pytestmark = pytest.mark.slow

POLLERS = 5_000
EVERY_SECONDS = 3.0
"""Interval of each poller, as of clients that wait for a clip."""
SECONDS = 15.0
IDLE, SLOW_READERS, SLOW_WRITERS = 2_000, 200, 200
QUEUED = 100_000
MB = 1_000_000


@pytest.fixture
def many_files():
    """Raise this process's limit of file handles to the size of the crowds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = POLLERS + 1_000
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this user may open {hard} files, and {wanted} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def tell(capsys) -> Callable[[str], None]:
    """Print a measurement, even if pytest captures the output."""

    def telling(sentence: str) -> None:
        with capsys.disabled():
            print(f"\n    {sentence}", end="", flush=True)

    return telling


def percentiles(seconds: list[float]) -> tuple[float, float, float]:
    """Median, 95th and 99th percentile in milliseconds."""
    cut = quantiles(seconds, n=100, method="inclusive")
    return cut[49] * 1e3, cut[94] * 1e3, cut[98] * 1e3


class Poller:
    """Poller with a fixed interval, which only a slow answer delays. Callbacks of the loop drive it, not a task."""

    def __init__(self, connection: Connection, request: bytes, every: float) -> None:
        self._connection, self._request, self._every = connection, request, every
        self._loop = asyncio.get_running_loop()
        self._began = 0.0
        self.taken: list[float] = []
        self.refused = 0

    def start(self, phase: float, until: float) -> None:
        self._until = until
        self._due = self._loop.time() + phase
        self._loop.call_at(self._due, self._ask)

    def _ask(self) -> None:
        self._began = self._loop.time()
        if self._began < self._until:
            self._connection.send(self._request, self._take)

    def _take(self, answer: Answer) -> None:
        now = self._loop.time()
        self.taken.append(now - self._began)
        self.refused += answer.status != 200
        self._due = max(self._due + self._every, now)
        self._loop.call_at(self._due, self._ask)


async def polled(address, history, count: int, seconds: float, every: float = 1.0) -> list[Poller]:
    """Pollers for so many seconds, each with a connection and a generation of its own."""
    phases, loop = Random(4), asyncio.get_running_loop()
    async with connected(address, count) as connections:
        pollers = [
            Poller(each, poll_request(history.key_of(number), history.ids[number % len(history.ids)]), every)
            for number, each in enumerate(connections)
        ]
        for poller in pollers:
            poller.start(phases.random() * every, loop.time() + seconds)
        await asyncio.sleep(seconds + 1)
    return pollers


def test_five_thousand_callers_poll(tmp_path, many_files, tell):
    history = asyncio.run(write_history(tmp_path / "data", POLLERS, 50))
    with serving(history.data_dir, {"renderers": "0"}) as server:
        before = resident_bytes(server.pid)
        busy = cpu_seconds(server.pid)
        pollers = uvloop.run(polled(server.address, history, POLLERS, SECONDS, EVERY_SECONDS))
        busy = (cpu_seconds(server.pid) - busy) / SECONDS
        grown = (resident_bytes(server.pid) - before) / MB
    taken = [each for poller in pollers for each in poller.taken]
    middle, most, nearly_all = percentiles(taken)
    tell(
        f"{POLLERS:,} callers polled {len(taken):,} times in {SECONDS:.0f} s: median {middle:.0f} ms, "
        f"p95 {most:.0f} ms, p99 {nearly_all:.0f} ms; the server took {busy:.0%} of a core and grew by {grown:.0f} MB"
    )
    assert sum(poller.refused for poller in pollers) == 0
    assert len(taken) > 0.8 * POLLERS * SECONDS / EVERY_SECONDS
    assert nearly_all < 1000 * EVERY_SECONDS, "answered before the next question is due"
    assert grown < 300


def hold(address, beginning: bytes, count: int, *, window: int = 0) -> list[socket.socket]:
    """Connections that send a beginning and then stall. `window` bounds the receive buffer of the system."""
    held = []
    for _ in range(count):
        caller = socket.socket()
        if window:
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        caller.connect((address.host, address.port))
        if beginning:
            caller.sendall(beginning)
        held.append(caller)
    return held


async def test_idle_and_slow_callers_cost_the_others_nothing(tmp_path, many_files, tell):
    """The readers take one byte a second of 8 MB, and the writers send one byte a second of a body."""
    history = await write_history(tmp_path / "data", 1_000, 2)
    clip = tmp_path / "data" / "objects" / "inputs" / "x" / "clip"
    with serving(history.data_dir, {"renderers": "0"}) as server:
        clip.parent.mkdir(parents=True)
        clip.write_bytes(os.urandom(8_000_000))
        path = _signed(history.data_dir, "inputs/x/clip")
        alone = await polled(server.address, history, 50, 5.0)
        before = resident_bytes(server.pid)
        readers = hold(server.address, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), SLOW_READERS, window=4096)
        writing = post(SUBMIT_PATH, b"x" * 60_000, [("Ocp-Apim-Subscription-Key", history.keys[0])])[:-59_000]
        writers = hold(server.address, writing, SLOW_WRITERS)
        idle = hold(server.address, b"", IDLE)
        assert all([b" 200 " in await asyncio.to_thread(reader.recv, 13) for reader in readers[:5]])
        crawling = asyncio.create_task(_crawl(readers, writers))
        beside = await polled(server.address, history, 50, 8.0)
        grown = (resident_bytes(server.pid) - before) / MB
        crawling.cancel()
        began = time.monotonic()
        gone = await asyncio.to_thread(_until_dropped, [*writers, *idle], 30)
        for each in (*readers, *writers, *idle):
            each.close()
    (quiet, _, _), (middle, most, nearly_all) = (percentiles(_taken(each)) for each in (alone, beside))
    tell(
        f"beside {IDLE:,} idle callers, {SLOW_READERS} slow readers and {SLOW_WRITERS} slow writers a poll takes "
        f"{middle:.1f} ms (alone {quiet:.1f}), p95 {most:.1f}, p99 {nearly_all:.1f}; the server grew by "
        f"{grown:.0f} MB; the idle and the writers were gone {time.monotonic() - began:.0f} s later"
    )
    assert sum(poller.refused for poller in beside) == 0
    assert most < 100
    assert grown < 200
    assert gone == len(writers) + len(idle)


def _taken(pollers: list[Poller]) -> list[float]:
    return [each for poller in pollers for each in poller.taken]


async def _crawl(readers: list[socket.socket], writers: list[socket.socket]) -> None:
    for each in (*readers, *writers):
        each.setblocking(False)
    while True:
        for reader in readers:
            with contextlib.suppress(OSError):
                reader.recv(1)
        for writer in writers:
            with contextlib.suppress(OSError):
                writer.send(b"x")
        await asyncio.sleep(1)


def _until_dropped(held: list[socket.socket], seconds: float) -> int:
    """The number of connections that the server has closed within so many seconds."""
    deadline, gone = time.monotonic() + seconds, 0
    for each in held:
        each.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            while each.recv(65536):
                continue
            gone += 1
        except ConnectionError:
            gone += 1
        except TimeoutError:
            continue
    return gone


def _signed(data_dir, key: str) -> str:
    """The path of a signed URL, as the service would make it."""
    directory = open_data_directory(data_dir)
    secret = InstallationSecret(directory.secret())
    urls = AssetUrls(LocalObjects(directory.objects), SystemClock(), *secret.derived(LINKS))
    return urls.links("")(key)


def test_half_sent_requests_are_cut_off_in_time(tmp_path, tell):
    """The deadlines are the real ones, of a head and of a small body, even if bytes keep trickling in."""
    with serving(tmp_path / "data", {"renderers": "0"}) as server:
        beginnings = {
            "nothing": b"",
            "half a head": b"GET / HTTP/1.1\r\nHost: x\r\nX: ",
            "a head that trickles": b"GET / HTTP/1.1\r\nHost: x\r\nX: ",
            # This body is read before anybody is known; that of a refused request is only dropped, and for less long.
            "a body that trickles": b"POST /session HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: same-origin\r\n"
            b"Content-Type: application/json\r\nContent-Length: 500\r\n\r\n",
        }
        held = {name: hold(server.address, beginning, 1)[0] for name, beginning in beginnings.items()}
        began, ended = time.monotonic(), {}
        while len(ended) < len(held) and time.monotonic() - began < 40:
            for name, each in held.items():
                if name not in ended and _is_dropped(each, b"x" if "trickles" in name else b""):
                    ended[name] = time.monotonic() - began
            time.sleep(0.5)
        for each in held.values():
            each.close()
    tell("cut off after: " + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in ended.items()))
    late = {name: seconds - (DEADLINES.body if "body" in name else DEADLINES.head) for name, seconds in ended.items()}
    assert late.keys() == held.keys()
    assert all(-1 < seconds < 5 for seconds in late.values()), late


def _is_dropped(caller: socket.socket, trickle: bytes) -> bool:
    caller.setblocking(False)
    try:
        if trickle:
            caller.send(trickle)
        return caller.recv(65536) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


async def test_a_hundred_thousand_queued_slow_nobody_down(tmp_path, tell):
    """One customer has a hundred thousand clips queued. Start, submits, polls and another's first clip stay quick."""
    history = await write_history(tmp_path / "data", 1_000, 3)
    few = await _submits(history, {"renderers": "0"})
    owner = _owner(history, 0)
    _queue(history.data_dir / "stillmotion.db", owner, QUEUED)
    began = time.monotonic()
    with serving(history.data_dir) as server:
        await until_ready(server)
        start = time.monotonic() - began
    many = await _submits(history, {"renderers": "0"})
    tell(
        f"with {QUEUED:,} queued: ready {start:.1f} s after the start; a submit takes {many[0]:.1f} ms, "
        f"p95 {many[1]:.1f} (before {few[0]:.1f}, p95 {few[1]:.1f})"
    )
    assert start < 10
    assert many[1] < 3 * few[1] + 20
    key = history.keys[2]
    with serving(history.data_dir) as server:
        async with connected(server.address, 1) as (connection,):
            await until_ready(server)
            first = await connection.ask(submit_request(key, url=small_picture(), duration="1s", resolution="540p"))
            assert first.status == 200
            generation_id = first.body.split(b'"id":"')[1][:36].decode()
            asked = time.monotonic()

            async def is_done():
                return b'"completed"' in (await connection.ask(poll_request(key, generation_id))).body

            await eventually_async(is_done, 60)
            tell(f"another customer's first clip was done {time.monotonic() - asked:.1f} s after it was asked for")


async def _submits(history, settings) -> tuple[float, float]:
    """Median and 95th percentile of a hundred successive submits, in milliseconds."""
    taken = []
    with serving(history.data_dir, settings) as server:
        async with connected(server.address, 1) as (connection,):
            for _ in range(100):
                began = time.perf_counter()
                assert (await connection.ask(submit_request(history.keys[1]))).status == 200
                taken.append(time.perf_counter() - began)
    middle, most, _ = percentiles(taken)
    return middle, most


def _owner(history, number: int) -> str:
    connection = apsw.Connection(str(history.data_dir / "stillmotion.db"))
    try:
        return connection.execute("SELECT id FROM subscriptions ORDER BY created_at LIMIT 1 OFFSET ?", (number,)).get
    finally:
        connection.close()


def _queue(database, owner: str, count: int) -> None:
    """Insert rows directly, equal to those of so many submits."""
    template = from_generation(queued("x", owner, SystemClock().now()))
    connection = apsw.Connection(str(database))
    try:
        with connection:
            rows = (template | {"id": f"0199aaaa-0000-7000-8000-{number:012}"} for number in range(count))
            connection.executemany(INSERT_GENERATION, rows)
            now = template["created_at"]
            connection.execute(
                "INSERT INTO limits (subscription_id, window_started_at, window_spent, unfinished, queued) "
                "VALUES (?, ?, 0, 0, 0) ON CONFLICT DO NOTHING",
                (owner, now),
            )
            connection.execute(
                "UPDATE limits SET queued = queued + ?1, unfinished = unfinished + ?1, waiting = 1 "
                "WHERE subscription_id = ?2",
                (count, owner),
            )
    finally:
        connection.close()
