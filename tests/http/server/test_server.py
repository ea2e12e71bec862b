"""The server: its port, its deadlines, its shutdown."""

import asyncio
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
import uvloop

from stillmotion.http.server.replies import Reply
from stillmotion.http.server.request import DEADLINES, Deadlines
from stillmotion.http.server.server import HttpServer, listen, url_of
from stillmotion.http.server.streams import send_in_pieces
from tests.http.speaking import until_closed
from tests.waiting import eventually


async def whole(request):
    while await request.next_piece():
        pass
    return Reply(200, b"ok", []).response()


@pytest.fixture
def serve():
    """Starter of a server for an application, in a thread of its own."""
    running = []

    def serving(handler, deadlines=DEADLINES):
        server = HttpServer(handler, listen("127.0.0.1", 0), 1, deadlines)
        thread = threading.Thread(target=lambda: uvloop.run(server.serve()), daemon=True)
        thread.start()
        running.append((server, thread))
        return server

    yield serving
    for server, thread in running:
        server.stop()
        thread.join(20)
        assert not thread.is_alive()


def connect(server):
    host, _, port = server.url.removeprefix("http://").rpartition(":")
    return socket.create_connection((host, int(port)), timeout=20)


def test_a_free_port_is_known_before_anything_is_served():
    with listen("127.0.0.1", 0) as listener:
        assert url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert listener.getsockname()[1] > 0


def test_every_interface_is_reached_on_this_machine():
    with listen("0.0.0.0", 0) as listener:
        assert url_of(listener).startswith("http://127.0.0.1:")


def test_an_address_that_is_taken_cannot_be_listened_on():
    with listen("127.0.0.1", 0) as listener, pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", listener.getsockname()[1])


def test_an_answer_leaves_in_one_piece(serve):
    with connect(serve(whole)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65536).endswith(b"\r\n\r\nok")


def test_a_connection_is_used_again_unless_somebody_objects(serve):
    server = serve(whole)
    with connect(server) as connection:
        for _ in range(3):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"Connection: close" not in connection.recv(65536)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"Connection: close" in until_closed(connection)


def test_a_handler_may_ask_to_close(serve):
    async def closing(request):
        return Reply(200, b"ok", [], closes=True).response()

    with connect(serve(closing)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert until_closed(connection).count(b"Connection: close") == 1


def test_a_header_cannot_be_smuggled_into_an_answer(serve):
    async def forged(request):
        return Reply(200, b"ok", [("X", "a\r\nSet-Cookie: b")]).response()

    with connect(serve(forged)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"Set-Cookie" not in until_closed(connection)


def test_an_answer_tells_nothing_of_the_libraries(serve):
    with connect(serve(whole)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = connection.recv(65536)
        assert b"\r\nServer: Stillmotion\r\n" in answer
        assert b"aiohttp" not in answer


def test_a_long_answer_comes_in_pieces(serve):
    async def long(request):
        async def pieces():
            for _ in range(3):
                yield b"x" * 100_000

        return await send_in_pieces(request, Reply(200, b"", [("Content-Length", "300000")]), pieces())

    with connect(serve(long)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert until_closed(connection).endswith(b"x" * 300_000)


HASTY = Deadlines(head=0.5, body=0.2, large_body=0.2, piece=0.2)
"""A busy machine may take a while for a whole head, which most of these tests begin with."""


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: ",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n",
    ],
)
def test_half_a_request_is_not_waited_for(serve, beginning):
    with connect(serve(whole, HASTY)) as connection:
        connection.sendall(beginning)
        began = time.monotonic()
        with suppress(ConnectionResetError):
            until_closed(connection)
        assert time.monotonic() - began > 0.1


@pytest.mark.parametrize("headers", [b"X: " + b"a" * 200_000, b"\r\n".join([b"X: " + b"a" * 2000] * 100)])
def test_headers_are_not_read_without_end(serve, headers):
    with connect(serve(whole)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n\r\n")
        received = b""
        with suppress(ConnectionResetError):
            received = until_closed(connection)
        assert not received.startswith(b"HTTP/1.1 200")


def test_blank_lines_do_not_keep_a_connection(serve):
    with connect(serve(whole, HASTY)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65536).endswith(b"ok")
        connection.sendall(b"\r\n")
        with suppress(ConnectionResetError):
            until_closed(connection)


def test_deadlines_come_to_nothing_while_a_request_goes_on(serve):
    async def slow(request):
        await asyncio.sleep(0.6)
        return await whole(request)

    with connect(serve(slow, HASTY)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65536).endswith(b"ok")


def test_a_reader_who_takes_nothing_is_dropped(serve):
    dropped = threading.Event()

    async def endless(request):
        async def pieces():
            try:
                while True:
                    yield b"x" * 1_000_000
            finally:
                dropped.set()

        return await send_in_pieces(request, Reply(200, b"", []), pieces())

    with connect(serve(endless, HASTY)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert dropped.wait(20)


@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="the kernel tells of connections on Linux alone")
@pytest.mark.parametrize("asked", [1, 12, 40])
def test_answers_that_nobody_reads_do_not_hold_a_connection(serve, asked):
    """For any number of requests, the buffers of the kernel and the server are released after a while."""

    async def large(request):
        return Reply(200, bytes(180_000), []).response()

    server = serve(large, HASTY)
    with narrow(server) as connection:
        with suppress(OSError):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * asked)
        eventually(lambda: connections_of(server) == 0)


def narrow(server):
    """A connection with a very small receive buffer."""
    host, _, port = server.url.removeprefix("http://").rpartition(":")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.settimeout(5)
    connection.connect((host, int(port)))
    return connection


def connections_of(server):
    """The number of connections to a server that the kernel holds on the server's side."""
    port = int(server.url.rpartition(":")[2])
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text("ascii").splitlines()[1:]]
    listening = "0A"
    return sum(1 for row in rows if int(row[1].split(":")[1], 16) == port and row[3] != listening)


def test_what_is_under_way_is_finished_before_the_end(serve):
    begun, let_go = threading.Event(), threading.Event()

    async def slow(request):
        begun.set()
        await asyncio.to_thread(let_go.wait, 20)
        return await whole(request)

    server = serve(slow)
    with connect(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert begun.wait(20)
        server.stop()
        let_go.set()
        assert b"ok" in until_closed(connection)


def test_the_end_is_not_put_off_for_ever():
    begun = threading.Event()

    async def stuck(request):
        begun.set()
        await asyncio.Event().wait()

    server = HttpServer(stuck, listen("127.0.0.1", 0), shutdown_seconds=1)
    thread = threading.Thread(target=lambda: uvloop.run(server.serve()), daemon=True)
    thread.start()
    with connect(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert begun.wait(20)
        server.stop()
        thread.join(20)
        assert not thread.is_alive()
