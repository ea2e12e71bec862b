"""The operator's API about the whole service: status, failures, usage, callbacks, last requests, settings, report."""

import io
import json
import zipfile
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from stillmotion.composition.watching import setting_views
from stillmotion.config import load
from stillmotion.domain.errors import GenerationFailed, Unavailable
from tests.http.conftest import ADMIN_KEY, PICTURE_URL
from tests.http.surfaces.test_admin_generations import asking

STATUS, REQUESTS = "/admin/v1/status", "/admin/v1/requests"
PROMPT = "a secret garden at dusk"


async def fine():
    pass


async def gone():
    raise Unavailable("no renderer is running")


@pytest.fixture(params=["memory", "sqlite"], scope="module")
def edge(request, start):
    """An edge of its own, so that its numbers are known."""
    environment = {
        "STILLMOTION_ADMIN_KEY": ADMIN_KEY,
        "STILLMOTION_KEY": "sm_of-somebody-else",
        "STILLMOTION_PORT": "1",
    }
    settings, _ = load(environment)
    return start(request.param, readiness={"store": fine, "worker": gone}, settings=setting_views(settings))


@pytest.fixture
def office(edge):
    return partial(asking, edge)


def submit(caller, **parts):
    return caller.submit({"prompt": PROMPT, "url": PICTURE_URL, **parts}).body["id"]


def claim(caller, generation_id):
    until = caller.edge.clock.now() + timedelta(seconds=15)
    return caller.change(generation_id, lambda each: replace(each.claimed(until), started_at=caller.edge.clock.now()))


def fail(caller, generation_id, code="engine_failed"):
    now = caller.edge.clock.now()
    failure = GenerationFailed(code, "It broke.")
    caller.change(generation_id, lambda each: each.attempt_failed(each.lease, failure, now))


def test_the_status_says_what_is_wrong_and_what_to_do(office):
    status = office("GET", STATUS).body
    assert status["ok"] is False
    checks = {each["name"]: each for each in status["checks"]}
    assert checks["store"] == {"name": "store", "ok": True, "said": "It works.", "remedy": None}
    assert checks["worker"]["said"] == "No renderer is running."
    assert "stillmotion worker" in checks["worker"]["remedy"]
    assert status["disk"] == {"free_bytes": 70, "total_bytes": 100}


def test_the_status_counts_the_last_hour(edge, office):
    edge.clock.advance(hours=2)
    before = office("GET", STATUS).body
    assert before["wait"] == before["render"] == {"p50": None, "p95": None}
    caller = edge.caller(video_seconds_per_month=20)
    made, broken = submit(caller), submit(caller)
    edge.clock.advance(seconds=4)
    claim(caller, broken)
    fail(caller, broken)
    edge.clock.advance(minutes=2)
    caller.complete(made)
    submit(caller), submit(caller), submit(caller)
    status = office("GET", STATUS).body
    lines = status["sparklines"]
    assert {name: sum(line) for name, line in lines.items()} == {"submitted": 5, "completed": 1, "failed": 1}
    assert (lines["submitted"][-1], lines["submitted"][-3], lines["failed"][-3]) == (3, 2, 1)
    assert {len(line) for line in lines.values()} == {60}
    assert status["failures_last_hour"] == 1
    assert status["wait"] == {"p50": 4.0, "p95": 124.0}
    assert status["queue"]["depth"]["parallax/1"] >= 3
    assert [(each["limit"], each["used"]) for each in status["near_limit"]] == [(20.0, 20.0)]


def test_failures_are_counted_by_reason(edge, office):
    edge.clock.advance(days=8)
    caller = edge.caller()
    for code in ("engine_failed", "out_of_memory", "engine_failed"):
        latest = submit(caller)
        claim(caller, latest)
        fail(caller, latest, code)
    found = office("GET", "/admin/v1/failures").body["failures"]
    assert [(each["code"], each["count"]) for each in found] == [("engine_failed", 2), ("out_of_memory", 1)]
    assert (found[0]["latest"], found[0]["sentence"]) == (latest, "It broke.")
    assert found[0]["remedy"]
    edge.clock.advance(days=3)
    assert office("GET", "/admin/v1/failures?days=2").body["failures"] == []


