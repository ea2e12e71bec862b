"""Sessions: a browser sends its key once, and every operation knows it by a cookie."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from stillmotion.application.access import CHECK_SECONDS, KNOWN_SECONDS
from stillmotion.application.sessions import FIRST_LINK_LIFETIME, MOST_SESSIONS, SESSION_LIFETIME
from stillmotion.domain.subscriptions import KeySlot, SubscriptionState
from stillmotion.http.edge.keyless import opened
from tests.http.conftest import ADMIN_KEY, PICTURE_URL, POLL, SUBMIT, administration_of
from tests.http.resources.browser_session import Browser, administrator, user
from tests.http.surfaces.test_clear_meaning import DREAM_MACHINE

GATEWAY = {"prompt": "leaning girl", "url": PICTURE_URL}
DREAM = {"prompt": "leaning girl", "keyframes": {"frame0": {"type": "image", "url": PICTURE_URL}}}
VIDEO = {"prompt": "leaning girl", "input_reference": PICTURE_URL}
NOBODY = {"role": None, "subscription": None, "administrator": False, "expires_at": None, "open": False}


@pytest.fixture
def forgetful(start):
    """A server of its own, whose clock a test may move."""
    return start()


def soon(edge):
    """Let the time pass in which a change may be unknown."""
    edge.clock.advance(seconds=CHECK_SECONDS)


def first_link(edge):
    return edge.run(edge.services.sessions.first_link())


def test_a_key_is_exchanged_for_a_cookie_that_every_surface_takes(any_edge):
    browser, caller = user(any_edge)
    known = caller.issued.subscription
    assert browser.session == {
        "role": "user",
        "subscription": {"id": known.id, "name": known.name, "product": known.product.name},
        "administrator": False,
        "expires_at": (any_edge.clock.now() + SESSION_LIFETIME).isoformat().replace("+00:00", "Z"),
        "open": False,
    }
    made = browser.ask("POST", SUBMIT, GATEWAY)
    assert made.status == 200
    assert browser.ask("POST", POLL, {"task_id": made.body["id"]}).status == 200
    assert browser.ask("POST", DREAM_MACHINE, DREAM).status == 201
    assert browser.ask("POST", "/v1/videos", VIDEO).status == 200
    assert browser.ask("GET", "/v1/videos").body["data"][-1]["id"] == made.body["id"]
    assert browser.ask("GET", f"/generations/{made.body['id']}/plan").status == 200
    assert caller.poll(made.body["id"]).status == 200


def test_a_stream_of_events_takes_it_too(any_edge):
    browser, caller = user(any_edge)
    made = browser.ask("POST", SUBMIT, GATEWAY).body["id"]
    caller.complete(made)
    events = browser.ask("GET", f"/generations/{made}/events")
    assert events.status == 200
    assert b"completed" in events.content


def test_the_administrators_key_opens_the_administration_and_nothing_else(any_edge):
    browser = administrator(any_edge)
    assert browser.session["role"] == "administrator"
    assert browser.session["subscription"] is None
    assert browser.office() == 200
    assert browser.office("POST", {"name": "made-in-a-browser-" + browser.cookie[-8:].strip("-_")}) == 201
    assert browser.lists() == 401


def test_a_second_key_adds_to_the_session(any_edge):
    browser, caller = user(any_edge)
    assert browser.office() == 401
    browser.sign_in(ADMIN_KEY)
    assert (browser.lists(), browser.office()) == (200, 200)
    assert browser.session["subscription"]["id"] == caller.issued.subscription.id
    other_way = administrator(any_edge).sign_in(caller.issued.secondary)
    assert (other_way.lists(), other_way.office()) == (200, 200)
    assert other_way.session["role"] == "administrator"


def test_another_subscriptions_key_takes_the_firsts_place(edge):
    browser, caller = user(edge)
    other = edge.caller()
    browser.sign_in(other.issued.primary)
    assert browser.session["subscription"]["id"] == other.issued.subscription.id
    assert caller.issued.subscription.id != other.issued.subscription.id


def test_what_is_added_keeps_the_first_end(forgetful):
    browser, _ = user(forgetful)
    ends = browser.session["expires_at"]
    forgetful.clock.advance(seconds=3600)
    assert browser.sign_in(ADMIN_KEY).session["expires_at"] == ends


def test_signing_out_ends_the_session_everywhere(any_edge):
    browser, _ = user(any_edge)
    copied = Browser(any_edge, browser.cookie)
    assert browser.ask("DELETE", "/session").status == 204
    assert browser.cookie == ""
    assert browser.session == NOBODY
    soon(any_edge)
    assert copied.lists() == 401
    assert copied.session == NOBODY
    assert browser.ask("DELETE", "/session").status == 204


def test_nobody_is_told_so_without_an_error(edge):
    assert Browser(edge).session == NOBODY
    assert Browser(edge, "stillmotion_session=unknown").session == NOBODY
    assert Browser(edge, "stillmotion_session=" + "x" * 5000).session == NOBODY


def test_an_expired_session_is_over_and_says_so(forgetful):
    browser, _ = user(forgetful)
    forgetful.clock.advance(seconds=SESSION_LIFETIME.total_seconds() - 1)
    assert browser.lists() == 200
    forgetful.clock.advance(seconds=1)
    ended = browser.ask("GET", "/dream-machine/v1/generations")
    assert (ended.status, ended.headers["x-stillmotion-reason"]) == (401, "session_ended")
    assert browser.session == NOBODY


def test_a_session_ends_with_its_key(any_edge):
    browser, caller = user(any_edge)
    other = Browser(any_edge).sign_in(caller.issued.secondary)
    any_edge.run(any_edge.subscriptions.rotate(caller.issued.subscription.id, KeySlot.PRIMARY))
    soon(any_edge)
    assert (browser.lists(), other.lists()) == (401, 200)
    assert browser.session == NOBODY


@pytest.mark.parametrize("state", [SubscriptionState.SUSPENDED, SubscriptionState.CANCELLED])
def test_a_session_rests_while_its_subscription_does(any_edge, state):
    browser, caller = user(any_edge)
    both = Browser(any_edge).sign_in(caller.issued.primary).sign_in(ADMIN_KEY)
    any_edge.run(any_edge.subscriptions.set_state(caller.issued.subscription.id, state))
    soon(any_edge)
    refused = browser.ask("GET", "/dream-machine/v1/generations")
    assert (refused.status, refused.headers["x-stillmotion-reason"]) == (401, f"subscription_{state}")
    assert (both.lists(), both.office()) == (401, 200)
    if state is SubscriptionState.SUSPENDED:
        any_edge.run(any_edge.subscriptions.set_state(caller.issued.subscription.id, SubscriptionState.ACTIVE))
        soon(any_edge)
        assert (browser.lists(), both.lists()) == (200, 200)


def test_a_session_ends_when_the_administrators_key_is_changed(start):
    edge = start("sqlite")
    browser = administrator(edge)
    assert browser.office() == 200
    object.__setattr__(edge.services.admin, "key", "another administrator's key")
    assert browser.office() == 401
    assert browser.session == NOBODY


def test_a_reader_reads_and_changes_nothing(any_edge):
    caller = any_edge.caller()
    made = caller.submit().body["id"]
    browser = Browser(any_edge).sign_in(caller.issued.primary, role="reader")
    assert browser.session["role"] == "reader"
    assert browser.ask("POST", POLL, {"task_id": made}).status == 200
    assert browser.ask("GET", f"{DREAM_MACHINE}/{made}").status == 200
    for method, path, body in [
        ("POST", SUBMIT, GATEWAY),
        ("POST", DREAM_MACHINE, DREAM),
        ("POST", "/v1/videos", VIDEO),
        ("DELETE", f"{DREAM_MACHINE}/{made}", None),
        ("POST", "/uploads", {}),
    ]:
        refused = browser.ask(method, path, body)
        assert (refused.status, refused.headers["x-stillmotion-reason"]) == (403, "read_only")
        assert b"may only read" in refused.content
    reads = administrator(any_edge, role="reader")
    assert (reads.office(), reads.office("POST", {"name": "by-a-reader"})) == (200, 403)
    assert browser.ask("DELETE", "/session").status == 204


def test_what_a_reader_keeps_stays_a_readers(edge):
    caller = edge.caller()
    browser = Browser(edge).sign_in(caller.issued.primary, role="reader").sign_in(ADMIN_KEY)
    assert (browser.session["role"], browser.session["administrator"]) == ("reader", True)
    assert browser.ask("POST", SUBMIT, GATEWAY).status == 403
    again = Browser(edge).sign_in(caller.issued.primary, role="reader").sign_in(caller.issued.primary)
    assert again.session["role"] == "user"


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "key"), ({"key": "a", "first": "b"}, "key"), ({"key": 1}, "key"), ({"key": "a", "rule": 1}, "rule")],
)
def test_what_cannot_be_meant_is_refused_by_name(edge, body, field):
    refused = Browser(edge).ask("POST", "/session", body)
    assert refused.status == 400
    assert refused.body["details"][0]["field"] == field


def test_whoever_cannot_sign_in_is_told_why(start):
    edge = start()
    caller = edge.caller()
    edge.run(edge.subscriptions.set_state(caller.issued.subscription.id, SubscriptionState.SUSPENDED))
    told = [
        Browser(edge).ask("POST", "/session", each, **more)
        for each, more in [
            ({"key": caller.issued.primary[:-1]}, {}),
            ({"key": caller.issued.primary}, {}),
            ({"first": "used"}, {}),
            ({"first": "used"}, {"X_Forwarded_For": "10.0.0.9"}),
        ]
    ]
    assert [each.headers["x-stillmotion-reason"] for each in told] == [
        "unknown_key",
        "subscription_suspended",
        "first_link",
        "first_link",
    ]
    assert "check that all of it was pasted" in told[0].body["error"]
    assert told[1].body["error"] == "The subscription is suspended"
    assert "start the server again" in told[2].body["error"]
    assert "own machine" in told[3].body["error"]


def test_a_limit_counts_sessions_and_keys_together(edge):
    browser, caller = user(edge, reads_per_minute=2)
    assert (browser.lists(), caller.poll("none").status) == (200, 429)
    assert browser.ask("POST", "/session", {"key": caller.issued.primary}).status == 429


def test_a_session_costs_no_more_reads_of_the_store_than_a_key(start):
    edge = start("sqlite")
    browser, caller = user(edge)
    looked = []
    store = edge.services.access.store

    class Watched:
        def __getattr__(self, name):
            looked.append(name)
            return getattr(store, name)

    edge.services.access.store = Watched()
    for ask in (browser.lists, lambda: caller.poll("none")):
        edge.clock.advance(seconds=KNOWN_SECONDS)
        looked.clear()
        for _ in range(20):
            ask()
        assert sorted(looked) == ["access_version", looked[1]]


def test_a_key_has_so_many_sessions_and_no_more(start):
    edge = start()
    caller = edge.caller()
    browsers = []
    for _ in range(MOST_SESSIONS + 1):
        browsers.append(Browser(edge).sign_in(caller.issued.primary))
        edge.clock.advance(seconds=0.01)
    soon(edge)
    assert [each.lists() for each in (browsers[0], browsers[1], browsers[-1])] == [401, 200, 200]


def test_an_open_server_says_so(start):
    edge = start()
    office = administration_of(edge.store, edge.clock)
    keyless = edge.run(opened(office, "127.0.0.1", "", ()))
    open_edge = start(keyless=keyless, access=edge.services.access)
    told = Browser(open_edge).session
    assert (told["open"], told["role"], told["administrator"]) == (True, "user", False)
    assert Browser(open_edge, "stillmotion_session=over").lists() == 200
    assert Browser(open_edge).ask("GET", "/session", Host="evil.example").body == NOBODY


class TestFirstLink:
    """The link that a new server prints on its terminal."""

    def test_it_makes_the_first_subscription_and_its_session_owns_the_machine(self, start):
        for kind in ("memory", "sqlite"):
            edge = start(kind, admin_key="")
            assert edge.ask("GET", "/admin/v1/products").status == 404
            browser = Browser(edge)
            opened = browser.ask("POST", "/session", {"first": first_link(edge)})
            assert opened.status == 201
            assert opened.body["administrator"]
            assert opened.body["subscription"]["name"] == "the owner of this machine"
            assert (browser.lists(), browser.office()) == (200, 200)
            assert browser.ask("POST", SUBMIT, GATEWAY).status == 200
            assert len(edge.run(edge.subscriptions.list())) == 1
            assert edge.ask("GET", "/admin/v1/products").status == 404

    def test_it_is_good_once(self, any_edge):
        token = first_link(any_edge)
        assert Browser(any_edge).ask("POST", "/session", {"first": token}).status == 201
        used = Browser(any_edge).ask("POST", "/session", {"first": token})
        assert used.status == 401
        assert "set-cookie" not in used.headers

    def test_of_two_at_once_one_gets_in(self, start):
        edge = start("sqlite")
        token = first_link(edge)
        with ThreadPoolExecutor(8) as pool:
            asked = [
                pool.submit(lambda: Browser(edge).ask("POST", "/session", {"first": token}).status) for _ in range(8)
            ]
        assert sorted(each.result() for each in asked) == [201] + [401] * 7
        assert len(edge.run(edge.subscriptions.list())) == 1

    def test_it_is_good_for_ten_minutes(self, forgetful):
        token = first_link(forgetful)
        assert timedelta(minutes=10) == FIRST_LINK_LIFETIME
        forgetful.clock.advance(seconds=600)
        assert Browser(forgetful).ask("POST", "/session", {"first": token}).status == 401

    @pytest.mark.parametrize(
        "headers",
        [
            {"Host": "evil.example"},
            {"Host": "192.168.0.5:8080"},
            {"X_Forwarded_For": "10.0.0.9"},
            {"X_Forwarded_Host": "video.example.com"},
            {"Forwarded": "for=10.0.0.9"},
            {"Via": "1.1 proxy"},
            {"Sec_Fetch_Site": "cross-site"},
            {"Sec_Fetch_Site": None},
        ],
    )
    def test_it_is_of_no_use_from_elsewhere_and_is_not_spent_there(self, any_edge, headers):
        token = first_link(any_edge)
        assert Browser(any_edge).ask("POST", "/session", {"first": token}, **headers).status in (401, 403)
        assert Browser(any_edge).ask("POST", "/session", {"first": token}).status == 201

    def test_a_new_link_ends_the_last(self, edge):
        old, new = first_link(edge), first_link(edge)
        asked = [Browser(edge).ask("POST", "/session", {"first": each}).status for each in (old, "unknown", new)]
        assert asked == [401, 401, 201]


def test_the_reference_says_that_the_cookie_is_accepted_everywhere(edge):
    document = json.loads(edge.ask("GET", "/openapi.json").content)
    assert document["components"]["securitySchemes"]["sessionCookie"]["in"] == "cookie"
    secured = [
        about["security"]
        for path, methods in document["paths"].items()
        if not path.startswith(("/assets", "/shared", "/healthz", "/readyz", "/metrics", "/session"))
        for about in methods.values()
    ]
    assert all({"sessionCookie": []} in each for each in secured)
