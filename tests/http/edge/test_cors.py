"""CORS: origins that a setting allows, preflights without a key, and readable headers."""

import http.client
import json
import queue
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from stillmotion.http.edge.cors import EXPOSED
from tests.http.conftest import PICTURE_URL, POLL, SUBMIT
from tests.waiting import LOOK_SECONDS

APP, OTHER = "https://app.example.com", "https://evil.example"
PATHS = [SUBMIT, POLL, "/dream-machine/v1/generations", "/v1/videos", "/uploads", "/healthz", "/admin/v1/x", "/x"]
ASKED = "content-type,ocp-apim-subscription-key,cache-control,idempotency-key"


@pytest.fixture(scope="module")
def listed(start):
    return start(cors_origins=(APP, "http://localhost:3000"))


@pytest.fixture(scope="module")
def anyones(start):
    return start(cors_origins=("*",))


def preflight(edge, path, origin=APP, method="POST", **headers):
    given = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": ASKED}
    return edge.ask("OPTIONS", path, headers=given | {name.replace("_", "-"): headers[name] for name in headers})


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PATCH"])
def test_a_preflight_is_answered_on_every_path_without_a_key(listed, path, method):
    answered = preflight(listed, path, method=method)
    assert (answered.status, answered.content) == (204, b"")
    assert answered.headers["access-control-allow-origin"] == APP
    assert method in answered.headers["access-control-allow-methods"]
    assert answered.headers["access-control-allow-headers"] == ASKED
    assert answered.headers["vary"] == "Origin"
    assert int(answered.headers["access-control-max-age"]) > 0
    assert "access-control-allow-credentials" not in answered.headers
    assert "access-control-allow-private-network" not in answered.headers


def test_a_page_of_the_web_may_call_a_private_network_where_it_is_let_in(listed):
    granted = preflight(listed, SUBMIT, Access_Control_Request_Private_Network="true")
    assert granted.headers["access-control-allow-private-network"] == "true"
    refused = preflight(listed, SUBMIT, origin=OTHER, Access_Control_Request_Private_Network="true")
    assert "access-control-allow-private-network" not in refused.headers


@pytest.mark.parametrize("origin", [OTHER, "null", "https://app.example.com.evil.example", "http://app.example.com"])
def test_another_origin_is_let_in_nowhere(listed, origin):
    caller = listed.caller()
    assert "access-control-allow-origin" not in preflight(listed, SUBMIT, origin=origin).headers
    answered = caller.submit(Origin=origin)
    assert "access-control-allow-origin" not in answered.headers
    assert answered.headers["vary"] == "Origin"


@pytest.mark.parametrize("path", PATHS)
def test_by_default_no_page_is_let_in(edge, path):
    assert preflight(edge, path).status in (404, 405)
    assert not any(name.startswith("access-control") for name in preflight(edge, path).headers)
    answered = edge.caller().submit(Origin=APP)
    assert answered.status == 200
    assert not any(name.startswith("access-control") for name in answered.headers)


@pytest.mark.parametrize("names", ["x\r\ny", "é", "a" * 5000, "x;y", '"'])
def test_odd_names_of_headers_are_not_repeated(listed, names):
    given = {"Origin": APP, "Access-Control-Request-Method": "GET"}
    try:
        answered = listed.ask("OPTIONS", SUBMIT, headers=given | {"Access-Control-Request-Headers": names})
    except ValueError:
        return  # The client refuses to send such a header.
    assert "access-control-allow-headers" not in answered.headers


def every_kind(edge):
    """Answers of every kind: a success, refusals of each surface, a page, a stream, a file, a missing path."""
    caller = edge.caller()
    given = {"Origin": APP, "Content-Type": "application/json"}
    key = {"Ocp-Apim-Subscription-Key": caller.issued.primary}
    made = caller.submit(Origin=APP)
    caller.complete(made.body["id"])
    yield 200, made
    yield 401, edge.ask("POST", SUBMIT, "{}", given)
    yield 400, edge.ask("POST", SUBMIT, "{}", given | key)
    yield 400, edge.ask("POST", SUBMIT, "x" * 100_000, given | key)
    yield 404, edge.ask("POST", POLL, '{"task_id": "x"}', given | key)
    yield 401, edge.ask("GET", "/v1/videos", headers=given)
    yield 405, edge.ask("PUT", "/v1/videos", headers=given)
    yield 404, edge.ask("GET", "/nothing", headers=given)
    yield 200, edge.ask("GET", "/openapi.json", headers=given)
    yield 200, edge.ask("GET", f"/generations/{made.body['id']}/events", headers=given | key)
    bearer = {"Authorization": f"Bearer {caller.issued.primary}", "Range": "bytes=0-3"}
    yield 206, edge.ask("GET", f"/v1/videos/{made.body['id']}/content", headers=given | bearer)


def test_every_answer_may_be_read_with_its_headers(listed):
    for status, answered in every_kind(listed):
        assert answered.status == status
        assert answered.headers["access-control-allow-origin"] == APP
        assert answered.headers["vary"] == "Origin"
        assert answered.headers["access-control-expose-headers"].split(", ") == list(EXPOSED)


def test_any_origin_may_be_let_in(anyones):
    for status, answered in every_kind(anyones):
        assert (answered.status, answered.headers["access-control-allow-origin"]) == (status, "*")
    assert preflight(anyones, SUBMIT, origin="null").headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("which", ["edge", "listed", "anyones"])
