"""The operator's API, over a real server and every store."""

import json
import re

import pytest

from stillmotion.application.administration import WRONG_KEYS_PER_MINUTE, AdminAccess
from stillmotion.http.surfaces.admin.routes import ADMIN
from tests.http.conftest import ADMIN_KEY, administration_of

PRODUCTS, SUBSCRIPTIONS = "/admin/v1/products", "/admin/v1/subscriptions"
EVERY_PATH = [(each.method, re.sub(r"{\w+}", "x", each.path)) for each in ADMIN.operations]


def ask(edge, method, path, body=None, key=ADMIN_KEY):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    if body is None:
        return edge.ask(method, path, headers=headers)
    return edge.ask(method, path, json.dumps(body), headers | {"Content-Type": "application/json"})


@pytest.fixture
def product(any_edge, request):
    name = f"product-{abs(hash(request.node.name))}"
    made = ask(any_edge, "POST", PRODUCTS, {"name": name, "models": ["ray-1-6"], "max_seconds": 5})
    assert made.status == 201
    return made.body


@pytest.fixture
def issued(any_edge, product):
    made = ask(any_edge, "POST", SUBSCRIPTIONS, {"name": "Ada", "product": product["name"]})
    assert made.status == 201
    return made.body


def poll_with(edge, key):
    edge.clock.advance(seconds=1)
    headers = {"Ocp-Apim-Subscription-Key": key, "Content-Type": "application/json"}
    return edge.ask("POST", "/lumalabs-ai-polling/v1/getStatus", '{"task_id": "none"}', headers)


def test_a_product_is_made_shown_listed_and_changed(any_edge, product):
    path = f"{PRODUCTS}/{product['name']}"
    assert (product["surfaces"], product["models"], product["max_seconds"]) == (None, ["ray-1-6"], 5.0)
    assert ask(any_edge, "GET", path).body == product
    assert product in ask(any_edge, "GET", PRODUCTS).body["products"]
    terms = {"models": None, "resolutions": ["720p"], "price_per_second": 0.025, "video_seconds_per_month": 60}
    changed = ask(any_edge, "PATCH", path, terms)
    assert (changed.status, changed.body) == (200, product | terms)
    assert ask(any_edge, "PATCH", path, {}).body == changed.body


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "a b"}, "name"),
        ({"name": "x", "models": ["nobody"]}, "models"),
        ({"name": "x", "surfaces": []}, "surfaces"),
        ({"name": "x", "resolutions": ["9p"]}, "resolutions"),
        ({"name": "x", "max_seconds": 13}, "max_seconds"),
        ({"name": "x", "submits_per_minute": 0}, "submits_per_minute"),
        ({"name": "x", "submits_per_minute": None}, "submits_per_minute"),
        ({"name": "x", "video_seconds_per_month": -1}, "video_seconds_per_month"),
        ({"name": "x", "price_per_second": -0.1}, "price_per_second"),
        ({"name": "x", "prize": 1}, "prize"),
    ],
)
def test_a_product_that_makes_no_sense_is_refused_by_field(any_edge, body, field):
    refused = ask(any_edge, "POST", PRODUCTS, body)
    assert refused.status == 400
    assert [each["field"] for each in refused.body["details"]] == [field]


def test_a_products_name_is_taken_once(any_edge, product):
    assert ask(any_edge, "POST", PRODUCTS, {"name": product["name"]}).status == 400


def test_a_subscription_is_made_and_its_keys_work_by_its_product(any_edge, issued):
    path = f"{SUBSCRIPTIONS}/{issued['subscription']}"
    shown = ask(any_edge, "GET", path).body
    assert (shown["name"], shown["product"], shown["state"]) == ("Ada", issued["product"], "active")
    assert shown["keys"] == {"primary": issued["key"][:9] + "…", "secondary": issued["secondary_key"][:9] + "…"}
    assert shown["usage"] == {"video_seconds": 0.0, "unfinished": 0, "queued": 0}
    for key in (issued["key"], issued["secondary_key"]):
        assert poll_with(any_edge, key).status == 404
    listed = ask(any_edge, "GET", SUBSCRIPTIONS)
    assert issued["subscription"] in [each["id"] for each in listed.body["subscriptions"]]
    for answered in (ask(any_edge, "GET", path), listed):
        assert issued["key"].encode() not in answered.content
        assert issued["callback_secret"].encode() not in answered.content


