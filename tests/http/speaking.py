"""HTTP/1.1 as raw bytes: a handler on a server of its own, a connection to it, and the answers."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import uvloop

from stillmotion.http.server.server import HttpServer, listen

CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"


@contextmanager
def speak(handler: Any, **limits: Any) -> Iterator[socket.socket]:
    """A connection to a server of its own for the handler, with limits of the server."""
    server = HttpServer(handler, listen("127.0.0.1", 0), 1, **limits)
    thread = threading.Thread(target=lambda: uvloop.run(server.serve()), daemon=True)
    thread.start()
    host, _, port = server.url.removeprefix("http://").rpartition(":")
    try:
        with closing(socket.create_connection((host, int(port)), timeout=20)) as connection:
            yield connection
    finally:
        server.stop()
        thread.join(20)
        assert not thread.is_alive()


def until(connection: socket.socket, end: bytes) -> bytes:
    """The received bytes, up to the given end."""
    received = b""
    while not received.endswith(end):
        piece = connection.recv(65536)
        assert piece, received
        received += piece
    return received


def until_closed(connection: socket.socket) -> bytes:
    """The received bytes until the other side closes."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def assert_quiet(connection: socket.socket, seconds: float) -> None:
    """Fail if the other side sends anything within so many seconds."""
    readable, _, _ = select.select([connection], [], [], seconds)
    assert not readable


def post(body: bytes, *headers: bytes) -> bytes:
    """A POST with this body."""
    lines = [b"POST /p?q=1 HTTP/1.1", b"Host: x", *headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join([*lines, b"", body])
