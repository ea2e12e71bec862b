"""Floods: callers who send without end, in small pieces, or read nothing. They cost little, and nobody else waits."""

import contextlib
import resource
import socket
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.processes import cpu_seconds
from tests.waiting import eventually, stays
from tests.wire.conftest import until, until_closed

MB = 1_000_000
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
CHUNKED = b"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
SOON = 5.0
"""Seconds of the server's processor time within which another caller is answered all the while. Without an attack it
takes some milliseconds. An attack on a server that reads without bound takes much longer."""


OWN = 4
"""Files that the server may open for itself meanwhile."""


def flood(connection, piece, seconds, first=b""):
    """Send a piece repeatedly, as fast as it is accepted. Returns the number of sent bytes."""
    sent, until_then = 0, time.monotonic() + seconds
    connection.settimeout(0.5)
    with contextlib.suppress(ConnectionError):
        connection.sendall(first)
        while time.monotonic() < until_then:
            try:
                sent += connection.send(piece)
            except TimeoutError:
                continue
    return sent


def test_pipelining_without_end_takes_no_memory(service):
    service.ask(LAST)
    before = service.memory
    with service.polled() as waits, service.connect() as connection:
        flood(connection, GET * 2000, 4)
        grown = service.memory - before
    assert grown < 40 * MB
    assert waits.longest < SOON


def test_two_hundred_callers_who_pipeline_make_nobody_wait(service):
    """Each sends 250 kB at once and reads nothing. The answers come once they are read."""
    requests = GET * (250_000 // len(GET))
    before = service.memory
    with ExitStack() as open_, service.polled() as waits:
        callers = [open_.enter_context(service.connect()) for _ in range(200)]
        for caller in callers:
            caller.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                caller.send(requests)
        stays(lambda: service.memory - before < 250 * MB, 3)
        eventually(lambda: len(waits.seconds) > 3)
    assert waits.longest < SOON


@pytest.mark.parametrize(
    ("name", "first", "piece"),
    [
        ("header", b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"a" * 65536),
        ("headers", b"GET / HTTP/1.1\r\nHost: x\r\n", b"X: y\r\n" * 10_000),
        ("target", b"GET /", b"a" * 65536),
        ("method", b"", b"A" * 65536),
        ("trailer", CHUNKED + b"0\r\nX: ", b"a" * 65536),
        ("trailers", CHUNKED + b"0\r\n", b"X: y\r\n" * 10_000),
        ("extension", CHUNKED + b"1;", b"a" * 65536),
        ("extensions", CHUNKED, b"1;aaaaaaaaaaaaaaaa\r\nx\r\n" * 2000),
        ("size", CHUNKED, b"0" * 65536),
        ("blank lines", b"", b"\r\n" * 30_000),
    ],
)
def test_what_has_no_end_takes_no_memory_and_makes_nobody_wait(service, name, first, piece):
    before = service.memory
    with service.polled() as waits, service.connect() as connection:
        flood(connection, piece, 2, first)
        grown = service.memory - before
    assert grown < 40 * MB, name
    assert waits.longest < SOON


def test_a_head_over_the_cap_is_refused_wherever_its_bytes_are(service):
    """The limit counts the whole head: the target and all headers together."""
    target = b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    one = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n"
    many = (
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
        + b"".join(b"X-%d: %b\r\n" % (n, b"a" * 4000) for n in range(34))
        + b"\r\n"
    )
    both = b"GET /healthz?" + b"a" * 7000 + b" HTTP/1.1\r\nHost: x\r\n" + many.partition(b"Host: x\r\n")[2]
    for head in (target, one, many, both):
        for cut in (len(head), 1000):
            with service.connect() as connection:
                with contextlib.suppress(ConnectionError):
                    connection.sendall(head[:cut])
                    connection.sendall(head[cut:])
                answer = until_closed(connection)
            assert answer[9:12] in (b"400", b"414", b"431", b""), head[:30]


def test_a_head_well_under_the_cap_is_taken(service):
    headers = b"".join(b"X-%d: %b\r\n" % (n, b"a" * 4000) for n in range(5))
    head = b"GET /healthz?" + b"a" * 4000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers + b"\r\n"
    assert service.ask(head).startswith(b"HTTP/1.1 200 ")


def test_good_requests_are_answered_before_half_a_one(service):
    """Three POSTs of 30 kB each and the beginning of a fourth request come in one packet."""
    body = service.poll().partition(b"\r\n\r\n")[2]
    padded = body + b" " * (30_000 - len(body))
    poll = service.poll().replace(b"Content-Length: %d" % len(body), b"Content-Length: %d" % len(padded))
    poll = poll.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + padded
    with service.connect() as connection:
        connection.sendall(poll * 3 + b"GET /healthz HTTP/1.1\r\nHo")
        received = b""
        while received.count(b"HTTP/1.1 200 ") < 3:
            piece = connection.recv(65536)
            assert piece, received
            received += piece
        connection.sendall(b"st: x\r\nConnection: close\r\n\r\n")
        received += until_closed(connection)
    assert received.count(b"HTTP/1.1 200 ") == received.count(b"HTTP/1.1 ") == 4


def descriptors(service):
    return len(list(Path(f"/proc/{service.server.pid}/fd").iterdir()))


def held(service, many):
    """Wait until the server holds so many descriptors. It accepts callers one by one."""
    return eventually(lambda: descriptors(service) >= many)


def few_are_left(service, before, seconds):
    """Wait until the server holds few descriptors beyond the earlier number.

    A few may be files of its own, opened at first use.
    """
    eventually(lambda: descriptors(service) - before <= OWN, seconds)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts what /proc shows")
@pytest.mark.parametrize("answers", [1, 3, 13, 200])
def test_who_takes_no_answer_is_let_go(service, answers):
    """Answers of a few hundred kB are requested at once and never read. Some fit into the kernel's buffers."""
    before = descriptors(service)
    with ExitStack() as open_:
        for _ in range(20):
            caller = open_.enter_context(closing_socket(2048))
            caller.connect(service.where)
            caller.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * answers)
        assert held(service, before + 20)
        few_are_left(service, before, 100)


