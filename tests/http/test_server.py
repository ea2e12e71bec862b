"""The server itself: its port, its patience, its way to stop."""

import asyncio
import socket
import threading
import time
from contextlib import suppress

import pytest
import uvloop

from stillmotion.http import connection as connection_module
from stillmotion.http import server as server_module
from stillmotion.http.asgi import CLOSE
from stillmotion.http.server import HttpServer, listen, url_of

WHOLE = [(b"content-length", b"2")]


async def whole(scope, receive, send):
    message = await receive()
    while message.get("more_body"):
        message = await receive()
    if message["type"] == "http.disconnect":
        return
    await send({"type": "http.response.start", "status": 200, "headers": WHOLE})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def serve():
    """Serves an application in a thread of its own."""
    running = []

    def serving(app, shutdown_seconds=1):
        server = HttpServer(app, listen("127.0.0.1", 0), shutdown_seconds)
        thread = threading.Thread(target=lambda: uvloop.run(server.serve()), daemon=True)
        thread.start()
        running.append((server, thread))
        return server

    yield serving
    for server, thread in running:
        server.stop()
        thread.join(5)
        assert not thread.is_alive()


def connect(server):
    host, _, port = server.url.removeprefix("http://").rpartition(":")
    return socket.create_connection((host, int(port)), timeout=5)


def until_closed(connection):
    received = b""
    while piece := connection.recv(65536):
        received += piece
    return received


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
            assert b"connection: close" not in connection.recv(65536)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"connection: close" in until_closed(connection)


def test_an_application_may_ask_to_close(serve):
    async def closing(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [*WHOLE, CLOSE]})
        await send({"type": "http.response.body", "body": b"ok"})

    with connect(serve(closing)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = until_closed(connection)
        assert answer.count(b"connection: close") == 1


def test_a_header_cannot_be_smuggled_into_an_answer(serve):
    async def forged(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [*WHOLE, (b"x", b"a\r\nset-cookie: b")]})
        await send({"type": "http.response.body", "body": b"ok"})

    with connect(serve(forged)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = until_closed(connection)
        assert answer.startswith(b"HTTP/1.1 500 ")
        assert b"set-cookie" not in answer


def test_a_long_answer_comes_in_pieces(serve):
    async def long(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"300000")]})
        for _ in range(3):
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    with connect(serve(long)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert until_closed(connection).endswith(b"x" * 300_000)


@pytest.fixture
def hasty(monkeypatch):
    """A server that waits for nothing longer than a fifth of a second."""
    monkeypatch.setattr(server_module, "SWEEP_SECONDS", 0.02)
    for name in ("HEADERS_DEADLINE", "BODY_DEADLINE", "LARGE_BODY_DEADLINE", "PIECE_DEADLINE"):
        monkeypatch.setattr(connection_module, name, 0.2)


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
def test_half_a_request_is_not_waited_for(hasty, serve, beginning):
    with connect(serve(whole)) as connection:
        connection.sendall(beginning)
        began = time.monotonic()
        with suppress(ConnectionResetError):
            until_closed(connection)
        assert 0.1 < time.monotonic() - began < 2


@pytest.mark.parametrize("headers", [b"X: " + b"a" * 200_000, b"\r\n".join([b"X: " + b"a" * 2000] * 100)])
def test_headers_are_not_read_without_end(serve, headers):
    with connect(serve(whole)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n\r\n")
        received = b""
        with suppress(ConnectionResetError):
            received = until_closed(connection)
        assert not received.startswith(b"HTTP/1.1 200")


def test_blank_lines_do_not_keep_a_connection(hasty, serve):
    with connect(serve(whole)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65536).endswith(b"ok")
        connection.sendall(b"\r\n")
        with suppress(ConnectionResetError):
            until_closed(connection)


def test_drops_come_to_nothing_while_a_request_goes_on(hasty, serve):
    async def slow(scope, receive, send):
        await asyncio.sleep(0.6)
        await whole(scope, receive, send)

    with connect(serve(slow)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65536).endswith(b"ok")


def test_a_reader_who_takes_nothing_is_dropped(hasty, serve):
    dropped = threading.Event()

    async def endless(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        hung_up = asyncio.create_task(until_hung_up(receive))
        while not hung_up.done():
            await send({"type": "http.response.body", "body": b"x" * 1_000_000, "more_body": True})
        dropped.set()

    async def until_hung_up(receive):
        while (await receive())["type"] != "http.disconnect":
            continue

    with connect(serve(endless)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert dropped.wait(5)


def test_what_is_under_way_is_finished_before_the_end(serve):
    async def slow(scope, receive, send):
        await asyncio.sleep(0.4)
        await whole(scope, receive, send)

    server = serve(slow)
    with connect(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.1)
        server.stop()
        assert b"ok" in until_closed(connection)


def test_the_end_is_not_put_off_for_ever():
    async def stuck(scope, receive, send):
        await asyncio.sleep(60)

    server = HttpServer(stuck, listen("127.0.0.1", 0), shutdown_seconds=1)
    thread = threading.Thread(target=lambda: uvloop.run(server.serve()), daemon=True)
    thread.start()
    with connect(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.2)
        server.stop()
        thread.join(4)
        assert not thread.is_alive()
