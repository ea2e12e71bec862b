"""`serve --open`: local callers need no key, and nobody else is let in by that."""

import json
from dataclasses import replace

import pytest

from stillmotion.domain.subscriptions import SubscriptionState
from stillmotion.http.edge.keyless import SUBSCRIPTION, OpenToOthers, is_loopback, opened
from tests.http.conftest import ADMIN_KEY, PICTURE_URL, POLL, SUBMIT, administration_of

BODY = json.dumps({"prompt": "leaning girl", "url": PICTURE_URL})
JSON = {"Content-Type": "application/json"}
APP = "http://localhost:3000"


@pytest.fixture(scope="module")
def open_edge(start):
    """An open server that allows the origin of one page."""
    edge = start()
    office = administration_of(edge.store, edge.clock)
    keyless = edge.run(opened(office, "127.0.0.1", "", (APP,)))
    another = start(keyless=keyless, cors_origins=(APP,), access=edge.services.access)
    return replace(another, store=edge.store)


def ask(edge, method="POST", path=SUBMIT, body=BODY, **headers):
    given = JSON | {name.replace("_", "-"): headers[name] for name in headers}
    return edge.ask(method, path, body, given)


def test_the_founding_documents_requests_work_as_they_stand_there(open_edge):
    accepted = ask(open_edge, Cache_Control="no-cache")
    assert (accepted.status, accepted.body["state"]) == (200, "queued")
    polled = ask(open_edge, path=POLL, body=json.dumps({"task_id": accepted.body["id"]}))
    assert (polled.status, polled.body["id"]) == (200, accepted.body["id"])


@pytest.mark.parametrize("path", ["/dream-machine/v1/ping", "/v1/videos", "/v1/models", "/dream-machine/v1/credits"])
def test_every_surface_is_open(open_edge, path):
    assert ask(open_edge, "GET", path, None).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Ocp_Apim_Subscription_Key": "sm_wrong"},
        {"Ocp_Apim_Subscription_Key": ""},
        {"Ocp_Apim_Subscription_Key": "{your_api_key}"},
    ],
)
def test_a_wrong_key_is_a_wrong_key(open_edge, headers):
    assert ask(open_edge, **headers).status == 401
    assert ask(open_edge, path=f"{SUBMIT}?subscription-key=wrong").status == 401


def test_a_key_of_ones_own_acts_for_its_own_subscription(open_edge):
    made = ask(open_edge).body["id"]
    caller = open_edge.caller()
    assert ask(open_edge, path=POLL, body=json.dumps({"task_id": made})).status == 200
    own = ask(open_edge, path=POLL, body=json.dumps({"task_id": made}), Ocp_Apim_Subscription_Key=caller.issued.primary)
    assert own.status == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:8080"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "localhost.evil.example"},
        {"Host": "192.168.0.5"},
        {"Host": "0.0.0.0:8080"},
        {"Host": "evil@127.0.0.1"},
        {"Host": ""},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:4000"},
        {"Origin": "http://127.0.0.1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"X_Forwarded_For": "10.0.0.9"},
        {"Forwarded": "for=10.0.0.9"},
        {"Via": "1.1 proxy"},
        {"X_Real_IP": "10.0.0.9"},
    ],
)
def test_nobody_is_led_in_from_elsewhere(open_edge, headers):
    refused = ask(open_edge, **headers)
    assert refused.status in (400, 401)
    if refused.status == 401:
        assert refused.headers["x-stillmotion-reason"] == "no_key"
    assert ask(open_edge, "GET", "/v1/videos", None, **headers).status in (400, 401)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.8.9.1", "[::1]:8080", "localhost."]
)
def test_this_machine_is_called_by_its_own_names(open_edge, host):
    assert ask(open_edge, Host=host).status == 200


def test_pages_of_the_server_itself_and_of_origins_that_are_let_in_need_no_key(open_edge):
    own = "127.0.0.1:8080"
    assert ask(open_edge, Host=own, Origin=f"http://{own}", Sec_Fetch_Site="same-origin").status == 200
    assert ask(open_edge, Origin=APP, Sec_Fetch_Site="same-site").status == 200


def test_the_administration_is_not_open(open_edge):
    assert ask(open_edge, "GET", "/admin/v1/products", None).status == 401
    assert ask(open_edge, "GET", "/admin/v1/products", None, Authorization=f"Bearer {ADMIN_KEY}").status == 200


def test_by_default_a_key_is_needed(edge):
    assert ask(edge).status == 401


def test_there_is_one_subscription_that_lasts_and_can_be_suspended(start):
    edge = start("sqlite")
    office = administration_of(edge.store, edge.clock)
    first, second = (edge.run(opened(office, "127.0.0.1", "", ())) for _ in range(2))
    (found,) = [each for each, _ in edge.run(office.subscriptions.list()) if each.name == SUBSCRIPTION]
    edge.clock.advance(seconds=2)
    authenticate = edge.services.access.authenticate
    assert edge.run(authenticate(second.key)).id == found.id
    with pytest.raises(Exception, match="unknown"):
        edge.run(authenticate(first.key))
    edge.run(office.subscriptions.set_state(found.id, SubscriptionState.SUSPENDED))
    edge.clock.advance(seconds=2)
    third = edge.run(opened(office, "localhost", "", ()))
    with pytest.raises(Exception, match="suspended"):
        edge.run(authenticate(third.key))


@pytest.mark.parametrize(
    ("host", "public_url", "origins", "named"),
    [
        ("0.0.0.0", "", (), "listen on 127.0.0.1"),
        ("::", "", (), "listen on 127.0.0.1"),
        ("192.168.0.5", "", (), "listen on 127.0.0.1"),
        ("myhost", "", (), "listen on 127.0.0.1"),
        ("127.0.0.1", "https://video.example.com", (), "public_url"),
        ("127.0.0.1", "", ("*",), "cors_origins"),
    ],
)
def test_it_is_refused_where_more_than_this_machine_could_be_let_in(edge, host, public_url, origins, named):
    office = administration_of(edge.store, edge.clock)
    with pytest.raises(OpenToOthers, match=named):
        edge.run(opened(office, host, public_url, origins))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.255.255.254", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("127.1", False),
        ("0", False),
        ("2130706433", False),
        ("localhost.localdomain", False),
        ("128.0.0.1", False),
        ("", False),
    ],
)
def test_a_loopback_address_is_told_from_others(host, expected):
    assert is_loopback(host) is expected