def test_files_at_signed_addresses_are_for_every_page(request, which):
    edge = request.getfixturevalue(which)
    caller = edge.caller()
    made = caller.submit().body["id"]
    caller.complete(made)
    video = urlsplit(caller.poll(made).body["assets"]["video"])
    path = f"{video.path}?{video.query}"
    for method, headers in (("GET", {"Range": "bytes=1-2"}), ("HEAD", {})):
        answered = edge.ask(method, path, headers=headers | {"Origin": OTHER})
        assert answered.headers["access-control-allow-origin"] == "*"
        assert "Content-Range" in answered.headers["access-control-expose-headers"]
        assert answered.headers["content-security-policy"] == "sandbox"
        assert answered.headers["cross-origin-resource-policy"] == "cross-origin"
        assert answered.headers["x-content-type-options"] == "nosniff"
    assert preflight(edge, path, origin=OTHER, method="GET").headers["access-control-allow-origin"] == "*"
    assert edge.ask("GET", "/assets/x", headers={"Origin": OTHER}).headers["access-control-allow-origin"] == "*"


def test_no_header_of_an_answer_stands_twice(listed):
    caller = listed.caller()
    made = caller.submit().body["id"]
    caller.complete(made)
    video = urlsplit(caller.poll(made).body["assets"]["video"])
    key = {"Authorization": f"Bearer {caller.issued.primary}", "Origin": APP}
    for path in (f"{video.path}?{video.query}", f"/v1/videos/{made}/content", "/docs", "/v1/videos", "/nothing"):
        connection = http.client.HTTPConnection(*listed.address, timeout=10)
        connection.request("GET", path, headers=key)
        names = [name.lower() for name, _ in connection.getresponse().getheaders()]
        connection.close()
        assert sorted(names) == sorted(set(names))
        assert "x-content-type-options" in names


PAGE = """<!doctype html><script>
const base = %(base)s, key = %(key)s, picture = %(picture)s;
const tell = what => fetch('/told', {method: 'POST', body: JSON.stringify(what)});
const read = answer => Object.fromEntries(
    ['X-Stillmotion-Engine', 'X-Stillmotion-Reason', 'X-Request-Id', 'RateLimit-Remaining', 'Content-Range']
        .map(name => [name, answer.headers.get(name)]));
const submit = key => fetch(base + '/lumalabs-ai/v1/generateRequestFromImage', {
    method: 'POST',
    headers: {'Content-Type': 'application/json', 'Cache-Control': 'no-cache', 'Ocp-Apim-Subscription-Key': key},
    body: JSON.stringify({url: picture, prompt: 'leaning girl'}),
});
(async () => {
    const told = {};
    const accepted = await submit(key);
    const generation = await accepted.json();
    told.accepted = {status: accepted.status, state: generation.state, ...read(accepted)};
    const refused = await submit('sm_wrong');
    told.refused = {status: refused.status, error: (await refused.json()).error, ...read(refused)};
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])]), 'girl.png');
    const headers = {Authorization: 'Bearer ' + key};
    const uploaded = await fetch(base + '/uploads', {method: 'POST', body: form, headers});
    const upload = await uploaded.json();
    told.uploaded = {status: uploaded.status, kept: upload.id.length};
    const part = await fetch(upload.url, {headers: {Range: 'bytes=0-3'}});
    told.part = {status: part.status, ...read(part)};
    const events = new EventSource(`${base}/generations/${generation.id}/events?subscription-key=${key}`);
    told.event = await new Promise((take, fail) => {
        events.addEventListener('state', event => take(JSON.parse(event.data).state));
        events.onerror = () => take('no event');
    });
    events.close();
    tell(told);
})().catch(error => tell({failed: String(error)}));
</script>"""

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


class _Pages(BaseHTTPRequestHandler):
    """Server of a page on another origin, which collects the page's report."""

    def do_GET(self):
        self._answer(self.server.page.encode() if self.path == "/" else b"")

    def do_POST(self):
        self.server.told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._answer(b"")

    def _answer(self, content):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        """Suppress the log."""


@pytest.fixture
def pages():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    server.told = queue.Queue()
    threading.Thread(target=server.serve_forever, args=(LOOK_SECONDS,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def seen_by_a_browser(pages, profile, caller):
    values = {"base": caller.edge.server.url, "key": caller.issued.primary, "picture": PICTURE_URL}
    pages.page = PAGE % {name: json.dumps(value) for name, value in values.items()}
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-port=0", origin_of(pages) + "/"]
    browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return pages.told.get(timeout=60)
    finally:
        browser.kill()
        browser.wait()


def origin_of(pages):
    return f"http://127.0.0.1:{pages.server_address[1]}"


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_page_in_a_browser_submits_uploads_watches_and_reads_what_it_needs(start, pages, tmp_path):
    caller = start(cors_origins=(origin_of(pages),)).caller()
    told = seen_by_a_browser(pages, tmp_path / "profile", caller)
    assert "failed" not in told, told
    accepted, refused = told["accepted"], told["refused"]
    assert (accepted["status"], accepted["state"], accepted["X-Stillmotion-Engine"]) == (200, "queued", "parallax/1")
    assert accepted["X-Request-Id"]
    assert int(accepted["RateLimit-Remaining"]) > 0
    assert (refused["status"], refused["error"]) == (401, "Invalid or missing authentication")
    assert refused["X-Stillmotion-Reason"] == "unknown_key"
    assert told["uploaded"] == {"status": 201, "kept": 36}
    assert (told["part"]["status"], told["part"]["Content-Range"]) == (206, "bytes 0-3/8")
    assert told["event"] == "queued"


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_page_in_a_browser_that_is_not_let_in_reads_nothing(start, pages, tmp_path):
    caller = start(cors_origins=("https://app.example.com",)).caller()
    told = seen_by_a_browser(pages, tmp_path / "profile", caller)
    assert told == {"failed": "TypeError: Failed to fetch"}
    assert sum(caller.edge.run(caller.edge.store.counts()).values()) == 0
