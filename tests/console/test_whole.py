"""The console as a whole: promises that hold on every screen."""

import gzip
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import expect

import stillmotion.http.console
from tests.console.conftest import ADA, OPERATOR
from tests.waiting import eventually
from tools.console.browser import DESK, PHONE, SMALLEST
from tools.console.shots import PLACES

SCREENS = [name for name in PLACES if name != "sign-in"]
HEADINGS = {
    "clip": None,
    "everybody": "Everybody",
    "models": "Models and workers",
    "settings": "Settings and log",
}
"""The heading of a screen, where it is not its name; any for a clip, which has its own sentence."""

STATIC = Path(stillmotion.http.console.__file__).with_name("static")

WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
"""Pixels by which a page is wider than its window."""


BRIGHTNESS = (
    "getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).reduce((sum, each) => sum + Number(each), 0)"
)


def place_of(house, name):
    """The address of a screen. A clip is the sample's newest."""
    return PLACES[name].format(**{state: ids[0] for state, ids in house.ids.items()})


def opened(console, name, **more):
    """A visit of a screen by one who may see all of them, as soon as it is there."""
    visit = console.visit(place_of(console, name), by=OPERATOR, **more)
    visit.settled()
    return visit


@pytest.fixture(scope="module", params=SCREENS)
def screen(house, request):
    """A screen, looked at by one who asked for less motion, so that no colour is on its way to another."""
    with ExitStack() as stack:
        house.stack, house.visits = stack, []
        visit = opened(house, request.param, moving=False)
        visit.name = request.param
        yield visit


def sized(visit, device):
    visit.page.set_viewport_size({"width": device.width, "height": device.height})
    return visit.page


def test_point_31_a_screen_keeps_the_policy_and_asks_no_other_server(screen):
    """The browser has no network but loopback."""
    page = screen.page
    heading = HEADINGS.get(screen.name, screen.name.capitalize())
    assert page.get_by_role("heading", level=1, name=heading).count() == 1
    assert page.get_by_role("alert").filter(visible=True).all_inner_texts() == []
    assert screen.unexpected == []


@pytest.mark.parametrize(("scheme", "device"), [("light", DESK), ("dark", PHONE)], ids=["light-desk", "dark-phone"])
def test_point_34_axe_finds_nothing_serious(screen, scheme, device):
    sized(screen, device)
    screen.page.emulate_media(color_scheme=scheme)
    assert screen.inaccessible() == []


def test_point_35_a_phone_of_320_pixels_with_text_twice_as_large_shows_all(screen):
    page = sized(screen, SMALLEST)
    eventually(lambda: page.evaluate(WIDER) <= 0)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    eventually(lambda: page.evaluate(WIDER) <= 0)
    places = page.get_by_role("navigation", name="Places").filter(visible=True)
    assert places.get_by_role("link", name="Make").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_shared_clip_plays_for_a_stranger_and_axe_finds_nothing_serious(console, scheme):
    owner = console.visit(by=ADA).page.context.request
    same = {"Sec-Fetch-Site": "same-origin"}
    made = owner.post(f"{console.base}/generations/{console.ids['completed'][0]}/links", data={}, headers=same)
    visit = console.visit(by=None, device=PHONE, scheme=scheme, moving=False)
    visit.page.goto(made.json()["url"])
    visit.page.wait_for_function("document.querySelector('video').readyState > 1")
    assert visit.page.evaluate(WIDER) <= 0
    assert visit.page.get_by_role("link", name="Download").is_visible()
    assert visit.inaccessible() == []
    owner.delete(f"{console.base}/generations/{console.ids['completed'][0]}/links/{made.json()['id']}", headers=same)
    visit.expects("404")
    visit.page.reload()
    expect(visit.page.get_by_text("There is nothing at this address")).to_be_visible()
    assert visit.inaccessible() == []


def test_point_36_colours_follow_the_system(console):
    visit = opened(console, "about")
    assert visit.page.evaluate(BRIGHTNESS) > 600
    visit.page.emulate_media(color_scheme="dark")
    assert visit.page.evaluate(BRIGHTNESS) < 150