def closing_socket(window):
    caller = socket.socket()
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    caller.settimeout(5)
    return contextlib.closing(caller)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts what /proc shows")
@pytest.mark.parametrize("beginning", [b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\n", GET])
def test_who_says_nothing_more_is_let_go(service, beginning):
    before = descriptors(service)
    with ExitStack() as open_:
        for _ in range(50):
            open_.enter_context(service.connect()).sendall(beginning)
        assert held(service, before + 50)
        few_are_left(service, before, 25)


@pytest.mark.slow
@pytest.mark.parametrize("broken", [b"zz\r\nx\r\n", b"1\r\nxx\r\n", b"0\r\nX y\r\n\r\n"])
def test_a_body_that_breaks_off_is_not_waited_for_past_its_deadline(service, broken):
    began = time.monotonic()
    head, _, _ = service.poll().partition(b"\r\nContent-Length")
    with service.connect(60) as connection:
        connection.sendall(head + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.sendall(broken + GET)
        assert b" 200 OK" not in until_closed(connection)
    assert time.monotonic() - began < 40


@pytest.mark.slow
@pytest.mark.parametrize("drip", [b"G", b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"POST"])
def test_a_byte_a_second_keeps_no_connection_for_ever(service, drip):
    """The deadlines of a head and a body are fixed. A new byte does not extend them."""
    began = time.monotonic()
    with service.connect(1) as connection:
        connection.sendall(drip if drip != b"POST" else service.poll().partition(b"{")[0])
        while time.monotonic() - began < 60:
            try:
                connection.sendall(b"x")
                if connection.recv(65536) == b"":
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
    assert time.monotonic() - began < 45


@pytest.mark.slow
def test_a_slow_head_leaves_the_body_its_own_time(service):
    """The connection is old and the line slow. The head's deadline ends with the head."""
    poll = service.poll()
    head, _, body = poll.partition(b"\r\n\r\n")
    with service.connect(30) as connection:
        time.sleep(1.5)
        connection.sendall(head[:10])
        time.sleep(4)
        connection.sendall(head[10:] + b"\r\n\r\n")
        for place in range(12):
            time.sleep(1)
            connection.sendall(body[place : place + 1])
        connection.sendall(body[12:])
        assert until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")


@pytest.mark.slow
def test_ten_thousand_who_say_nothing_keep_nobody_out(service):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 11_000:
        pytest.skip(f"this user may open {hard} files, and 11,000 are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 11_000), hard))
    try:
        with ExitStack() as silent:
            for number in range(10_100):
                silent.enter_context(service.connect())
                if number % 1000 == 0:
                    used = cpu_seconds(service.server.pid)
                    assert service.ask(LAST).startswith(b"HTTP/1.1 200 ")
                    assert cpu_seconds(service.server.pid) - used < SOON
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_many_unread_streams_are_ended_when_their_caller_goes(service):
    """Sixty callers hang up in the middle of a request. No thread is kept by them."""
    stop = threading.Event()
    for _ in range(60):
        with service.connect() as connection:
            connection.sendall(service.poll()[:-5])
    with service.polled() as waits:
        stop.wait(0.5)
    assert waits.longest < SOON
