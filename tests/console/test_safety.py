"""Safety of the console: what other people write is never executed, and no other page shows or drives the console."""

import base64
import json
import re
import urllib.request
from contextlib import ExitStack

import pytest
from playwright.sync_api import expect

from stillmotion.cli.sample_picture import draw_sample
from tests.console.conftest import ADA, OPERATOR
from tests.console.hostile_texts import HOSTILE

PICTURE = f"data:image/jpeg;base64,{base64.b64encode(draw_sample()).decode()}"
SUBMIT = "/lumalabs-ai/v1/generateRequestFromImage"


@pytest.fixture(scope="module")
def settings():
    """Clips that are asked for here are rendered, so that hostile texts end in failures and callbacks too."""
    return {"STILLMOTION_RENDERERS": "0"}


@pytest.fixture(scope="module")
def attacked(house):
    """The ids of Ada's clips whose sentences are hostile, and customers with hostile names."""
    ids = []
    for text in HOSTILE:
        headers = {"Ocp-Apim-Subscription-Key": house.keys[ADA], "Content-Type": "application/json"}
        body = json.dumps({"prompt": text, "url": PICTURE, "duration": "1s"}).encode()
        with urllib.request.urlopen(urllib.request.Request(house.base + SUBMIT, body, headers)) as answer:
            ids.append(json.load(answer)["id"])
    for text in HOSTILE[:6]:
        house.administer("POST", "subscriptions", {"name": text})
    return ids


@pytest.mark.parametrize(
    "place",
    ["make", "gallery", "queue", "failures", "callbacks", "usage", "everybody", "customers", "settings/actions"],
)
def test_hostile_texts_are_shown_and_never_executed(console, attacked, place):
    page = console.visit(by=OPERATOR).page
    page.on("dialog", lambda dialog: dialog.dismiss())
    page.evaluate("() => { window.hurt = () => { window.isHurt = true } }")
    page.evaluate(f"location.hash = '#/{place}'")
    console.visits[-1].settled()
    page.wait_for_timeout(300)
    assert not page.evaluate("window.isHurt ?? false")


def test_a_clip_shows_its_hostile_sentence_as_it_was_typed(console, attacked):
    page = console.visit(f"gallery/{attacked[0]}").page
    expect(page.get_by_role("heading", name=HOSTILE[0])).to_be_visible()
    page.goto(f"{console.base}/#/gallery?search=onerror")
    expect(page.get_by_role("heading", name="Gallery")).to_be_visible()


def test_a_revealed_sentence_is_shown_as_it_was_typed(console, attacked):
    page = console.visit(f"everybody?search={attacked[1]}", by=OPERATOR).page
    page.get_by_role("button", name=re.compile(f"Open {attacked[1]}")).click()
    drawer = page.get_by_role("dialog", name="Clip")
    drawer.get_by_role("button", name="Reveal them").click()
    expect(drawer.get_by_text(HOSTILE[1])).to_be_visible()


def test_no_page_may_put_the_console_into_a_frame(console):
    with urllib.request.urlopen(console.base + "/") as answer:
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_a_session_that_is_given_is_never_taken_over(console):
    """No fixation: who signs in gets a new token, whatever cookie was there."""
    with ExitStack() as stack:
        console.stack = stack
        visit = console.visit(by=None)
        context = visit.page.context
        context.add_cookies([{"name": "stillmotion_session", "value": "planted", "url": console.base}])
        visit.page.get_by_label("Key").fill(console.keys[ADA])
        visit.page.get_by_role("button", name="Sign in").click()
        visit.page.get_by_role("heading", name="Any picture can move").wait_for()
        assert [each["value"] for each in context.cookies()] != ["planted"]
        assert len(context.cookies()) == 1
