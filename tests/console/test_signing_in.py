"""Signing in, in a browser: a key, only looking, the administrator alone, a key added, a session that is over."""

import re

from playwright.sync_api import expect

from tests.console.conftest import ADA
from tools.console.serving import ADMIN_KEY


def sign_in(page, key):
    page.get_by_label("Key", exact=True).fill(key)
    page.get_by_role("button", name="Sign in").click()


def test_point_11_a_key_signs_in_and_is_kept_nowhere_on_the_page(console):
    page = console.visit(by=None).page
    sign_in(page, console.keys[ADA])
    expect(page.get_by_role("heading", name="Any picture can move")).to_be_visible()
    kept = page.evaluate(
        "[document.documentElement.outerHTML, location.href, document.cookie, JSON.stringify({...localStorage}),"
        "JSON.stringify({...sessionStorage})].join()"
    )
    assert console.keys[ADA] not in kept
    page.reload()
    expect(page.get_by_role("heading", name="Any picture can move")).to_be_visible()


def test_point_11_a_wrong_key_is_refused_beside_its_field(console):
    visit = console.visit(by=None)
    visit.expects("401")
    sign_in(visit.page, "sm_nobody")
    expect(visit.page.get_by_text("This key is not known here")).to_be_visible()


def test_point_11_who_only_looks_is_offered_nothing_that_changes(console):
    page = console.visit(by=None).page
    page.get_by_label("Only look").check()
    sign_in(page, console.keys[ADA])
    expect(page.get_by_role("heading", name="You are reading along")).to_be_visible()
    page.goto(f"{console.base}/#/gallery")
    expect(page.get_by_role("article").first).to_be_visible()
    expect(page.get_by_role("link", name="New clip")).to_have_count(0)


def test_point_11_the_administrator_alone_sees_the_service_and_adds_a_key(console):
    page = console.visit(by=None).page
    sign_in(page, ADMIN_KEY)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.get_by_role("link", name="Gallery").first.click()
    expect(page.get_by_role("heading", name="You are here as the administrator")).to_be_visible()
    page.get_by_role("button", name="More").first.click()
    page.get_by_role("button", name="Add a key").click()
    page.get_by_role("dialog").get_by_label("Key").fill(console.keys[ADA])
    page.get_by_role("dialog").get_by_role("button", name="Add the key").click()
    expect(page.get_by_role("article").first).to_be_visible()


def test_a_session_that_is_over_keeps_what_was_typed(console):
    visit = console.visit("make")
    visit.expects("401")
    page = visit.page
    page.get_by_label("What should happen?").fill("orbit left around the lamp")
    page.request.delete(f"{console.base}/session", headers={"Sec-Fetch-Site": "same-origin"})
    page.keyboard.type(" slowly")  # By the keyboard alone: the field may be gone by now, if the page has asked before.
    expect(page.get_by_text("You were signed out")).to_be_visible()
    sign_in(page, console.keys[ADA])
    expect(page.get_by_label("What should happen?")).to_have_value(re.compile("orbit left around the lamp"))
