"""The first link: what `serve` prints on a terminal, and what a person does with it."""

import http.client
import json
import os
import pty
import re
import subprocess
from contextlib import contextmanager, suppress

from tests.end_to_end.conftest import COMMAND, clean_environment
from tests.waiting import eventually

SERVE = [*COMMAND, "serve", "--port", "0", "--data-dir"]
LISTENING = re.compile(rb"Listening on http://(\S+)")
LINK = re.compile(rb"Open (http://127\.0\.0\.1:\d+)(\S*)/#first=(\S+)")


class Shown:
    """The output of a server on a terminal so far."""

    def __init__(self, terminal):
        self._terminal = terminal
        os.set_blocking(terminal, False)
        self.text = b""

    def has(self, pattern):
        with suppress(OSError):
            self.text += os.read(self._terminal, 65536)
        return pattern.search(self.text)

    def find(self, pattern):
        return eventually(lambda: self.has(pattern), within=30, about=lambda: self.text)


@contextmanager
def on_a_terminal(data, **settings):
    """A server whose standard output is a terminal."""
    shown, terminal = pty.openpty()
    server = subprocess.Popen(
        [*SERVE, str(data)],
        env=clean_environment(**settings),
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=subprocess.DEVNULL,
    )
    os.close(terminal)
    try:
        yield Shown(shown)
    finally:
        server.terminate()
        server.wait(timeout=30)
        os.close(shown)


def ask(host, method, path, body=None, **headers):
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        given = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"} | headers
        connection.request(method, path, json.dumps(body) if body else None, given)
        response = connection.getresponse()
        return response.status, response.getheader("Set-Cookie"), json.loads(response.read() or b"null")
    finally:
        connection.close()


def test_the_link_on_the_terminal_opens_everything_once(tmp_path):
    data = tmp_path / "data"
    with on_a_terminal(data, STILLMOTION_PUBLIC_URL="http://video.example.com/clips") as shown:
        base, prefix, token = (each.decode() for each in shown.find(LINK).groups())
        assert prefix == "/clips"
        host = base.removeprefix("http://")
        status, cookie, told = ask(host, "POST", "/clips/session", {"first": token})
        assert (status, told["role"], told["administrator"]) == (201, "administrator", True)
        assert "Path=/clips/;" in cookie
        own = {"Cookie": cookie.partition(";")[0]}
        assert ask(host, "GET", "/clips/account", **own)[2]["subscription"]["name"] == "the owner of this machine"
        assert ask(host, "GET", "/clips/admin/v1/subscriptions", **own)[0] == 200
        assert ask(host, "POST", "/clips/session", {"first": token})[0] == 401
        assert b"There is no key yet" not in shown.text
    with on_a_terminal(data) as shown:
        host = shown.find(LISTENING)[1].decode()
        assert ask(host, "GET", "/session", **own)[2]["role"] == "administrator", "a restart signs nobody out"
        assert LINK.search(shown.text) is None


def test_an_open_server_needs_no_link(tmp_path):
    with on_a_terminal(tmp_path / "data", STILLMOTION_OPEN="true") as shown:
        shown.find(re.compile(rb"needs no key"))
        assert b"#first=" not in shown.text
