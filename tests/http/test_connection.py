"""HTTP/1.1 as it is spoken on one connection: what callers may send, and what they get for it."""

import asyncio
import socket
import threading
import time
from contextlib import ExitStack, closing, suppress

import pytest
import uvloop

from stillmotion.http import connection as connection_module
from stillmotion.http import server as server_module
from stillmotion.http.server import HttpServer, listen


async def echo(scope, receive, send):
    """Answers with the method, the path, the query and the body."""
    body = bytearray()
    message = {"more_body": True}
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    said = b"%b %b %b %b" % (scope["method"].encode(), scope["path"].encode(), scope["query_string"], bytes(body))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]})
    await send({"type": "http.response.body", "body": said})


CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"


@pytest.fixture
def speak():
    """Serves an application and connects to it."""
    running = []

    def speaking(app):
        server = HttpServer(app, listen("127.0.0.1", 0), 1)
        thread = threading.Thread(target=lambda: uvloop.run(server.serve()), daemon=True)
        thread.start()
        running.append((server, thread))
        host, _, port = server.url.removeprefix("http://").rpartition(":")
        return closing(socket.create_connection((host, int(port)), timeout=5))

    yield speaking
    for server, thread in running:
        server.stop()
        thread.join(5)
        assert not thread.is_alive()


def until(connection, end):
    received = b""
    while not received.endswith(end):
        piece = connection.recv(65536)
        assert piece, received
        received += piece
    return received


def until_closed(connection):
    return b"".join(iter(lambda: connection.recv(65536), b""))


def post(body, *headers):
    lines = [b"POST /p?q=1 HTTP/1.1", b"Host: x", *headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join([*lines, b"", body])


def test_a_body_may_come_byte_by_byte(speak):
    with speak(echo) as connection:
        for byte in post(b"hello"):
            connection.sendall(bytes([byte]))
        assert until(connection, b"hello").endswith(b"\r\n\r\nPOST /p q=1 hello")


def test_a_body_may_come_in_chunks(speak):
    with speak(echo) as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
        )
        assert until(connection, b"hello").startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_large_body_comes_whole(speak):
    body = bytes(range(256)) * 8192
    with speak(echo) as connection:
        sending = threading.Thread(target=connection.sendall, args=(post(body),))
        sending.start()
        assert until(connection, body).endswith(b"POST /p q=1 " + body)
        sending.join(5)


def test_requests_sent_together_are_answered_in_their_order(speak):
    async def uneven(scope, receive, send):
        await asyncio.sleep(0.1 if scope["path"] == "/slow" else 0)
        await echo(scope, receive, send)

    with speak(uneven) as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n" + post(b"one") + post(b"two"))
        said = until(connection, b"two")
        assert said.index(b"GET /slow") < said.index(b"one") < said.index(b"two")


