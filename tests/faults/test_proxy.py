"""Restarts under load behind a proxy that retries, as operators do them every day."""

import contextlib
import http.client
import socket
import socketserver
import threading
import time
from urllib.parse import urlsplit

import pytest

from tests.end_to_end.conftest import Running, small_picture
from tests.waiting import LOOK_SECONDS, eventually

SHORT = {"prompt": "push in", "url": small_picture(), "resolution": "540p", "duration": 1}
RESTARTS = 8
PATIENCE = 20.0


class Proxy(socketserver.ThreadingTCPServer):
    """Proxy to the service's present address. It retries if nobody answers, and after a 503."""

    daemon_threads = allow_reuse_address = True

    def __init__(self, running: Running) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.running = running
        self.tried_again = 0


class _Passing(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.rfile.readline()
        lines = head.decode("latin-1").split("\r\n")
        lengths = [int(line.partition(":")[2]) for line in lines if line.lower().startswith("content-length:")]
        body = self.rfile.read(sum(lengths))
        request = "\r\n".join([lines[0], "Connection: close", *lines[1:]]).encode("latin-1") + body
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answer = self._ask(request)
            if answer and not answer.startswith(b"HTTP/1.1 503 "):
                self.wfile.write(answer)
                return
            self.server.tried_again += 1
            time.sleep(0.05)

    def _ask(self, request: bytes) -> bytes:
        address, answer = urlsplit(self.server.running.base), b""
        with contextlib.suppress(OSError), socket.create_connection((address.hostname, address.port), 5) as server:
            server.sendall(request)
            while piece := server.recv(65536):
                answer += piece
        return answer


@pytest.mark.slow
def test_restarts_behind_a_proxy_fail_no_request(make_running):
    running = make_running(STILLMOTION_SUBMITS_PER_MINUTE="100000", STILLMOTION_SHUTDOWN_GRACE="2")
    accepted, failed, answered, ended = {}, [], [0], threading.Event()

    with Proxy(running) as proxy:
        threading.Thread(target=proxy.serve_forever, args=(LOOK_SECONDS,), daemon=True).start()
        front = Running(running.directory, key=running.key, base=f"http://127.0.0.1:{proxy.server_address[1]}")

        def call(number):
            order = 0
            while not ended.is_set():
                key = f"{number}-{order}"
                try:
                    made = front.submit(SHORT, **{"Idempotency-Key": key})
                    polled = front.status(made.body["id"])
                except (OSError, http.client.HTTPException, KeyError) as error:
                    failed.append(error)
                    continue
                answered[0] += 2
                failed.extend(each.status for each in (made, polled) if each.status != 200)
                accepted[key] = made.body["id"]
                order += 1
                ended.wait(0.2)

        callers = [threading.Thread(target=call, args=(number,)) for number in range(3)]
        for caller in callers:
            caller.start()
        for _ in range(RESTARTS):
            before = len(accepted)
            eventually(lambda: len(accepted) > before)  # noqa: B023 - called at once
            running.stop()
            assert running.process.returncode == 0
            running.start()
        ended.set()
        for caller in callers:
            caller.join()
        proxy.shutdown()
    assert failed == []
    assert answered[0] > 4 * RESTARTS
    assert proxy.tried_again > 0, "there was something to try again"
    assert len(set(accepted.values())) == len(accepted)
    for each in accepted.values():
        assert running.wait_for(each, "completed", "failed", seconds=120)["state"] == "completed"