def test_without_a_product_it_is_for_the_default_one(any_edge):
    made = [ask(any_edge, "POST", SUBSCRIPTIONS, {"name": name}) for name in ("one", "two")]
    assert [(each.status, each.body["product"]) for each in made] == [(201, "default")] * 2


def test_one_key_is_replaced_while_the_other_works(any_edge, issued):
    path = f"{SUBSCRIPTIONS}/{issued['subscription']}/keys/primary"
    fresh = ask(any_edge, "POST", path)
    assert fresh.status == 201
    assert poll_with(any_edge, issued["key"]).status == 401
    assert poll_with(any_edge, issued["secondary_key"]).status == 404
    assert poll_with(any_edge, fresh.body["key"]).status == 404
    assert ask(any_edge, "POST", path.replace("primary", "third")).status == 400


def test_a_subscription_is_suspended_activated_and_cancelled_for_good(any_edge, issued):
    path = f"{SUBSCRIPTIONS}/{issued['subscription']}"
    for state, status in [("suspended", 401), ("active", 404), ("cancelled", 401)]:
        assert ask(any_edge, "PATCH", path, {"state": state}).body["state"] == state
        assert poll_with(any_edge, issued["key"]).status == status
    refused = ask(any_edge, "PATCH", path, {"state": "active"})
    assert (refused.status, refused.body["details"][0]["field"]) == (400, "state")


def test_a_subscription_ends_at_its_time_and_not_a_second_later(any_edge, issued):
    path = f"{SUBSCRIPTIONS}/{issued['subscription']}"
    end = any_edge.clock.advance(seconds=10.5).isoformat()
    any_edge.clock.advance(seconds=-10.3)
    assert ask(any_edge, "PATCH", path, {"expires_at": end}).body["state"] == "active"
    any_edge.clock.advance(seconds=8.5)
    assert poll_with(any_edge, issued["key"]).status == 404, "good for half a second more, and remembered"
    any_edge.clock.advance(seconds=0.8)
    headers = {"Ocp-Apim-Subscription-Key": issued["key"]}
    assert any_edge.ask("POST", "/lumalabs-ai-polling/v1/getStatus", "{}", headers).status == 401
    assert ask(any_edge, "GET", path).body["state"] == "expired"
    refused = ask(any_edge, "PATCH", path, {"state": "active"})
    assert (refused.status, refused.body["details"][0]["field"]) == (400, "expires_at")
    assert ask(any_edge, "PATCH", path, {"state": "active", "expires_at": None}).body["state"] == "active"
    assert poll_with(any_edge, issued["key"]).status == 404


def test_a_time_without_its_zone_is_refused(any_edge, issued):
    refused = ask(any_edge, "PATCH", f"{SUBSCRIPTIONS}/{issued['subscription']}", {"expires_at": "2027-01-31T00:00:00"})
    assert (refused.status, refused.body["details"][0]["field"]) == (400, "expires_at")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", f"{PRODUCTS}/none"), ("PATCH", f"{PRODUCTS}/none"), ("GET", f"{SUBSCRIPTIONS}/none")]
)
def test_what_is_not_there_is_named_with_where_to_look(any_edge, method, path):
    missing = ask(any_edge, method, path, {} if method == "PATCH" else None)
    assert missing.status == 404
    assert "there is no" in missing.body["error"].lower()
    assert "list of" in missing.body["error"]


def test_another_method_is_answered_with_those_there_are(any_edge):
    refused = ask(any_edge, "DELETE", PRODUCTS)
    assert (refused.status, sorted(refused.headers["allow"].split(", "))) == (405, ["GET", "HEAD", "POST"])
    assert ask(any_edge, "GET", "/admin/v1/other").status == 404


