"""The log of a whole service under hostile input: it holds no secret and no forged line."""

import base64
import http.server
import json
import re
import subprocess
import threading
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from stillmotion.config import load
from tests.end_to_end.conftest import COMMAND, POLL, SUBMIT, clean_environment, small_picture
from tests.waiting import LOOK_SECONDS

ADMIN = "canary-admin-key-0123456789abcdef-0123456789"
STORAGE = "canary-storage-secret"
STRANGERS = "canary-of-a-stranger"
"""Mark of the callers' own secrets: keys that fit no one, signed addresses, prompts."""
FORGED = '{"event": "forged", "level": "critical"}'
RUDE = f"a walk\n{FORGED}\r\n\x1b[31mforged\x1b[0m\x1b]0;title\x07\u2028\u0085 forged"
ANSI = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
CONSOLE_LINE = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z \[")


@pytest.fixture
def elsewhere():
    """A stranger's server with broken pictures. It refuses callbacks, and every answer tries to forge a log line."""

    class Rude(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if "picture" in self.path else 404, "forged\x1b[31m")
            self.end_headers()
            self.wfile.write(b"\x89PNG\r\n\x1a\n" + FORGED.encode() * 20)

        def do_POST(self):
            self.send_response(500, "forged\x1b[31m")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Rude)
    threading.Thread(target=server.serve_forever, args=(LOOK_SECONDS,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def drive(running, elsewhere: str) -> list[bytes]:
    """Put secrets and forged lines in every field that has room for them. Returns the answers."""
    ask = running.call
    mine = {"Ocp-Apim-Subscription-Key": running.key, "Content-Type": "application/json"}
    picture = small_picture()
    said = [
        running.submit({"prompt": RUDE, "url": picture, "callback_url": f"{elsewhere}/callback?token={STRANGERS}"}),
        running.submit({"prompt": RUDE, "url": f"{elsewhere}/picture?X-Amz-Signature={STRANGERS}"}),
        running.submit({"prompt": RUDE, "url": f"{elsewhere}/gone?X-Amz-Signature={STRANGERS}"}),
    ]
    ids = [each.body["id"] for each in said]
    said += [
        running.submit({"prompt": "x", "url": f"http://user:{STRANGERS}@example.com/\n{FORGED}"}),
        running.submit({"prompt": "x", "url": picture, RUDE: RUDE}),
        running.submit({"prompt": "x", "url": picture}, **{"Idempotency-Key": STRANGERS}),
        running.submit({"prompt": "x" * 100_000, "url": picture}),
        ask("POST", SUBMIT, b'{"prompt": "' + STRANGERS.encode() + b'", \xff', **mine),
        ask("POST", SUBMIT, {}, **mine | {"Ocp-Apim-Subscription-Key": STRANGERS}),
        ask("POST", f"{SUBMIT}?subscription-key={running.key}", {}),
        ask("POST", f"{SUBMIT}?subscription-key={STRANGERS}%0a{FORGED.replace(' ', '%20')}", {}),
        ask("POST", POLL, {"task_id": RUDE}, **mine),
        ask("GET", "/%0a%1b%5b31mforged?x=" + STRANGERS),
        ask("GET", f"/assets/%0a%1bforged?signature={STRANGERS}"),
        ask("GET", "/dream-machine/v1/generations?limit=%0aforged", Authorization=f"Bearer {running.key}"),
        ask(
            "POST",
            "/dream-machine/v1/generations",
            {"prompt": RUDE, "model": RUDE},
            Authorization=f"Bearer {running.key}",
        ),
        ask("GET", "/admin/v1/products", Authorization=f"Bearer {ADMIN}"),
        ask("GET", "/admin/v1/products", Authorization=f"Bearer {STRANGERS}"),
        ask("POST", "/admin/v1/subscriptions", {"name": RUDE, "product": RUDE}, Authorization=f"Bearer {ADMIN}"),
        ask("TRACE", "/", **mine),
        *(ask("GET", path) for path in ("/metrics", "/healthz", "/readyz", "/openapi.json", "/docs")),
    ]
    for each in ids:
        running.wait_for(each, "completed", "failed")
    said += [ask("GET", "/metrics"), running.status("0" * 8)]
    return [each.content for each in said]


def secrets_of(running) -> dict[str, str]:
    """Secrets that nobody may read anywhere, by name. The service's own has several encodings."""
    shared = running.settings.get("STILLMOTION_SECRET")
    kept = bytes.fromhex(shared) if shared else (running.directory / "secret").read_bytes()
    password = urlsplit(running.settings.get("STILLMOTION_STORE", "")).password or STORAGE
    return {
        "a subscription's key": running.key,
        "the database's password": unquote(password),
        "the database's password in its URL": password,
        "the admin key": ADMIN,
        "the storage's key": STORAGE,
        "the service's secret": kept.decode("latin-1").strip(),
        "the service's secret in hex": kept.hex(),
        "the service's secret in base64": base64.b64encode(kept).decode().rstrip("="),
    }


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_secret_is_written_down_and_no_line_is_forged(make_running, elsewhere, log_format):
    running = make_running(
        STILLMOTION_LOG_LEVEL="debug",
        STILLMOTION_LOG_FORMAT=log_format,
        STILLMOTION_ADMIN_KEY=ADMIN,
        STILLMOTION_STORAGE_OPTIONS=f"secret_access_key={STORAGE}",
        STILLMOTION_FETCH_ALLOW_CIDRS="127.0.0.0/8",
        STILLMOTION_FETCH_ALLOWED_PORTS=elsewhere.rpartition(":")[2],
    )
    other = running.new_key()
    answers = drive(running, elsewhere)
    running.stop()
    log = running.log.read_text("utf-8")
    assert "generation_completed" in log, "it has something to say"
    secrets = secrets_of(running) | {"another's": other["key"], "a callback secret": other["callback_secret"]}
    everything = log + "\n".join(answer.decode("utf-8", "replace") for answer in answers)
    assert [name for name, secret in secrets.items() if secret in everything] == []
    assert STRANGERS not in log
    assert "signature=" not in log
    check_lines(log, log_format)


def check_lines(log: str, log_format: str) -> None:
    """Check that the service wrote each line itself."""
    assert not ANSI.search(log), ANSI.search(log)
    for line in log.splitlines():
        if log_format == "json":
            assert json.loads(line)["event"] != "forged"
        else:
            assert CONSOLE_LINE.match(line), line
            assert not line.startswith(FORGED)


def test_settings_hide_their_secrets(tmp_path):
    given = {"STILLMOTION_ADMIN_KEY": ADMIN, "STILLMOTION_STORAGE_OPTIONS": f"secret_access_key={STORAGE}"}
    settings, origins = load(given)
    assert ADMIN not in repr(settings) + repr(origins)
    assert STORAGE not in repr(settings) + repr(origins)
    ran = subprocess.run(
        [*COMMAND, "config"], env=clean_environment(**given), cwd=tmp_path, capture_output=True, check=True
    )
    assert ADMIN.encode() not in ran.stdout + ran.stderr
    assert STORAGE.encode() not in ran.stdout + ran.stderr


def test_a_settings_error_does_not_repeat_a_secret(tmp_path):
    given = {"STILLMOTION_ADMIN_KEY": "canary short", "STILLMOTION_STORAGE_OPTIONS": STORAGE}
    for name, value in given.items():
        ran = subprocess.run(
            [*COMMAND, "config"], env=clean_environment(**{name: value}), cwd=tmp_path, capture_output=True, check=False
        )
        assert ran.returncode != 0
        assert value.encode() not in ran.stdout + ran.stderr, Path(name).name
