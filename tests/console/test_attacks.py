"""Attacks on a person who is signed in, from pages of other sites, in a real browser. Each comes to nothing."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.http.conftest import PICTURE_URL, SUBMIT, edge, start_shared
from tools.console.browser import person, sign_in

__all__ = ["edge", "start_shared"]

ELSEWHERE = ["https://evil.example", "http://127.0.0.1:9"]
"""Another site, and another port of the same host: its requests have the cookie, for cookies know no ports."""
JUST_A_PAGE = "<!doctype html><title>Kittens</title><p>Kittens.</p>"
ASK = """async ([method, url, body, mode]) => {
    const headers = {'Content-Type': mode === 'cors' ? 'application/json' : 'text/plain'};
    const given = ['GET', 'HEAD'].includes(method) ? {} : {headers, body};
    try {
        const answered = await fetch(url, {method, mode, credentials: 'include', ...given});
        return [answered.type, answered.status];
    } catch (error) {
        return ['refused', 0];
    }
}"""
FORM_TYPE = "application/x-www-form-urlencoded"
FORM = """([url, type]) => {
    const form = Object.assign(document.createElement('form'), {method: 'POST', action: url, enctype: type});
    const field = Object.assign(document.createElement('input'), {name: '{"prompt":"kittens","url":"', value: '"}'});
    form.append(field);
    document.body.append(form);
    form.submit();
}"""


@pytest.fixture
def victim(browser, edge) -> Iterator[tuple[Page, str, str]]:
    """A tab of a person who is signed in as a customer and as the administrator, the base address, and the key."""
    context = person(browser)
    context.grant_permissions(["local-network-access"])  # Otherwise Chromium itself keeps them from this machine.
    for origin in ELSEWHERE:
        context.route(f"{origin}/**", lambda route: route.fulfill(body=JUST_A_PAGE, content_type="text/html"))
    key = edge.caller().issued.primary
    sign_in(context, edge.server.url, key)
    yield context.new_page(), edge.server.url, key
    context.close()


def session(page: Page, base: str):
    return page.context.request.get(f"{base}/session").json()


def made(edge, key: str) -> int:
    """The number of the person's generations."""
    return len(edge.ask("GET", "/v1/videos", headers={"Authorization": f"Bearer {key}"}).body["data"])


def refused(edge) -> int:
    """The number of requests that the server has refused with a 403."""
    counts = re.findall(r'^stillmotion_http_requests_total\{.*status="403"\} (\d+)', scraped(edge), re.MULTILINE)
    return sum(map(int, counts))


def scraped(edge) -> str:
    return edge.ask("GET", "/metrics").content.decode()


def test_a_page_of_the_server_itself_is_let_in(victim, edge):
    """Otherwise the other tests would prove nothing."""
    page, base, key = victim
    page.goto(f"{base}/healthz")
    body = f'{{"prompt": "kittens", "url": "{PICTURE_URL}"}}'
    assert page.evaluate(ASK, ["POST", SUBMIT, body, "cors"]) == ["basic", 200]
    assert made(edge, key) == 1


@pytest.mark.parametrize("origin", ELSEWHERE)
def test_no_script_of_another_page_acts_or_reads(victim, edge, origin):
    page, base, key = victim
    who, before = session(page, base), refused(edge)
    page.goto(f"{origin}/")
    attacker = edge.caller().issued.primary
    body = f'{{"prompt": "kittens", "url": "{PICTURE_URL}"}}'
    for path, sent in [(SUBMIT, body), ("/session", f'{{"key": "{attacker}"}}'), ("/account/callback-secret", "{}")]:
        for mode in ("cors", "no-cors"):
            assert page.evaluate(ASK, ["POST", base + path, sent, mode])[0] in ("refused", "opaque")
    for path in ("/session", "/account", "/v1/videos", "/usage?format=csv"):
        assert page.evaluate(ASK, ["GET", base + path, "", "cors"]) == ["refused", 0]
    assert page.evaluate(ASK, ["DELETE", f"{base}/session", "", "cors"]) == ["refused", 0]
    assert made(edge, key) == 0
    assert session(page, base) == who
    assert refused(edge) > before, "none of these requests came to the server"


@pytest.mark.parametrize("origin", ELSEWHERE)
def test_no_form_of_another_page_acts(victim, edge, origin):
    page, base, key = victim
    who, before = session(page, base), refused(edge)
    for path, kind in [(SUBMIT, "text/plain"), ("/session", "text/plain"), ("/account/keys/primary", FORM_TYPE)]:
        page.goto(f"{origin}/")
        with page.expect_navigation(url=f"{base}{path}", wait_until="commit"):
            page.evaluate(FORM, [base + path, kind])
    assert made(edge, key) == 0
    assert session(page, base) == who
    # A form of another site's comes without the cookie, and is told that it has no key.
    assert refused(edge) - before == (3 if origin.startswith("http:") else 1)


@pytest.mark.parametrize("origin", ELSEWHERE)
def test_no_page_of_another_site_frames_ours(victim, origin):
    page, base, _ = victim
    page.goto(f"{origin}/")
    page.set_content("".join(f'<iframe src="{base}{path}"></iframe>' for path in ("/", "/docs", "/v1/videos")))
    shown = [each.content() for each in page.frames[1:] if each.url.startswith(base)]
    assert len(page.frames) == 4
    assert not any("<title>" in each or "sm_" in each for each in shown)


def test_no_script_reads_the_cookie_and_no_store_holds_the_key(victim):
    page, base, key = victim
    page.goto(f"{base}/")
    assert page.evaluate("document.cookie") == ""
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, location.href, history.state])")
    assert key not in kept
    assert key not in page.content()
    assert page.evaluate("indexedDB.databases()") == []


def test_the_first_links_token_leaves_no_trace(browser, edge):
    base, token = edge.server.url, edge.run(edge.services.sessions.first_link())
    context = person(browser)
    try:
        page = context.new_page()
        page.goto(f"{base}/#first={token}")
        page.wait_for_function("fetch('session').then(each => each.json()).then(each => each.role === 'administrator')")
        page.wait_for_function("!location.href.includes('first=')")
        page.reload()
        kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, location.href, history.state])")
        assert token not in kept + page.content()
    finally:
        context.close()
