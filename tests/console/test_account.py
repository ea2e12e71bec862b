"""Screens 6 to 9: failures, keys, usage and callbacks of a customer."""

import csv
import io
import json
import urllib.error
import urllib.request
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.console.conftest import ADA
from tests.waiting import eventually
from tools.console.browser import SMALLEST
from tools.console.sample import receiver


@pytest.fixture(scope="module")
def newcomer(house):
    """The name of a customer who has made nothing yet."""
    made = house.administer("POST", "subscriptions", {"name": "Newcomer", "product": "trial"})
    house.keys["Newcomer"] = made["key"]
    return "Newcomer"


def test_point_07_failures_stand_by_their_reason_with_what_to_do(console):
    page = console.visit("failures").page
    reasons = page.get_by_role("list", name="Reasons").get_by_role("listitem")
    expect(reasons.filter(has_text="image_decode_failed")).to_contain_text("save it again with an image editor")
    expect(reasons.filter(has_text="renderer_crashed")).to_contain_text("Try again")
    # What to do is not said twice.
    assert reasons.filter(has_text="out_of_memory").inner_text().count("Ask for a lower resolution") == 1
    page.get_by_role("link", name="30 days").click()
    expect(page.get_by_role("link", name="30 days")).to_have_attribute("aria-current", "true")
    assert "days=30" in page.url


def test_point_07_a_group_of_failures_is_tried_again(console):
    page = console.visit("failures?days=30").page
    row = page.get_by_role("list", name="Reasons").get_by_role("listitem").filter(has_text="renderer_crashed")
    row.get_by_role("button", name="again").click()
    expect(row.get_by_text("1 clip sent again")).to_be_visible()
    row.get_by_role("link", name="Watch the queue").click()
    unfinished = page.get_by_role("list", name="Unfinished clips").get_by_role("listitem")
    expect(unfinished.filter(has_text="snow falls on the pines")).to_have_count(1)


def account(base, key):
    request = urllib.request.Request(f"{base}/account", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def is_refused(base, key):
    try:
        account(base, key)
    except urllib.error.HTTPError as refused:
        return refused.code == 401
    return False


def test_point_16_a_key_is_replaced_shown_once_and_tried(console):
    old = console.keys["Blue Whale Press"]
    page = console.visit("keys", by="Blue Whale Press").page
    heading = page.get_by_role("heading", name="First key", exact=True)
    first = page.get_by_role("list", name="Keys").get_by_role("listitem").filter(has=heading)
    expect(first).to_contain_text(old[:9])
    first.get_by_role("button", name="Replace").click()
    dialog = page.get_by_role("dialog", name="Replace the first key")
    dialog.get_by_role("radio", name="For an hour").check()
    dialog.get_by_role("button", name="Replace it").click()
    once = page.get_by_role("dialog", name="Your new first key")
    new = once.get_by_label("Key", exact=True).input_value()
    once.get_by_role("button", name="Try it with a real call").click()
    expect(once.get_by_text("It works, for Blue Whale Press")).to_be_visible()
    assert account(console.base, new)["subscription"]["name"] == "Blue Whale Press"
    assert account(console.base, old)["subscription"]["name"] == "Blue Whale Press"
    once.get_by_role("button", name="Close").click()
    expect(first).to_contain_text(new[:9])
    assert new not in page.content()
    console.keys["Blue Whale Press"] = new


def test_point_16_an_old_key_may_stop_at_once(console):
    old = console.keys["Corner cinema"]
    page = console.visit("keys", by="Corner cinema").page
    page.get_by_role("button", name="Replace the first key").click()
    dialog = page.get_by_role("dialog", name="Replace the first key")
    dialog.get_by_role("radio", name="Not at all").check()
    dialog.get_by_role("button", name="Replace it").click()
    once = page.get_by_role("dialog", name="Your new first key")
    console.keys["Corner cinema"] = once.get_by_label("Key", exact=True).input_value()
    eventually(lambda: is_refused(console.base, old))
    once.get_by_role("button", name="Close").click()
    expect(page.get_by_role("heading", name="Keys", level=1)).to_be_visible()


def test_point_16_the_callback_secret_is_replaced_and_both_hold_for_a_day(console):
    page = console.visit("keys").page
    page.get_by_role("button", name="Replace the callback secret").click()
    once = page.get_by_role("dialog", name="Your new callback secret")
    assert once.get_by_label("Callback secret").input_value().startswith("whsec_")
    expect(once.get_by_text("signed with both secrets")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Before")).to_be_visible()


def test_point_17_usage_stands_by_day_model_and_key_with_its_cost(console):
    page = console.visit("usage?span=week").page
    expect(page.get_by_role("img", name="Seconds of video by day")).to_be_visible()
    assert page.get_by_role("row").filter(has_text="ray-1-6").count() == 1
    expect(page.get_by_role("row").filter(has_text=console.keys[ADA][:9])).to_have_count(1)
    expect(page.get_by_role("meter", name="Video this month: used")).to_be_visible()
    expect(page.get_by_text("of 120 seconds left")).to_be_visible()


def test_the_days_of_a_month_stand_apart_on_a_phone(console):
    page = console.visit("usage", device=SMALLEST).page
    expect(page.get_by_role("img", name="Seconds of video by day")).to_be_visible()
    sides = page.locator(".bar-value").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect()).map(box => [box.left, box.right])"
    )
    assert len(sides) > 27
    assert all(one[1] < other[0] for one, other in pairwise(sides))


