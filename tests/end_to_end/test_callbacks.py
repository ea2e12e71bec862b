"""`stillmotion callbacks` with a key: a test message, the list, and messages passed on to a local receiver."""

import json
import signal
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.end_to_end.conftest import COMMAND, clean_environment, small_picture
from tests.waiting import LOOK_SECONDS, eventually

QUICK = {"prompt": "push in", "url": small_picture(), "duration": 1, "resolution": "540p"}
LONG = {"prompt": "push in", "url": small_picture(), "duration": 5, "resolution": "720p"}


@pytest.fixture
def receiver():
    """A receiver that keeps what comes."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            server.heard.append((dict(self.headers.items()), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.heard = []
    server.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    threading.Thread(target=server.serve_forever, args=(LOOK_SECONDS,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@contextmanager
def command(running, *words):
    environment = clean_environment(STILLMOTION_SERVER=running.base, STILLMOTION_KEY=running.key)
    given = {"env": environment, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen([*COMMAND, "callbacks", *words], **given) as process:
        try:
            yield process
        finally:
            process.kill()


def test_messages_are_passed_on_to_a_receiver_that_the_server_may_not_call(running, receiver):
    """The guard refuses the receiver's address, and nothing but this command's own connection leads to it."""
    refused = running.submit(QUICK | {"callback_url": receiver.url})
    assert refused.status == 400
    with command(running, "listen", "--forward-to", receiver.url) as listening:
        assert listening.stdout.readline().startswith("Listening. Messages go to ")
        made = running.submit(LONG).body["id"]
        running.wait_for(made, "completed")

        def ids():
            return [headers.get("Webhook-Id", headers.get("webhook-id")) for headers, _ in receiver.heard]

        eventually(lambda: f"msg_{made}_completed" in ids(), about=lambda: (ids(), running.last_words()))
        shown = iter(listening.stdout.readline, "")
        assert f"{made}  completed  204\n" in shown, "it is said after the receiver has answered"
        listening.send_signal(signal.SIGINT)
        assert listening.wait(20) == 130
    assert len(set(ids())) == len(ids())
    for headers, content in receiver.heard:
        told = json.loads(content)
        assert told["id"] == made
        named = {name.lower(): value for name, value in headers.items()}
        sent = json.dumps({"headers": named, "body": content.decode()}).encode()
        key = {"Ocp-Apim-Subscription-Key": running.key, "Content-Type": "application/json"}
        assert running.call("POST", "/callbacks/verify", sent, **key).body == {"valid": True, "reason": None}


def test_a_receiver_is_tried_and_what_was_tried_is_listed(make_running, receiver):
    allowed = {"STILLMOTION_FETCH_ALLOW_CIDRS": "127.0.0.0/8", "STILLMOTION_FETCH_ALLOWED_PORTS": ""}
    running = make_running(**allowed)
    with command(running, "test", receiver.url) as trying:
        assert trying.communicate(timeout=20)[0].startswith("delivered: 204")
    assert trying.returncode == 0
    made = running.submit(QUICK | {"callback_url": receiver.url}).body["id"]
    running.wait_for(made, "completed")
    eventually(lambda: len(receiver.heard) == 3)
    with command(running, "list", "--state", "delivered", "--json") as listing:
        found = json.loads(listing.communicate(timeout=20)[0])
    assert {each["id"] for each in found} == {f"msg_{made}_dreaming", f"msg_{made}_completed"}
    assert {attempt["status"] for each in found for attempt in each["attempts"]} == {204}
