"""Safety of the console: what other people write is never executed, and no other page shows or drives the console."""

import base64
import json
import re
import urllib.error
import urllib.request
from contextlib import ExitStack, suppress
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import expect

from stillmotion.cli.sample_picture import draw_sample
from tests.console.conftest import ADA, OPERATOR, served_console
from tests.console.hostile_texts import HOSTILE, hostile_receiver
from tests.waiting import eventually

SUBMIT = "/lumalabs-ai/v1/generateRequestFromImage"


@pytest.fixture(scope="module")
def settings():
    """Clips that are asked for here wait, so that each screen shows them all."""
    return {"STILLMOTION_RENDERERS": "0"}


@pytest.fixture(scope="module")
def attacked(house):
    """The ids of Ada's clips whose sentences are hostile, and customers with hostile names."""
    picture = f"data:image/jpeg;base64,{base64.b64encode(draw_sample()).decode()}"
    ids = [asked(house, "POST", SUBMIT, {"prompt": text, "url": picture, "duration": "1s"})["id"] for text in HOSTILE]
    for text in HOSTILE[:6]:
        house.administer("POST", "subscriptions", {"name": text})
    return ids


def asked(house, method, path, body=None):
    """The answer to a request of Ada's own program."""
    headers = {"Ocp-Apim-Subscription-Key": house.keys[ADA], "Content-Type": "application/json"}
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(house.base + path, content, headers, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


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


@pytest.fixture
def rendering(browser, sample, tmp_path):
    """A console whose service makes clips, without the sample's unfinished ones."""
    with served_console(browser, sample, tmp_path, {"STILLMOTION_RENDERERS": "1"}) as opened:
        for each in opened.ids["queued"]:
            with suppress(urllib.error.HTTPError):  # It was made already.
                asked(opened, "POST", f"/generations/{each}/cancel")
        yield opened


def test_a_hostile_receivers_answer_is_shown_and_never_executed(rendering):
    """The callback holds a hostile sentence, its address is hostile, and so is the receiver's answer."""
    with hostile_receiver() as base:
        address = f"{base}/{quote(HOSTILE[2])}?a={quote(HOSTILE[5])}"
        submitted = {"prompt": HOSTILE[2], "url": f"{base}/none.png", "callback_url": address}
        made = asked(rendering, "POST", SUBMIT, submitted)["id"]
        eventually(lambda: [each for each in callbacks_of(rendering, made)[:1] if each["attempts"]])
        visit = rendering.visit("callbacks")
        page = visit.page
        page.evaluate("() => { window.hurt = () => { window.isHurt = true } }")
        page.get_by_role("button", name=f"Open Begun for {urlsplit(base).netloc}").click()
        drawer = page.get_by_role("dialog")
        expect(drawer.get_by_text("Answered 500").first).to_be_visible()
        expect(drawer.get_by_label("Body")).to_contain_text(HOSTILE[2])
        drawer.get_by_role("button", name="Close").click()
        page.get_by_role("button", name="Send a test").click()
        trial = page.get_by_role("dialog", name="Send a test")
        trial.get_by_label("Address of your receiver").fill(address)
        trial.get_by_role("button", name="Send it").click()
        expect(trial.get_by_text("Not taken: your receiver answered 500")).to_be_visible()
    assert not page.evaluate("window.isHurt ?? false")
    assert visit.unexpected == []


def callbacks_of(house, generation):
    return asked(house, "GET", f"/generations/{generation}/callbacks")["callbacks"]


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