def test_point_17_usage_comes_as_csv(console):
    page = console.visit("usage?span=month").page
    with page.expect_download() as downloading:
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(downloading.value.path().read_text())))
    assert {"day", "model", "key", "video_seconds", "cost"} <= set(rows[0])
    assert sum(float(each["video_seconds"]) for each in rows) > 0


def deliveries(page):
    return page.get_by_role("rowgroup").last.get_by_role("row")


def test_point_14_deliveries_show_their_attempts_and_are_sent_again(console):
    page = console.visit("callbacks").page
    page.get_by_role("link", name="Given up").click()
    expect(deliveries(page).first).to_contain_text("Given up")
    deliveries(page).first.get_by_role("button", name="Open").click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text("Answered").first).to_be_visible()
    expect(drawer.get_by_label("Body")).to_contain_text('"state"')
    drawer.get_by_role("button", name="Send it again").click()
    expect(page.get_by_text("It is sent again now.").filter(visible=True).first).to_be_visible()
    expect(drawer.get_by_text("Waiting")).to_be_visible()


def test_point_14_a_test_is_sent_and_its_signature_checked(console):
    page = console.visit("callbacks").page
    page.get_by_role("button", name="Send a test").click()
    drawer = page.get_by_role("dialog", name="Send a test")
    with receiver() as base:
        drawer.get_by_label("Address of your receiver").fill(f"{base}/taken")
        drawer.get_by_role("button", name="Send it").click()
        expect(drawer.get_by_text("Delivered: your receiver answered 204")).to_be_visible()
    headers, _, body = drawer.get_by_label("What was sent").inner_text().partition("\n\n")
    sent = dict(line.split(": ", 1) for line in headers.splitlines())
    assert {"webhook-id", "webhook-timestamp", "webhook-signature"} <= set(sent)
    assert json.loads(body)


def test_point_14_a_test_that_is_not_taken_says_so(console):
    page = console.visit("callbacks").page
    page.get_by_role("button", name="Send a test").click()
    drawer = page.get_by_role("dialog", name="Send a test")
    with receiver() as base:
        drawer.get_by_label("Address of your receiver").fill(f"{base}/down")
        drawer.get_by_role("button", name="Send it").click()
        expect(drawer.get_by_text("Not taken: your receiver answered 503")).to_be_visible()


def test_a_signature_that_does_not_fit_is_told(console):
    page = console.visit("callbacks").page
    page.get_by_role("button", name="Check a signature").click()
    drawer = page.get_by_role("dialog", name="Check a signature")
    drawer.get_by_label("webhook-id").fill("msg_1")
    drawer.get_by_label("webhook-timestamp").fill("1764452000")
    drawer.get_by_label("webhook-signature").fill("v1,AAAA")
    drawer.get_by_label("Body").fill("{}")
    drawer.get_by_role("button", name="Check it").click()
    expect(drawer.get_by_text("This server signed it")).to_have_count(0)
    expect(drawer.locator("[aria-live]")).not_to_be_empty()


@pytest.mark.parametrize(
    ("place", "heading"),
    [
        ("queue", "Nothing is waiting"),
        ("failures", "Nothing failed in 7 days"),
        ("usage", "No video yet"),
        ("callbacks", "No callbacks yet"),
        ("gallery", "Nothing yet"),
    ],
)
def test_point_39_an_empty_screen_teaches(console, newcomer, place, heading):
    page = console.visit(place, by=newcomer).page
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    assert page.get_by_role("main").inner_text().count(".") >= 1
