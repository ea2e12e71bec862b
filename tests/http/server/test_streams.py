"""Responses on the wire: streamed in pieces, and whole."""

import asyncio
import threading
from contextlib import suppress
from dataclasses import replace

import pytest

from stillmotion.http.server.replies import Reply
from stillmotion.http.server.request import DEADLINES
from stillmotion.http.server.streams import BrokenOff, send_in_pieces
from tests.http.speaking import CHUNKED, post, speak, until, until_closed


def pieces(*each, error=None):
    async def yielding():
        for one in each:
            yield one
        if error is not None:
            raise error

    return yielding()


def in_pieces(*each, headers=(), error=None):
    async def handler(request):
        return await send_in_pieces(request, Reply(200, b"", list(headers)), pieces(*each, error=error))

    return handler


def test_a_handler_that_fails_is_answered_for():
    async def failing(request):
        raise ValueError("a bug")

    with speak(failing) as connection:
        connection.sendall(post(b"hello"))
        assert until_closed(connection).startswith(b"HTTP/1.1 500 ")


@pytest.mark.parametrize("error", [BrokenOff(), ValueError("a bug")])
def test_after_half_an_answer_the_connection_is_closed(error):
    with speak(in_pieces(b"half", headers=[("Content-Length", "9")], error=error)) as connection:
        connection.sendall(post(b"hello"))
        said = b""
        with suppress(ConnectionResetError):
            said = until_closed(connection)
        assert said.endswith((b"\r\n\r\nhalf", b""))
        assert said.count(b"HTTP/1.1") <= 1


def test_an_answer_of_unknown_length_comes_in_chunks():
    with speak(in_pieces(b"ab", b"", b"cde")) as connection:
        connection.sendall(post(b"hello"))
        assert until(connection, b"0\r\n\r\n").endswith(b"\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n")


@pytest.mark.parametrize("body", [b"", b"four"])
def test_a_whole_answer_says_how_long_it_is(body):
    async def whole(request):
        return Reply(200, body, []).response()

    with speak(whole) as connection:
        connection.sendall(post(b"hello"))
        assert b"\r\nContent-Length: %d\r\n" % len(body) in until(connection, b"\r\n\r\n" + body)


@pytest.mark.parametrize("status", [304, 204])
def test_some_answers_have_no_body(status):
    async def bodiless(request):
        return Reply(status, b"", []).response()

    with speak(bodiless) as connection:
        for _ in range(2):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            said = until(connection, b"\r\n\r\n").lower()
            assert b"transfer-encoding" not in said
            assert b"content-length" not in said


def test_head_gets_the_length_alone():
    with speak(in_pieces(b"four", headers=[("Content-Length", "4")])) as connection:
        connection.sendall(b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        said = until_closed(connection)
        assert b"\r\nContent-Length: 4\r\n" in said
        assert said.endswith(b"\r\n\r\n")


def test_a_body_that_breaks_after_its_answer_has_begun_adds_nothing_to_it():
    async def early(request):
        async def begun():
            yield b"begun"
            while await request.next_piece():
                pass

        return await send_in_pieces(request, Reply(200, b"", []), begun())

    with speak(early, deadlines=replace(DEADLINES, body=0.3)) as connection:
        connection.sendall(CHUNKED + b"\r\n")
        until(connection, b"begun\r\n")
        connection.sendall(b"nonsense\r\n")
        with suppress(ConnectionResetError):
            assert until_closed(connection) == b""


def test_who_hangs_up_is_heard_of():
    begun, heard = threading.Event(), threading.Event()

    async def listening(request):
        async def endless():
            try:
                while request.transport is not None:
                    yield b"to somebody"
                    begun.set()
                    await asyncio.sleep(0.05)
            finally:
                heard.set()

        return await send_in_pieces(request, Reply(200, b"", []), endless())

    with speak(listening) as connection:
        connection.sendall(post(b"hello"))
        assert begun.wait(20)
    assert heard.wait(20)