def test_point_33_the_keyboard_alone_signs_in_goes_places_and_signs_out(console):
    visit = console.visit(by=None)
    page = visit.page
    expect(page.get_by_label("Key")).to_be_focused()
    page.keyboard.type(console.keys[ADA])
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Any picture can move").wait_for()
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Shortcuts").get_by_text("List the shortcuts").is_visible()
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").count() == 0
    reach(page, "Queue")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Queue", level=1).wait_for()
    reach(page, "More")
    page.keyboard.press("Enter")
    page.get_by_role("dialog", name="More").wait_for()
    reach(page, "Sign out")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Sign in").wait_for()


FOCUSED = """(() => {
    const each = document.activeElement;
    return each.matches('a, button') ? (each.ariaLabel ?? each.innerText).split('\\n')[0].trim() : '';
})()"""


def reach(page, name):
    """Press Tab until the focus is on the link or button of this name."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED) == name:
            return
    raise AssertionError(f"Tab does not reach {name}")


def test_point_11_a_reader_sees_and_cannot_change(console):
    visit = console.visit("queue", by=None)
    key = console.keys[ADA]
    same = {"Sec-Fetch-Site": "same-origin"}
    assert visit.page.request.post(f"{console.base}/session", data={"key": key, "role": "reader"}, headers=same).ok
    visit.page.reload()
    visit.settled()
    assert visit.page.get_by_role("list", name="Unfinished clips").get_by_role("listitem").count() == 3
    assert visit.page.get_by_role("button", name="Cancel").count() == 0


def test_point_11_the_service_is_the_administrators_alone(console):
    page = opened_by(console, ADA)
    page.get_by_role("button", name="More").filter(visible=True).click()
    menu = page.get_by_role("dialog", name="More")
    assert menu.get_by_role("link", name="Keys").is_visible()
    assert menu.get_by_role("link", name="Overview").count() == 0


def opened_by(console, customer):
    visit = console.visit("about", by=customer)
    visit.settled()
    return visit.page


def test_point_40_about_has_the_report_for_whoever_helps(console):
    page = opened(console, "about").page
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download the report").click()
    assert downloading.value.suggested_filename.endswith(".zip")


def test_a_sentence_runs_in_its_own_direction(console):
    page = console.visit("make").page
    field = page.get_by_label("What should happen?")
    for words, direction in (("\u0627\u0642\u062a\u0631\u0628 \u0628\u0628\u0637\u0621.", "rtl"), ("push in.", "ltr")):
        field.fill(words)
        expect(field).to_have_css("direction", direction)


def test_a_page_that_is_opened_while_the_service_is_away_goes_on_by_itself(console):
    visit = console.visit("gallery")
    visit.expects("500")
    page = visit.page
    page.route("**/session", lambda route: route.fulfill(status=500, json={"error": "An unexpected error occurred"}))
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("asks again by itself")
    page.unroute("**/session")
    expect(page.get_by_role("heading", name="Gallery", level=1)).to_be_visible()


def test_the_key_is_kept_nowhere_in_the_browser(console):
    visit = console.visit(by=None)
    key, page = console.keys[ADA], visit.page
    page.get_by_label("Key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Any picture can move").wait_for()
    kept = page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie, location.href])")
    assert key not in kept + page.content()
    assert all(each["httpOnly"] and each["sameSite"] == "Strict" for each in page.context.cookies())
    assert key not in (console.server.folder.parent / f"{console.server.folder.name}.log").read_text()


def test_a_wrong_key_is_refused_beside_the_field(console):
    visit = console.visit(by=None)
    visit.expects("401")
    visit.page.get_by_label("Key").fill("sm_this-is-nobodys")
    visit.page.get_by_role("button", name="Sign in").click()
    expect(visit.page.get_by_text("This key is not known here")).to_be_visible()


SIZES = "performance.getEntries().map(each => each.encodedBodySize ?? 0).reduce((sum, each) => sum + each, 0)"


def test_first_paint_and_all_of_the_code_are_small(console):
    visit = console.visit(by=None)
    visit.page.get_by_role("button", name="Sign in").wait_for()
    assert visit.page.evaluate(SIZES) <= 100_000
    own = [path for path in STATIC.rglob("*") if path.suffix in (".js", ".css", ".html", ".svg")]
    assert sum(len(gzip.compress(path.read_bytes())) for path in own) <= 250_000
