"""Caddy with deploy/Caddyfile before two servers: limits, health, and one server that dies."""

import http.client
import os
import shutil
import signal
import subprocess
from functools import partial
from urllib.parse import urlsplit

import pytest

from tests.deploy.deploy_files import CADDYFILE, free_port
from tests.end_to_end.conftest import make_running, small_picture
from tests.waiting import eventually

__all__ = ["make_running"]

ADMIN = "k" * 40
MEBIBYTE = 1024 * 1024
pytestmark = pytest.mark.skipif(shutil.which("caddy") is None, reason="there is no Caddy here")


@pytest.fixture
def servers(make_running):
    return [make_running(STILLMOTION_ADMIN_KEY=ADMIN, STILLMOTION_TRUSTED_PROXIES="1") for _ in range(2)]


@pytest.fixture
def site(servers, tmp_path):
    """Port of Caddy's site. It forgets its own address, so that each request is a connection of its own."""
    port, clips, administration = (free_port() for _ in range(3))
    environment = {
        **{name: os.environ[name] for name in ("PATH",)},
        "HOME": str(tmp_path),
        "SITE": f"http://127.0.0.1:{port}",
        "CLIPS": f"http://127.0.0.1:{clips}",
        "SERVERS": " ".join(urlsplit(each.base).netloc for each in servers),
        "CADDY_ADMIN": f"127.0.0.1:{administration}",
    }
    with (tmp_path / "caddy.log").open("w") as log:
        caddy = subprocess.Popen(
            ["caddy", "run", "--adapter", "caddyfile", "--config", str(CADDYFILE)], env=environment, stderr=log
        )
    eventually(lambda: ask(port, "GET", "/readyz")[0] == 200, about=(tmp_path / "caddy.log").read_text)
    yield port
    caddy.terminate()
    caddy.wait(20)


def ask(port, method, path, body=None, **headers):
    """Status and body; 0 where nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except OSError:
        return 0, b""
    finally:
        connection.close()


def sees(port, key):
    return ask(port, "GET", "/account", Authorization=f"Bearer {key}")[0] == 200


def first_event(port, key, cause):
    """The first event after a cause, as it comes: the stream has no end."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", "/events", headers={"Authorization": f"Bearer {key}"})
        stream = connection.getresponse()
        assert stream.status == 200
        assert cause().status == 200
        return next(line.decode() for line in stream if line.startswith(b"data:"))
    finally:
        connection.close()


def test_two_servers_behind_one_caddy(site, servers):
    for path in ("/metrics", "/metrics?x=1"):
        assert ask(site, "GET", path)[0] == 404
    picture = small_picture()
    assert servers[0].submit({"prompt": "push in", "url": picture}).status == 200
    # Both answer: each knows its own customer's key alone, having a database of its own.
    keys = [each.key for each in servers]
    # A server that was slow to answer Caddy's question for its health comes in a little later.
    eventually(lambda: {n for _ in range(20) for n, key in enumerate(keys) if sees(site, key)} == {0, 1}, 60)

    servers[0].process.send_signal(signal.SIGKILL)
    servers[0].process.wait()
    statuses = [ask(site, "GET", "/healthz")[0] for _ in range(30)]
    assert statuses == [200] * 30, "a connection that nobody takes is tried at the other server"
    wrong = [ask(site, "GET", "/admin/v1/products", Authorization="Bearer wrong")[0] for _ in range(11)]
    assert wrong == [401] * 10 + [429]
    told = {"X_Forwarded_For": "10.0.0.1", "Authorization": "Bearer wrong"}
    assert ask(site, "GET", "/admin/v1/products", **told)[0] == 429, "Caddy believes no caller's own word"
    submitted = partial(servers[1].submit, {"prompt": "push in", "url": picture})
    assert '"queued"' in first_event(site, keys[1], submitted), "events pass as they happen"
    too_much = ask(site, "POST", "/v1/videos", bytes(57 * MEBIBYTE), Authorization=f"Bearer {keys[1]}")
    assert too_much[0] in (0, 413, 502), "old versions of Caddy say 502"
    assert sees(site, keys[1])
