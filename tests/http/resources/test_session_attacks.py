"""Attacks on sessions: each is tried, and comes to nothing."""

import json

import pytest

from stillmotion.application.administration import WRONG_KEYS_PER_MINUTE
from tests.http.conftest import ADMIN_KEY, PICTURE_URL, SUBMIT
from tests.http.resources.browser_session import SAME_ORIGIN, Browser, administrator, user
from tests.http.surfaces.test_clear_meaning import DREAM_MACHINE

GATEWAY = {"prompt": "leaning girl", "url": PICTURE_URL}
FORM = "application/x-www-form-urlencoded"

ELSEWHERE = [
    {"Sec_Fetch_Site": "cross-site", "Origin": "https://evil.example"},
    {"Sec_Fetch_Site": "cross-site", "Origin": "https://evil.example", "Content_Type": FORM},
    {"Sec_Fetch_Site": "cross-site", "Origin": "https://evil.example", "Content_Type": "text/plain"},
    {"Sec_Fetch_Site": "same-site", "Origin": "http://127.0.0.1:9"},
    {"Sec_Fetch_Site": "none"},
    {"Sec_Fetch_Site": ""},
    {"Sec_Fetch_Site": "same-origin, cross-site"},
    {"Sec_Fetch_Site": None},
    {"Sec_Fetch_Site": None, "Origin": "null"},
    {"Sec_Fetch_Site": None, "Origin": ""},
    {"Sec_Fetch_Site": None, "Origin": "https://evil.example"},
    {"Sec_Fetch_Site": None, "Origin": "http://127.0.0.1:9"},
    {"Sec_Fetch_Site": None, "Origin": "://"},
]


@pytest.fixture
def browser(edge):
    return user(edge)[0]


@pytest.mark.parametrize("headers", ELSEWHERE)
def test_a_page_of_another_site_changes_nothing(browser, headers):
    before = browser.ask("GET", "/v1/videos").body["data"]
    for method, path, body in [
        ("POST", SUBMIT, GATEWAY),
        ("POST", DREAM_MACHINE, {"prompt": "leaning girl"}),
        ("POST", "/v1/videos", {"prompt": "leaning girl"}),
        ("POST", "/uploads", {}),
        ("DELETE", "/session", None),
        ("DELETE", f"{DREAM_MACHINE}/0193b1d2-6f5e-7c31-9d2a-5b0c7f3e8a44", None),
    ]:
        refused = browser.ask(method, path, body, **headers)
        assert (refused.status, refused.headers["x-stillmotion-reason"]) == (403, "cross_site"), path
        assert "set-cookie" not in refused.headers
    assert browser.ask("GET", "/v1/videos").body["data"] == before
    assert browser.lists() == 200


@pytest.mark.parametrize("headers", ELSEWHERE)
def test_a_page_of_another_site_signs_nobody_in(edge, headers):
    attacker = edge.caller()
    for body in ({"key": attacker.issued.primary}, {"key": ADMIN_KEY}):
        refused = Browser(edge).ask("POST", "/session", body, **headers)
        assert (refused.status, refused.headers.get("set-cookie")) == (403, None)


@pytest.mark.parametrize("headers", ELSEWHERE)
def test_a_page_of_another_site_does_not_administer(edge, headers):
    office = administrator(edge)
    assert office.office("POST", {"name": "cross-site"}, **headers) == 403
    assert "cross-site" not in office.ask("GET", "/admin/v1/products").content.decode()


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_reads_nothing(browser, site):
    assert browser.lists(Sec_Fetch_Site=site) == 401
    assert browser.ask("GET", "/session", Sec_Fetch_Site=site).body["role"] is None


def test_a_browser_without_fetch_metadata_is_known_by_its_origin(browser, edge):
    own = "{}:{}".format(*edge.address)
    for scheme in ("http", "https"):
        assert browser.ask("POST", SUBMIT, GATEWAY, Sec_Fetch_Site=None, Origin=f"{scheme}://{own}").status == 200