def test_who_waits_for_leave_to_send_gets_it(speak):
    head, _, body = post(b"hello", b"Expect: 100-Continue").partition(b"\r\n\r\n")
    with speak(echo) as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert until(connection, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert until(connection, b"hello").startswith(b"HTTP/1.1 200 ")


def test_leave_is_not_given_for_a_body_that_is_there(speak):
    with speak(echo) as connection:
        connection.sendall(post(b"hello", b"Expect: 100-continue"))
        assert until(connection, b"hello").startswith(b"HTTP/1.1 200 ")


def test_a_target_may_be_a_whole_address_and_escaped(speak):
    with speak(echo) as connection:
        connection.sendall(b"GET http://x/a%20b?c=%20 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert until(connection, b"GET /a b c=%20 ")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost x\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\nHost: x\n\n",
        b"GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\rX: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: y\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX : y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: y\0z\r\n\r\n",
        CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
        CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        CHUNKED.replace(b"1.1", b"1.0") + b"\r\n0\r\n\r\n",
        CHUNKED.replace(b"chunked", b"gzip, chunked") + b"\r\n0\r\n\r\n",
        CHUNKED.replace(b"chunked", b"identity") + b"\r\n0\r\n\r\n",
        CHUNKED + b"\r\n1\nx\r\n0\r\n\r\n",
        CHUNKED + b"\r\n0x1\r\nx\r\n0\r\n\r\n",
        CHUNKED + b"\r\nfffffffffffffffff\r\nx\r\n0\r\n\r\n",
        CHUNKED + b"\r\n0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\nx",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\nx",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\nx",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_no_request_is_refused_and_the_connection_closed(speak, nonsense):
    with speak(echo) as connection:
        connection.sendall(nonsense)
        assert until_closed(connection).startswith(b"HTTP/1.1 400 ")


def test_a_trailer_is_no_header(speak):
    """It comes when the headers, and with them the key, have been looked at."""

    async def tell(scope, receive, send):
        await echo({**scope, "query_string": b",".join(name for name, _ in scope["headers"])}, receive, send)

    with speak(tell) as connection:
        connection.sendall(CHUNKED + b"\r\n0\r\nHost: y\r\nX-Api-Key: z\r\n\r\n")
        assert until(connection, b" ").endswith(b"POST / host,transfer-encoding ")


def test_what_is_no_request_does_not_answer_the_one_before_it(speak):
    async def slow(scope, receive, send):
        await asyncio.sleep(0.1)
        await echo(scope, receive, send)

    with speak(slow) as connection:
        connection.sendall(post(b"hello"))
        connection.sendall(b"nonsense\r\n\r\n")
        said = until_closed(connection)
    assert said.startswith(b"HTTP/1.1 200 ")
    assert said.endswith(b"hello")


def test_a_body_that_breaks_after_its_answer_has_begun_adds_nothing_to_it(speak):
    async def early(scope, receive, send):
        await send(start())
        await send(piece(b"begun", True))
        while (await receive())["type"] != "http.disconnect":
            continue

    with speak(early) as connection:
        connection.sendall(CHUNKED + b"\r\n")
        until(connection, b"begun\r\n")
        connection.sendall(b"nonsense\r\n")
        assert until_closed(connection) == b""


def test_headers_have_an_end(speak):
    with speak(echo) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 70_000)
        assert until_closed(connection).startswith(b"HTTP/1.1 400 ")


def test_another_protocol_is_not_spoken(speak):
    with speak(echo) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert until(connection, b"GET /  ").startswith(b"HTTP/1.1 200 ")


def test_an_old_client_is_answered_and_hung_up_on(speak):
    with speak(echo) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b"\r\nconnection: close\r\n" in until_closed(connection)


@pytest.mark.parametrize("beginning", [b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_who_waits_longest_for_nothing_makes_room(speak, monkeypatch, beginning):
    """Connections that say nothing, not all of it, or nothing more, keep nobody out."""
    monkeypatch.setattr(server_module, "MAX_CONNECTIONS", 5)
    with speak(echo) as first, ExitStack() as idle:
        address = first.getpeername()
        others = [idle.enter_context(another(address)) for _ in range(20)]
        for each in (first, *others):
            with suppress(OSError):
                each.sendall(beginning)
            time.sleep(0.005)
        with another(address) as late:
            late.sendall(post(b"hello"))
            assert until(late, b"hello").startswith(b"HTTP/1.1 200 ")
        assert until_closed(first).endswith((b"", b"GET /  "))


def test_who_is_being_answered_makes_no_room(speak, monkeypatch):
    monkeypatch.setattr(server_module, "MAX_CONNECTIONS", 3)

    async def slow(scope, receive, send):
        await asyncio.sleep(0.3)
        await echo(scope, receive, send)

    with speak(slow) as first, ExitStack() as idle:
        first.sendall(post(b"hello"))
        time.sleep(0.05)
        for _ in range(5):
            idle.enter_context(another(first.getpeername()))
        assert until(first, b"hello").startswith(b"HTTP/1.1 200 ")


def another(address):
    """A further connection to the same server."""
    return closing(socket.create_connection(address, timeout=5))


def test_too_many_connections_are_told_so(speak, monkeypatch):
    monkeypatch.setattr(server_module, "MAX_CONNECTIONS", 1)
    with speak(echo) as connection:
        connection.sendall(post(b""))
        assert until_closed(connection).startswith(b"HTTP/1.1 503 ")


def test_a_post_that_waits_goes_on_as_a_task(speak):
    async def waiting(scope, receive, send):
        assert asyncio.current_task() is None
        await asyncio.sleep(0.01)
        async with asyncio.timeout(5):
            await asyncio.to_thread(len, b"")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.sleep(5)
        await echo(scope, receive, send)

    with speak(waiting) as connection:
        for _ in range(2):
            connection.sendall(post(b"hello"))
            assert until(connection, b"hello").startswith(b"HTTP/1.1 200 ")


def answering(*messages, error=None):
    async def app(scope, receive, send):
        for message in messages:
            await send(message)
        if error is not None:
            raise error

    return app


def start(*headers, status=200):
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def piece(body, more):
    return {"type": "http.response.body", "body": body, "more_body": more}


@pytest.mark.parametrize(
    "app",
    [
        answering(),
        answering(start()),
        answering(piece(b"headless", False)),
        answering(error=ValueError("a bug")),
        answering(start(), error=ValueError("a bug")),
    ],
)
def test_an_application_that_does_not_answer_is_answered_for(speak, app):
    with speak(app) as connection:
        connection.sendall(post(b"hello"))
        assert until_closed(connection).startswith(b"HTTP/1.1 500 ")


@pytest.mark.parametrize(
    "app",
    [
        answering(start((b"content-length", b"9")), piece(b"half", True), error=ValueError("a bug")),
        answering(start((b"content-length", b"9")), piece(b"half", True), piece(b"", False)),
        answering(start((b"content-length", b"5")), piece(b"half", True), piece(b"more", False)),
    ],
)
def test_after_half_an_answer_the_connection_is_closed(speak, app):
    with speak(app) as connection:
        connection.sendall(post(b"hello"))
        assert until_closed(connection).endswith(b"\r\n\r\nhalf")


def test_an_answer_of_unknown_length_comes_in_chunks(speak):
    with speak(answering(start(), piece(b"ab", True), piece(b"", True), piece(b"cde", False))) as connection:
        connection.sendall(post(b"hello"))
        assert until(connection, b"0\r\n\r\n").endswith(b"\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n")


@pytest.mark.parametrize("body", [b"", b"four"])
def test_a_whole_answer_says_how_long_it_is(speak, body):
    with speak(answering(start(), piece(body, False))) as connection:
        connection.sendall(post(b"hello"))
        assert b"\r\ncontent-length: %d\r\n" % len(body) in until(connection, b"\r\n\r\n" + body)


@pytest.mark.parametrize(("request_line", "status"), [(b"HEAD", 200), (b"GET", 304), (b"GET", 204)])
def test_some_answers_have_no_body(speak, request_line, status):
    with speak(answering(start(status=status), piece(b"", False))) as connection:
        for _ in range(2):
            connection.sendall(request_line + b" / HTTP/1.1\r\nHost: x\r\n\r\n")
            said = until(connection, b"\r\n\r\n")
            assert b"transfer-encoding" not in said
            assert b"content-length" not in said


def test_head_gets_the_length_alone(speak):
    with speak(answering(start((b"content-length", b"4")), piece(b"four", True), piece(b"", False))) as connection:
        connection.sendall(b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert until_closed(connection).endswith(b"\r\n\r\n")


def test_an_idle_connection_is_closed_in_time(speak, monkeypatch):
    monkeypatch.setattr(server_module, "SWEEP_SECONDS", 0.02)
    monkeypatch.setattr(connection_module, "KEEP_ALIVE", 0.3)
    with speak(echo) as connection:
        for _ in range(4):
            connection.sendall(post(b"hello"))
            until(connection, b"hello")
            threading.Event().wait(0.15)
        assert until_closed(connection) == b""


def test_who_hangs_up_is_heard_of(speak):
    heard = threading.Event()

    async def listening(scope, receive, send):
        while (await receive())["type"] != "http.disconnect":
            continue
        await send(start())
        await send(piece(b"to nobody", False))
        heard.set()

    with speak(listening) as connection:
        connection.sendall(post(b"hello"))
    assert heard.wait(5)
