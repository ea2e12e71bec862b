"""HTTP/1.1 on one connection: accepted requests, refused ones, and deadlines."""

import asyncio
import socket
import threading
import time
from contextlib import ExitStack, closing, suppress
from dataclasses import replace

import pytest
from aiohttp import web

from stillmotion.http.server.replies import Reply
from stillmotion.http.server.request import DEADLINES, BrokenBody, ClientGone
from tests.http.speaking import CHUNKED, assert_quiet, post, speak, until, until_closed
from tests.waiting import eventually


async def body_of(request):
    body = bytearray()
    while piece := await request.next_piece():
        body += piece
    return bytes(body)


async def echo(request):
    """Handler whose answer repeats the method, the path, the query and the body."""
    try:
        body = await body_of(request)
    except BrokenBody:
        return Reply(400, b"broken", [], closes=True).response()
    said = b"%b %b %b %b" % (request.method.encode(), request.route.encode(), request.raw_query, body)
    return Reply(200, said, []).response()


def test_a_body_may_come_byte_by_byte():
    with speak(echo) as connection:
        for byte in post(b"hello"):
            connection.sendall(bytes([byte]))
        assert until(connection, b"hello").endswith(b"\r\n\r\nPOST /p q=1 hello")


class Held:
    """A handler that answers once a test releases it."""

    def __init__(self):
        self.let_go = threading.Event()
        self._under_way = 0

    async def __call__(self, request):
        self._under_way += 1
        await asyncio.to_thread(self.let_go.wait, 20)
        return await echo(request)

    def wait_for(self, count):
        """Wait until so many requests are under way."""
        eventually(lambda: self._under_way >= count)


def test_a_body_may_come_in_chunks():
    with speak(echo) as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
        )
        assert until(connection, b"hello").startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_large_body_comes_whole():
    body = bytes(range(256)) * 8192
    with speak(echo) as connection:
        sending = threading.Thread(target=connection.sendall, args=(post(body),))
        sending.start()
        assert until(connection, body).endswith(b"POST /p q=1 " + body)
        sending.join(20)


def test_requests_sent_together_are_answered_in_their_order():
    async def uneven(request):
        for _ in range(100 if request.route == "/slow" else 0):
            await asyncio.sleep(0)
        return await echo(request)

    with speak(uneven) as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n" + post(b"one") + post(b"two"))
        said = until(connection, b"two")
        assert said.index(b"GET /slow") < said.index(b"one") < said.index(b"two")


def test_who_waits_for_leave_to_send_gets_it():
    head, _, body = post(b"hello", b"Expect: 100-Continue").partition(b"\r\n\r\n")
    with speak(echo) as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert until(connection, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert until(connection, b"hello").startswith(b"HTTP/1.1 200 ")


def test_leave_is_not_given_for_a_body_that_is_there():
    with speak(echo) as connection:
        connection.sendall(post(b"hello", b"Expect: 100-continue"))
        assert until(connection, b"hello").startswith(b"HTTP/1.1 200 ")


def test_a_target_may_be_a_whole_address_and_escaped():
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
def test_what_is_no_request_is_refused_and_the_connection_closed(nonsense):
    with speak(echo) as connection:
        connection.sendall(nonsense)
        assert status_of(until_closed(connection)) in (400, 505)


def status_of(answer):
    """The status of an answer, which must be the only one."""
    assert answer.count(b"\r\nServer: ") == 1
    return int(answer.split(b" ", 2)[1])


def test_a_trailer_is_no_header():
    """A trailer comes after the headers, and with them the key, were read."""

    async def tell(request):
        await body_of(request)
        return Reply(200, b",".join(name.lower() for name, _ in request.raw_headers) + b" ", []).response()

    with speak(tell) as connection:
        connection.sendall(CHUNKED + b"\r\n0\r\nX-Api-Key: z\r\n\r\n")
        assert until(connection, b" ").endswith(b"\r\n\r\nhost,transfer-encoding ")


def test_what_is_no_request_does_not_answer_the_one_before_it():
    held = Held()
    with speak(held) as connection:
        connection.sendall(post(b"hello"))
        held.wait_for(1)
        connection.sendall(b"nonsense\r\n\r\n")
        held.let_go.set()
        said = until_closed(connection)
    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"hello" in said


def test_headers_have_an_end():
    with speak(echo) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 70_000)
        assert status_of(until_closed(connection)) == 400