def test_no_page_of_another_origin_may_send_the_cookie(start):
    edge = start(cors_origins=("https://app.example",))
    browser, _ = user(edge)
    headers = {"Origin": "https://app.example", "Access_Control_Request_Method": "POST"}
    asked = browser.ask("OPTIONS", SUBMIT, **headers)
    answered = browser.ask("GET", "/v1/videos", Origin="https://app.example")
    assert "access-control-allow-credentials" not in asked.headers | answered.headers
    assert browser.ask("POST", SUBMIT, GATEWAY, Origin="https://app.example", Sec_Fetch_Site="cross-site").status == 403


def test_a_session_is_never_the_one_that_was_there_before(start):
    """Session fixation: an attacker's cookie in the victim's browser gains nothing when the victim signs in."""
    edge = start()
    attacker, _ = user(edge)
    victim = Browser(edge, attacker.cookie)
    victim.sign_in(ADMIN_KEY)
    assert victim.cookie != attacker.cookie
    edge.clock.advance(seconds=1)
    assert (attacker.office(), attacker.lists()) == (401, 401)
    planted = Browser(edge, "stillmotion_session=planted")
    planted.sign_in(edge.caller().issued.primary)
    assert planted.cookie != "stillmotion_session=planted"
    assert Browser(edge, "stillmotion_session=planted").lists() == 401


def test_a_second_cookie_of_the_name_is_nobodys(browser, edge):
    """Another host of the domain can add a cookie, and not take the first away."""
    attacker, _ = user(edge)
    for both in (f"{browser.cookie}; {attacker.cookie}", f"{attacker.cookie}; {browser.cookie}"):
        assert Browser(edge, both).lists() == 401
        assert Browser(edge, both).ask("POST", SUBMIT, GATEWAY).status == 401


def test_a_key_goes_before_a_cookie(start):
    edge = start()
    browser, _ = user(edge)
    other = edge.caller()
    made = browser.ask("POST", SUBMIT, GATEWAY, Ocp_Apim_Subscription_Key=other.issued.primary)
    assert made.status == 200
    assert other.poll(made.body["id"]).status == 200
    assert browser.ask("GET", f"{DREAM_MACHINE}/{made.body['id']}").status == 404
    assert browser.ask("GET", "/v1/videos", Authorization="Bearer sm_wrong").status == 401
    assert administrator(edge).office(Authorization="Bearer wrong") == 401
    assert administrator(edge).office(Authorization="Basic eDp5") == 401


def test_wrong_keys_are_counted_and_the_right_one_is_not_shut_out(start):
    edge = start()
    caller = edge.caller()
    asked = [Browser(edge).ask("POST", "/session", {"key": f"sm_{n}"}) for n in range(WRONG_KEYS_PER_MINUTE + 1)]
    assert [each.status for each in asked] == [401] * WRONG_KEYS_PER_MINUTE + [429]
    assert asked[-1].headers["x-stillmotion-reason"] == "wrong_keys_per_minute"
    assert int(asked[-1].headers["retry-after"]) > 0
    Browser(edge).sign_in(caller.issued.primary)
    administrator(edge)