@pytest.mark.parametrize(("method", "path"), EVERY_PATH)
def test_without_the_operators_key_nothing_is_done(any_edge, method, path):
    key = any_edge.caller().issued.primary
    for given in (None, "", key):
        refused = ask(any_edge, method, path, {}, key=given)
        assert refused.status in (401, 429)
        assert "ratelimit-limit" not in refused.headers


def test_wrong_keys_are_counted_and_the_right_one_is_looked_at_all_the_same(start):
    edge = start()
    wrong = ["wrong" * 10, "x" * 1000]
    for _ in range(2):
        statuses = [ask(edge, "GET", PRODUCTS, key=wrong[n % 2]).status for n in range(WRONG_KEYS_PER_MINUTE + 1)]
        assert statuses == [401] * WRONG_KEYS_PER_MINUTE + [429]
        limited = ask(edge, "GET", PRODUCTS, key=wrong[0])
        assert limited.status == 429
        assert 1 <= int(limited.headers["retry-after"]) <= 60
        assert ask(edge, "GET", PRODUCTS).status == 200
        assert ask(edge, "GET", PRODUCTS, key=wrong[0]).status == 429, "a right key does not set the count back"
        edge.clock.advance(seconds=int(limited.headers["retry-after"]))


@pytest.mark.parametrize(
    ("proxies", "mine", "others"),
    [
        (1, "10.0.0.1", "10.0.0.2"),
        (1, "6.6.6.6, 10.0.0.1:4711", "6.6.6.6, 10.0.0.2:4711"),
        (2, "6.6.6.6, 10.0.0.1, 10.1.1.1", "6.6.6.6, 10.0.0.2, 10.1.1.1"),
        (1, "[2001:db8::1]:4711", "[2001:db8::2]:4711"),
        (3, "10.0.0.1", "10.0.0.2"),
    ],
)
def test_wrong_keys_are_counted_by_the_address_that_the_trusted_proxies_tell(start, proxies, mine, others):
    edge = start(trusted_proxies=proxies)

    def status(path, told):
        headers = {"X-Forwarded-For": told, "Content-Type": "application/json", "Authorization": "Bearer wrong"}
        headers["Sec-Fetch-Site"] = "same-origin"
        body = '{"key": "wrong"}' if path == "/session" else None
        return edge.ask("POST" if body else "GET", path, body, headers).status

    for path in (PRODUCTS, "/session"):
        for n in range(WRONG_KEYS_PER_MINUTE):
            status(path, mine.replace("6.6.6.6", f"6.6.6.{n}").replace(":4711", f":{n}"))
        assert status(path, mine) == 429
        assert status(path, others) == 401
        edge.clock.advance(minutes=1)


def test_without_trusted_proxies_a_header_gives_nobody_more_tries(start):
    edge = start()
    headers = {"Authorization": "Bearer wrong"}
    tries = range(WRONG_KEYS_PER_MINUTE + 1)
    statuses = [edge.ask("GET", PRODUCTS, None, headers | {"X-Forwarded-For": f"10.0.0.{n}"}).status for n in tries]
    assert statuses[-1] == 429


@pytest.mark.parametrize(("method", "path"), EVERY_PATH)
def test_without_a_key_in_the_settings_there_is_no_such_api(closed, method, path):
    with_key, unknown = ask(closed, method, path, {}), closed.ask(method, "/other", "{}")
    assert (with_key.status, with_key.content) == (404, unknown.content)
    assert set(with_key.headers) == set(unknown.headers)


@pytest.fixture(scope="module")
def closed(start):
    return start(admin=None)


def test_it_is_in_the_reference_only_where_it_is_there(closed, edge):
    assert not [path for path in closed.ask("GET", "/openapi.json").body["paths"] if path.startswith("/admin")]
    described = edge.ask("GET", "/openapi.json").body["paths"]
    assert {path for path in described if path.startswith("/admin")} >= {PRODUCTS, SUBSCRIPTIONS}


def test_the_operators_key_is_not_shown(edge):
    access = AdminAccess(administration_of(edge.store, edge.clock), edge.clock, ADMIN_KEY)
    assert ADMIN_KEY not in repr(access)
    assert ADMIN_KEY not in repr(edge.services)
