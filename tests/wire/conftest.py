"""The real server in a process of its own, as a black box behind sockets."""

import asyncio
import socket
import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import pytest

from bench.gateway import poll_request
from bench.history import write_history
from bench.processes import cpu_seconds, resident_bytes
from bench.service import serving


@dataclass
class Service:
    """A server with stored generations, and the keys of its callers."""

    server: object
    history: object

    @property
    def address(self):
        return self.server.address

    @property
    def where(self):
        return self.address.host, self.address.port

    @property
    def memory(self):
        return resident_bytes(self.server.pid)

    def connect(self, timeout=10.0):
        return closing(socket.create_connection(self.where, timeout=timeout))

    def poll(self, number=0):
        """A poll as bytes."""
        return poll_request(self.history.key_of(number), self.history.ids[number])

    def ask(self, sent, timeout=10.0):
        """The received bytes until the connection ends or times out."""
        with self.connect(timeout) as connection:
            connection.sendall(sent)
            return until_closed(connection)

    @contextmanager
    def polled(self):
        """Another caller who polls throughout the block. `Waits` has the server's processor time for each answer."""
        waits, over = Waits(), threading.Event()

        def asking():
            while not over.is_set():
                used = cpu_seconds(self.server.pid)
                try:
                    with self.connect(30) as connection:
                        connection.sendall(self.poll(1))
                        answered = connection.recv(65536)
                except OSError as error:
                    answered = repr(error).encode()
                if not answered.startswith(b"HTTP/1.1 200 "):
                    waits.unanswered.append(answered)
                waits.seconds.append(cpu_seconds(self.server.pid) - used)
                over.wait(0.05)

        caller = threading.Thread(target=asking)
        caller.start()
        try:
            yield waits
        finally:
            over.set()
            caller.join()


@dataclass
class Waits:
    """Processor time of the server until each answer to the other caller, and answers that were not 200.

    Wall time would depend on other load and on the attack's own work.
    """

    seconds: list = field(default_factory=list)
    unanswered: list = field(default_factory=list)

    @property
    def longest(self):
        assert self.unanswered == []
        return max(self.seconds)


def until_closed(connection):
    """The received bytes until the other side closes or resets."""
    received = bytearray()
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionError:
        pass
    return bytes(received)


def until(connection, end):
    """The received bytes, up to and including the given ones."""
    received = bytearray()
    while end not in received:
        piece = connection.recv(65536)
        assert piece, bytes(received)
        received += piece
    return bytes(received)


@pytest.fixture(scope="session")
def history(tmp_path_factory):
    return asyncio.run(write_history(tmp_path_factory.mktemp("wire") / "data", 40, 10))


@pytest.fixture(scope="session")
def service(history):
    """A server that tests share. A test that harms it makes others fail."""
    with serving(history.data_dir, {"renderers": "0"}) as server:
        yield Service(server, history)