def test_another_protocol_is_not_spoken():
    with speak(echo) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert until(connection, b"GET /  ").startswith(b"HTTP/1.1 200 ")


def test_an_old_client_is_answered_and_hung_up_on():
    with speak(echo) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b"GET /  " in until_closed(connection)


@pytest.mark.parametrize("beginning", [b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_who_waits_longest_for_nothing_makes_room(beginning):
    """Connections that send nothing, only a part, or nothing more are evicted for a new one."""
    with speak(echo, most=5) as first, ExitStack() as idle:
        address = first.getpeername()
        others = [idle.enter_context(another(address)) for _ in range(20)]
        for each in (first, *others):
            with suppress(OSError):
                each.sendall(beginning)
            time.sleep(0.005)
        with another(address) as late:
            late.sendall(post(b"hello"))
            assert until(late, b"hello").startswith(b"HTTP/1.1 200 ")
        with suppress(ConnectionResetError):
            assert until_closed(first).endswith((b"", b"GET /  "))


def test_who_is_being_answered_makes_no_room():
    held = Held()
    with speak(held, most=3) as first, ExitStack() as idle:
        first.sendall(post(b"hello"))
        held.wait_for(1)
        for _ in range(5):
            idle.enter_context(another(first.getpeername()))
        held.let_go.set()
        assert until(first, b"hello").startswith(b"HTTP/1.1 200 ")


def another(address):
    """A further connection to the same server."""
    return closing(socket.create_connection(address, timeout=20))


def test_too_many_connections_are_told_so():
    held = Held()
    with speak(held, most=2) as first, ExitStack() as others:
        address = first.getpeername()
        second = others.enter_context(another(address))
        for each in (first, second):
            each.sendall(post(b"hello"))
        held.wait_for(2)
        third = others.enter_context(another(address))
        third.sendall(post(b"hello"))
        assert until_closed(third).startswith(b"HTTP/1.1 503 ")
        held.let_go.set()


def test_an_idle_connection_is_closed_in_time():
    with speak(echo, deadlines=replace(DEADLINES, head=0.8)) as connection:
        for _ in range(4):
            connection.sendall(post(b"hello"))
            until(connection, b"hello")
            threading.Event().wait(0.25)
        assert until_closed(connection) == b""


def test_a_body_has_its_own_time_however_late_its_head_came():
    """On a slow line the deadline of the head must not count for the body of a large picture."""
    with speak(echo, deadlines=replace(DEADLINES, head=1.0)) as connection:
        head, _, body = post(b"hello").partition(b"\r\n\r\n")
        time.sleep(0.25)
        connection.sendall(head + b"\r\n\r\n")
        for byte in body:
            time.sleep(0.2)
            connection.sendall(bytes([byte]))
        assert until(connection, b"hello").startswith(b"HTTP/1.1 200 ")


def test_a_caller_of_http_1_0_is_not_told_to_continue():
    with speak(echo) as connection:
        connection.sendall(b"POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert_quiet(connection, 0.1)
        connection.sendall(b"hello")
        assert until_closed(connection).startswith(b"HTTP/1.0 200 ")


def test_a_refused_body_is_dropped_so_that_its_sender_reads_the_refusal():
    async def refusing(request):
        return Reply(400, b"too large", [], closes=True).response()

    with speak(refusing) as connection:
        sent = post(bytes(3_000_000))
        connection.sendall(sent)
        assert until_closed(connection).endswith(b"\r\n\r\ntoo large")


def test_what_was_asked_for_together_is_answered_though_the_next_is_not_whole():
    with speak(echo) as connection:
        connection.sendall(b"".join(post(b"x" * 30_000) for _ in range(3)) + b"GET / HTTP/1.1\r\nHost")
        assert until(connection, b"x").count(b"HTTP/1.1 200 ") >= 1
        connection.sendall(b": x\r\n\r\n")
        assert until(connection, b"GET /  ")


def test_a_body_is_not_waited_for_once_its_sender_is_gone():
    begun, heard = threading.Event(), threading.Event()

    async def reading(request):
        begun.set()
        try:
            await body_of(request)
        except ClientGone:
            heard.set()
            raise
        return web.Response()

    with speak(reading) as connection:
        connection.sendall(post(b"hello")[:-1])
        assert begun.wait(20)
        connection.close()
        assert heard.wait(20)
