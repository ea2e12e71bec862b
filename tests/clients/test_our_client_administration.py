"""Our own client, sync and async: the administration, against the real edge."""

import inspect
import re
from datetime import UTC, datetime

import pytest

from stillmotion import client
from stillmotion.client.administration import AdminCalls
from tests.builders import NOON
from tests.clients.our_client import connect
from tests.http.conftest import ADMIN_KEY, PICTURE_URL

__all__ = ["connect"]
CLIENT, VERSION = "stillmotion (Python)", "of this version"
LEFT_OUT = {("GET", "/admin/v1/events"), ("GET", "/admin/v1/report")}


@pytest.fixture
def admin(connect, caller):
    """The administration of the real edge."""
    return connect(caller.edge.server.url, ADMIN_KEY).admin


def test_every_operation_of_the_document_has_a_call_and_no_call_has_none(edge):
    asked = []
    calls = AdminCalls(lambda request: asked.append((request.method, request.url.partition("?")[0])))
    for name, method in inspect.getmembers(calls, inspect.ismethod):
        if not name.startswith("_"):
            needed = [each for each in inspect.signature(method).parameters.values() if each.default is each.empty]
            method(*("x" for each in needed if each.kind is each.POSITIONAL_OR_KEYWORD))
    document = edge.ask("GET", "/openapi.json").body["paths"]
    there = {
        (verb.upper(), re.sub(r"{\w+}", "x", path))
        for path, verbs in document.items()
        for verb in verbs
        if path.startswith("/admin/v1/") and verb in ("get", "post", "patch", "delete")
    }
    assert len(asked) == len(set(asked))
    assert set(asked) == there - LEFT_OUT


@pytest.mark.methods("admin")
def test_products_and_subscriptions_are_made_and_changed(admin, caller):
    name = f"of-{caller.issued.subscription.id[-12:]}"
    assert admin.create_product(name, max_seconds=5, models=None)["max_seconds"] == 5
    assert admin.update_product(name, max_seconds=None)["max_seconds"] is None
    assert admin.product(name) in admin.products()["products"]
    until = datetime(2099, 1, 1, tzinfo=UTC)
    made = admin.create_subscription("Ada", product=name, expires_at=until)
    known = admin.subscription(made["subscription"])
    assert (known["product"], datetime.fromisoformat(known["expires_at"])) == (name, until)
    assert made["subscription"] in [each["id"] for each in admin.subscriptions()["subscriptions"]]
    assert admin.rotate_key(made["subscription"], "secondary")["key"] != made["secondary_key"]
    assert admin.update_subscription(made["subscription"], state="suspended")["state"] == "suspended"
    with pytest.raises(client.InvalidRequest, match="slot"):
        admin.rotate_key(made["subscription"], "third")
    with pytest.raises(client.NotFound):
        admin.product("of nobody")


@pytest.mark.methods("admin")
def test_everybodys_generations_are_looked_at_and_acted_on(admin, caller, connect):
    owner = connect(caller.edge.server.url, caller.issued.primary)
    made = owner.submit(PICTURE_URL, "a lake").id
    own = {"subscription": caller.issued.subscription.id}
    assert [each["id"] for each in admin.generations(**own, state="queued", limit=5)["generations"]] == [made]
    assert admin.generation(made)["state"] == "queued"
    assert "a lake" in str(admin.reveal(made))
    assert admin.move(made, "front")["id"] == made
    assert admin.cancel(made)["state"] == "cancelled"
    again = admin.retry(made)["id"]
    assert admin.timeline(again)["events"]
    assert admin.act_on("cancel", {**own, "state": "queued"}, 1)
    assert admin.delete(again) is None
    assert len(admin.actions(limit=2)["actions"]) == 2


@pytest.mark.methods("admin")
def test_the_service_is_looked_at(admin, caller):
    assert admin.pause_queue(model="parallax")["controls"]
    assert not admin.resume_queue(model="parallax")["controls"]
    assert admin.queue()["paused"] is False
    for look in (admin.workers, admin.servers, admin.models, admin.status, admin.failures, admin.callbacks):
        assert look()
    assert "rows" in admin.usage(["day", "model"], first=NOON.date())
    assert admin.requests(status="2")["requests"]
    assert "settings" in admin.settings()


@pytest.mark.methods("admin")
def test_a_subscriptions_key_opens_no_administration(connect, caller):
    with pytest.raises(client.NotAuthenticated):
        connect(caller.edge.server.url, caller.issued.primary).admin.queue()