def test_usage_is_everybodys_by_subscription(edge, office):
    caller = edge.caller()
    submit(caller)
    month = edge.clock.now().date().replace(day=1)
    rows = office("GET", f"/admin/v1/usage?by=subscription,model&from={month}").body["rows"]
    (own,) = [each for each in rows if each["subscription"] == caller.issued.subscription.id]
    assert (own["model"], own["generations"], own["video_seconds"]) == ("ray-1-6", 1, 5.0)
    assert office("GET", "/admin/v1/usage?by=colour").body["details"][0]["field"] == "by"


def test_callbacks_are_everybodys_without_their_words(edge, office):
    caller = edge.caller()
    ids = [submit(caller, callback_url="https://example.com/hook") for _ in range(2)]
    for each in ids:
        caller.complete(each)
    first = office("GET", "/admin/v1/callbacks?limit=1")
    assert first.body["callbacks"][0]["generation"] == ids[1]
    assert first.body["callbacks"][0]["subscription"] == caller.issued.subscription.id
    assert PROMPT.encode() not in first.content
    following = office("GET", f"/admin/v1/callbacks?limit=200&after={first.body['next']}").body["callbacks"]
    assert first.body["callbacks"][0]["id"] not in [each["id"] for each in following]
    assert office("GET", "/admin/v1/callbacks?state=delivered").body["callbacks"] == []
    assert office("GET", "/admin/v1/callbacks?after=none").body["details"][0]["field"] == "after"


def test_the_last_requests_are_found_by_id_status_and_key(edge, office):
    caller = edge.caller()
    begun = caller.submit()
    missing = caller.poll("nobody's")
    found = office("GET", f"{REQUESTS}?id={begun.headers['x-request-id']}").body["requests"]
    assert [(each["status"], each["method"], each["generation"]) for each in found] == [(200, "POST", begun.body["id"])]
    assert found[0]["key"] == caller.issued.primary[:9]
    statuses = [each["status"] for each in office("GET", f"{REQUESTS}?status=40").body["requests"]]
    assert missing.status in statuses
    assert all(400 <= each < 410 for each in statuses)
    assert len(office("GET", f"{REQUESTS}?key={caller.issued.primary[:9]}").body["requests"]) == 2


def test_a_generation_is_opened_by_the_id_of_its_request(edge, office):
    caller = edge.caller()
    begun = caller.submit()
    found = office("GET", f"/admin/v1/generations?request_id={begun.headers['x-request-id']}").body
    assert ([each["id"] for each in found["generations"]], found["total"]) == ([begun.body["id"]], 1)
    assert found["generations"][0]["request_id"] == begun.headers["x-request-id"]
    assert office("GET", "/admin/v1/generations?request_id=none").body["total"] == 0


def test_settings_have_a_source_and_secrets_no_value(office):
    settings = {each["name"]: each for each in office("GET", "/admin/v1/settings").body["settings"]}
    assert settings["port"] == {"name": "port", "value": 1, "source": "environment", "secret": False}
    assert settings["host"]["source"] == "default"
    assert settings["admin_key"] == {"name": "admin_key", "value": "set", "source": "environment", "secret": True}
    assert (settings["storage_options"]["value"], settings["storage_options"]["secret"]) == (None, True)
    assert "sources" not in settings


def test_the_report_holds_no_key_no_secret_and_no_words_of_customers(edge, office):
    caller = edge.caller()
    failed = submit(caller, callback_url="https://example.com/hook?token=hush")
    caller.poll(failed)
    claim(caller, failed)
    fail(caller, failed)
    office("POST", "/admin/v1/subscriptions", {"name": "Ada"})
    edge.ask("GET", f"/admin/v1/products?key={ADMIN_KEY}", headers={"Authorization": f"Bearer {ADMIN_KEY}"})
    answered = office("GET", "/admin/v1/report")
    assert answered.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answered.content)) as bundle:
        texts = {name: bundle.read(name).decode() for name in bundle.namelist()}
    assert {"status.json", "settings.json", "requests.json", "actions.json", "versions.json"} <= set(texts)
    assert json.loads(texts["requests.json"])
    assert json.loads(texts["versions.json"])["stillmotion"] == "1.2.3"
    issued = caller.issued
    secrets = (ADMIN_KEY, issued.primary, issued.secondary, issued.subscription.callback_secret, "sm_of-somebody-else")
    for secret in (*secrets, "whsec_", "token=hush", PROMPT, PICTURE_URL):
        assert not [name for name, text in texts.items() if secret in text]


def test_the_ring_keeps_a_thousand(edge, office):
    for _ in range(20):
        edge.ask("GET", "/healthz")
    assert 20 < len(office("GET", REQUESTS).body["requests"]) <= 1000
