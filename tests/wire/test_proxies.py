"""The server behind nginx, HAProxy and Caddy, which run with the lines of docs/howto/reverse-proxy.md."""

import asyncio
import http.client
import json
import os
from urllib.parse import urlsplit

import pytest

from bench.history import write_history
from bench.service import serving
from bench.smuggling.bystanders import beside_attackers
from bench.smuggling.proxies import PROXIES, before, installed
from bench.smuggling.vectors import vectors
from tests.wire.conftest import Service

SUBMIT = "/lumalabs-ai/v1/generateRequestFromImage"
PUBLIC = "https://video.example.com"
MB = 1024 * 1024


def proxy_marks(proxy):
    absent = installed(proxy.program) is None and os.environ.get("CI") != "true"
    return pytest.mark.skipif(absent, reason=f"{proxy.program} is not installed")


EVERY = [pytest.param(proxy, marks=proxy_marks(proxy), id=proxy.name) for proxy in PROXIES]
DOCUMENTED = [parameter for parameter in EVERY if parameter.values[0].kind == "as documented"]


@pytest.fixture(scope="module")
def hidden(tmp_path_factory):
    """A server with a public URL, as the page says."""
    history = asyncio.run(write_history(tmp_path_factory.mktemp("proxies") / "data", 200, 20))
    with serving(history.data_dir, {"renderers": "0", "public_url": PUBLIC}) as server:
        yield Service(server, history)


@pytest.fixture(scope="module", params=DOCUMENTED)
def address(request, hidden):
    """The address of a proxy from the page, before the server."""
    with before(request.param, hidden.address) as address:
        yield address


def ask(address, method, path, body=None, **headers):
    """Status, headers and body of one request through the proxy."""
    connection = http.client.HTTPConnection(address.host, address.port, timeout=30)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def form(content):
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    return head + content + b"\r\n--b--\r\n"


def test_large_uploads_pass_and_come_back_whole_or_in_part(address, hidden):
    """An upload of 19 MiB passes the proxy. Its link has the public URL, and a range of it comes back."""
    content = b"\x89PNG\r\n\x1a\n" + os.urandom(19 * MB)
    key = f"Bearer {hidden.history.key_of(0)}"
    kind = "multipart/form-data; boundary=b"
    status, _, body = ask(address, "POST", "/uploads", form(content), Authorization=key, Content_Type=kind)
    assert status == 201, body
    link = json.loads(body)["url"]
    assert link.startswith(f"{PUBLIC}/assets/")
    path = link.removeprefix(PUBLIC)
    assert ask(address, "GET", path)[2] == content
    status, headers, part = ask(address, "GET", path, Range="bytes=1000000-1999999")
    assert (status, part) == (206, content[1_000_000:2_000_000])
    assert {name.lower(): value for name, value in headers.items()}["content-range"].startswith(
        "bytes 1000000-1999999/"
    )


def test_a_submit_with_pictures_as_large_as_they_may_be_passes(address, hidden):
    body = json.dumps({"prompt": "push in", "url": "data:image/png;base64," + "A" * (27 * MB)}).encode()
    key = {"Ocp_Apim_Subscription_Key": hidden.history.key_of(0), "Content_Type": "application/json"}
    status, _, answer = ask(address, "POST", SUBMIT, body, **key)
    # This is the server's refusal of an invalid picture, not one of the proxy.
    assert status == 400
    assert json.loads(answer)["details"]


def test_events_come_when_they_happen(address, hidden):
    """The first event arrives while the stream is open, so the proxy does not buffer it."""
    key = {"Ocp-Apim-Subscription-Key": hidden.history.key_of(0), "Content-Type": "application/json"}
    connection = http.client.HTTPConnection(address.host, address.port, timeout=10)
    body = json.dumps({"prompt": "push in", "url": "https://example.com/photo.jpg"})
    connection.request("POST", SUBMIT, body, key)
    made = json.loads(connection.getresponse().read())["id"]
    connection.request("GET", f"/generations/{made}/events", headers=key)
    answer = connection.getresponse()
    lines = [answer.readline() for _ in range(4)]
    connection.close()
    assert answer.status == 200
    assert b"event: state\n" in lines


@pytest.mark.parametrize(
    "path", ["/metrics", "/metrics?x=y", "/%6detrics", "/%6D%65trics", "//metrics", "/./metrics", "/docs/../metrics"]
)
def test_the_metrics_are_kept_in_however_they_are_asked_for(address, path):
    with_slash = ask(address, "GET", path)
    assert with_slash[0] in (301, 308, 400, 404)
    assert b"stillmotion_" not in with_slash[2]
    whole = ask(address, "GET", f"http://{urlsplit(PUBLIC).netloc}{path}")
    assert b"stillmotion_" not in whole[2]


@pytest.mark.parametrize("proxy", EVERY)
def test_bystanders_of_an_attack_get_their_own_answers(proxy, hidden):
    """A small sample: `python3 dev.py bench smuggling` sends fifty thousand requests to each."""
    listed = [each for each in vectors(hidden.history.key_of(0)) if "upgrade" in each.name]
    with before(proxy, hidden.address) as address:
        tally = asyncio.run(beside_attackers(address, hidden.history, listed, 400))
    assert tally.wrong == []
    assert tally.hidden == 0
    assert tally.answered > 390
    assert tally.attacks > 10
