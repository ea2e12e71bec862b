"""`stillmotion health`, against servers that are ready, not ready, or no servers at all."""

import http.server
import socket
import threading

import pytest
from click.testing import CliRunner

from stillmotion.cli.health import is_served
from stillmotion.cli.main import cli
from stillmotion.config import load


@pytest.fixture
def health():
    """Runner of the command against a server with one answer."""
    servers = []

    def run(status, body):
        class Answering(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                assert self.path == "/readyz"
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        where = {"STILLMOTION_HOST": "0.0.0.0", "STILLMOTION_PORT": str(server.server_address[1])}
        return CliRunner().invoke(cli, ["health"], env=where)

    yield run
    for each in servers:
        each.shutdown()
        each.server_close()


def test_another_program_is_no_server_of_ours():
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        where = {"STILLMOTION_HOST": "127.0.0.1", "STILLMOTION_PORT": str(deaf.getsockname()[1])}

        def hang_up():
            link, _ = deaf.accept()
            link.close()

        threading.Thread(target=hang_up, daemon=True).start()
        assert not is_served(load(where)[0])


def test_a_ready_server_is_well(health):
    ran = health(200, b'{"status":"ready"}')
    assert (ran.exit_code, ran.stdout) == (0, '{"status":"ready"}\n')


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (
            503,
            b'{"status":"not ready","missing":{"store":"the database is away"}}',
            "is not ready: store: the database",
        ),
        (503, b"\xff busy", "is not ready: \ufffd busy"),
        (404, b"[]", "is not ready: []"),
    ],
)
def test_one_that_is_not_ready_is_not_well_and_says_why(health, status, body, why):
    ran = health(status, body)
    assert ran.exit_code == 1
    assert why in str(ran.exception)


def test_no_server_is_not_well():
    ran = CliRunner().invoke(cli, ["health", "--host", "127.0.0.1", "--port", "1"])
    assert ran.exit_code == 1
    assert "no server answers at 127.0.0.1:1: " in str(ran.exception)