@pytest.mark.parametrize(
    ("public_url", "headers", "name", "path"),
    [
        ("", {}, "stillmotion_session", "/"),
        ("", {"X_Forwarded_Proto": "http"}, "stillmotion_session", "/"),
        ("", {"X_Forwarded_Proto": "https"}, "__Host-stillmotion_session", "/"),
        ("", {"Forwarded": "for=10.0.0.9;proto=https"}, "__Host-stillmotion_session", "/"),
        ("https://video.example.com", {"Host": "video.example.com"}, "__Host-stillmotion_session", "/"),
        ("https://video.example.com/clips", {"Host": "video.example.com"}, "__Secure-stillmotion_session", "/clips/"),
        ("https://video.example.com/clips", {}, "stillmotion_session", "/clips/"),
        ("http://video.example.com/my clips", {}, "stillmotion_session", "/my%20clips/"),
    ],
)
def test_the_cookie_is_kept_from_scripts_other_sites_and_other_paths(start, public_url, headers, name, path):
    edge = start(public_url=public_url)
    browser, usual = Browser(edge), {name: value for name, value in headers.items() if value}
    key = edge.caller().issued.primary
    set_cookie = browser.ask("POST", "/session", {"key": key}, **usual).headers["set-cookie"]
    sent, *attributes = set_cookie.split("; ")
    assert sent.partition("=")[0] == name
    expected = {"HttpOnly", "SameSite=Strict", f"Path={path}", f"Max-Age={7 * 24 * 3600}"}
    assert set(attributes) == expected | ({"Secure"} if name.startswith("__") else set())
    assert browser.lists(**usual) == 200
    assert browser.ask("DELETE", "/session", **usual).headers["set-cookie"].startswith(f"{name}=; ")


def test_below_a_path_prefix_everything_works_with_the_prefix_and_without(start):
    edge = start(public_url="http://video.example.com/clips")
    browser, _ = user(edge)
    assert browser.ask("GET", "/clips/v1/videos").status == 200
    assert browser.ask("POST", f"/clips{SUBMIT}", GATEWAY).status == 200
    assert browser.ask("GET", "/clips/session").body["role"] == "user"


def test_behind_a_proxy_that_names_another_host_the_public_url_is_the_origin(start):
    edge = start(public_url="https://video.example.com")
    browser = Browser(edge, usual={"Host": "internal:8080", "Origin": "https://video.example.com"})
    browser.sign_in(edge.caller().issued.primary)
    assert browser.ask("POST", SUBMIT, GATEWAY).status == 200
    assert browser.ask("POST", SUBMIT, GATEWAY, Origin="https://video.example.com.evil.example").status == 403


def test_no_key_and_no_token_is_in_a_log_an_address_or_an_answer(start, capfd):
    edge = start(access_log=True)
    caller = edge.caller()
    browser = Browser(edge)
    token = edge.run(edge.services.sessions.first_link())
    answers = [
        browser.ask("POST", "/session", {"first": token}),
        browser.ask("POST", "/session", {"key": caller.issued.primary}),
        browser.ask("POST", "/session", {"key": caller.issued.primary, "wrong": caller.issued.primary}),
        browser.ask("POST", "/session", {"key": [caller.issued.primary]}),
        browser.ask("POST", "/session", {caller.issued.primary: ""}),
        browser.ask("GET", "/session"),
        browser.ask("POST", SUBMIT, GATEWAY),
    ]
    written = "".join(capfd.readouterr())
    cookie = browser.cookie.partition("=")[2]
    assert "/session" in written
    for secret in (caller.issued.primary, token, cookie):
        assert secret not in written
    for answered in answers:
        told = answered.content.decode() + str({k: v for k, v in answered.headers.items() if k != "set-cookie"})
        assert token not in told
        assert cookie not in told
    told = "".join(each.content.decode() for each in (answers[0], answers[1], answers[5], answers[6]))
    assert caller.issued.primary not in told


def test_no_token_is_in_the_database(start):
    edge = start("sqlite")
    browser, _ = user(edge)
    link = edge.run(edge.services.sessions.first_link())
    files = b"".join(each.read_bytes() for each in edge.database.parent.glob(f"{edge.database.name}*"))
    assert browser.cookie.partition("=")[2].encode() not in files
    assert link.encode() not in files


def test_pages_may_not_be_framed(edge):
    for path in ("/", "/docs"):
        headers = edge.ask("GET", path, headers=SAME_ORIGIN).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"


def test_the_session_is_not_kept_by_caches(edge):
    browser, _ = user(edge)
    assert browser.ask("GET", "/session").headers["cache-control"] == "no-store"
    assert json.loads(browser.ask("GET", "/session").content)["role"] == "user"
