"""Make, in a browser: from the first link to a clip, and all that is done with it there."""

import base64
import re
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import APIRequestContext, Page, expect

from tests.console.conftest import Visit
from tests.console.first_house import fresh_service
from tests.console.tabs import Tabs
from tests.waiting import eventually
from tools.console.browser import DESK, PHONE, Device, person
from tools.console.pictures import picture

RENDERED = 120_000
"""Milliseconds for a short clip on a busy machine."""


@dataclass
class Owner:
    """A person who came in by the first link, the id of the `first` clip, and that of a `short` one, of a second."""

    tabs: Tabs
    memory: dict
    first: str
    short: str
    stack: ExitStack
    visits: list[Visit] = field(default_factory=list)

    @property
    def base(self) -> str:
        return self.tabs.base

    def visit(self, place: str = "make", device: Device = DESK, *, moving: bool = True) -> Visit:
        """A tab with that person's session."""
        lent = self.tabs.lent(
            ("owner",), lambda context: context.add_cookies(self.memory["cookies"]), device, moving=moving
        )
        visit = Visit(self.stack.enter_context(lent), self.base)
        self.stack.callback(visit.end)
        self.visits.append(visit)
        visit.go(place)
        return visit


@pytest.fixture(scope="module")
def house(browser, tmp_path_factory):
    with fresh_service(tmp_path_factory.mktemp("fresh") / "data") as link, ExitStack() as stack:
        context = person(browser)
        stack.callback(context.close)
        page = context.new_page()
        visit = Visit(page, "http://" + urlsplit(link).netloc)
        page.goto(link)
        page.get_by_role("button", name="Steam rises").click()
        playing(page)
        assert visit.complaints == []
        tabs = Tabs(browser, visit.base)
        stack.callback(tabs.close)
        short = submitted_short(context.request, visit.base)
        yield Owner(tabs, context.storage_state(), clip_shown(page), short, stack)


@pytest.fixture
def owner(house):
    with ExitStack() as stack:
        house.stack, house.visits = stack, []
        yield house
        complaints = [each for visit in house.visits for each in visit.unexpected]
    assert complaints == []


def playing(page: Page) -> None:
    """Wait until a clip plays on the stage."""
    expect(page.get_by_role("link", name="Download")).to_be_visible(timeout=RENDERED)
    eventually(lambda: page.evaluate("document.querySelector('video')?.currentTime > 0.1"))


def submitted_short(asking: APIRequestContext, base: str) -> str:
    """The id of a clip of a second, once it is made."""
    picture = base64.b64encode(small_picture()["buffer"]).decode()
    body = {"model": "ray-1-6", "prompt": "slow push in", "duration": "1s", "resolution": "540p"}
    body["keyframes"] = {"frame0": {"type": "image", "url": f"data:image/jpeg;base64,{picture}"}}
    generations = f"{base}/dream-machine/v1/generations"
    made = asking.post(generations, data=body, headers={"Sec-Fetch-Site": "same-origin"}).json()["id"]
    eventually(lambda: asking.get(f"{generations}/{made}").json()["state"] == "completed", 60)
    return made


def clip_shown(page: Page) -> str:
    """The id of the clip in the address."""
    found = re.search(r"clip=([\w-]+)", page.url)
    assert found is not None
    return found[1]


def shorten(page: Page, seconds: int = 1) -> None:
    """Choose the length and the smallest size below More."""
    page.locator("summary").filter(has_text=re.compile("More.+")).click()
    page.get_by_label("Length").fill(str(seconds))
    page.get_by_role("radio", name="540p").check()


def make_short(page: Page, sentence: str = "slow push in", seconds: int = 1) -> None:
    """Make a short clip from a small picture."""
    page.set_input_files("section[aria-label='Picture'] input[type=file] >> nth=0", [small_picture()])
    page.get_by_label("What should happen?").fill(sentence)
    shorten(page, seconds)
    expect(page.get_by_role("button", name="Replace")).to_be_visible()
    page.get_by_role("button", name="Make it move").click()


def small_picture(name: str = "coffee.png") -> dict:
    return {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": picture(name, (3, 2))}


def test_point_01_a_clip_plays_after_the_first_link_and_one_press(owner):
    """`house` did no more, and saw it play; `bench console` measures the time. It plays again for who comes back."""
    playing(owner.visit(f"make?clip={owner.first}").page)


def test_the_first_link_is_good_once_and_leaves_the_address(owner):
    page = owner.visit().page
    expect(page.get_by_role("heading", name="Any picture can move")).to_be_visible()
    assert "first" not in page.url


def test_point_04_a_clip_plays_in_its_place_without_sound_and_in_a_loop(owner):
    page = owner.visit().page
    page.get_by_role("navigation", name="Newest clips").get_by_role("link").first.click()
    playing(page)
    assert page.evaluate("[...document.querySelectorAll('video')].every(each => each.loop && each.muted)")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()


def test_who_wants_less_motion_starts_a_clip_by_hand(owner):
    page = owner.visit(moving=False).page
    page.get_by_role("navigation", name="Newest clips").get_by_role("link").first.click()
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    assert page.evaluate("document.querySelector('video').paused")


def test_point_19_the_words_the_price_and_the_size_are_told_before_sending(owner):
    page = owner.visit().page
    page.get_by_label("What should happen?").fill("push in, she leans, she smiles")
    expect(page.get_by_text("Not understood", exact=False).first).to_contain_text("smiles")
    expect(page.get_by_text("push in", exact=True)).to_be_visible()
    page.set_input_files("input[type=file] >> nth=0", [small_picture()])
    expect(page.get_by_text(re.compile(r"\d+ × \d+"))).to_be_visible()


def test_what_is_typed_outlives_a_reload(owner):
    page = owner.visit().page
    page.set_input_files("input[type=file] >> nth=0", [small_picture()])
    page.get_by_label("What should happen?").fill("orbit right, clouds drift")
    expect(page.get_by_role("button", name="Replace")).to_be_visible()
    eventually(lambda: page.evaluate("JSON.stringify(localStorage).includes('uploads')"))
    page.reload()
    expect(page.get_by_label("What should happen?")).to_have_value("orbit right, clouds drift")
    expect(page.get_by_role("button", name="Replace")).to_be_visible()


def test_a_refusal_stands_beside_its_field_and_everything_is_kept(owner):
    visit = owner.visit()
    visit.expects("400", "422")
    page = visit.page
    page.get_by_label("What should happen?").fill("go")
    page.get_by_role("button", name="Make it move").click()
    field = page.get_by_label("What should happen?")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#make-sentence-wrong")).to_contain_text("3")
    expect(field).to_have_value("go")


def test_a_file_that_is_no_picture_is_refused_at_the_well(owner):
    visit = owner.visit()
    visit.expects("400")
    page = visit.page
    nothing = {"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"}
    page.set_input_files("input[type=file] >> nth=0", [nothing])
    expect(page.locator(".wrong").first).to_be_visible()


def test_point_09_the_form_offers_what_the_model_can_do(owner):
    page = owner.visit().page
    model = next(each for each in page.request.get(f"{owner.base}/models").json()["models"] if each["default"])
    page.locator("summary").filter(has_text="More").click()
    shapes = page.get_by_role("group", name="Shape").get_by_role("radio")
    expect(shapes).to_have_count(1 + len(model["aspect_ratios"]))
    expect(page.get_by_role("group", name="Size").get_by_role("radio")).to_have_count(len(model["resolutions"]))
    length = page.get_by_label("Length")
    assert float(length.get_attribute("max")) == model["max_seconds"]


def test_point_18_camera_chips_move_on_the_own_picture(owner):
    page = owner.visit().page
    page.set_input_files("input[type=file] >> nth=0", [small_picture()])
    chip = page.get_by_role("checkbox", name="Orbit left")
    chip.check()
    eventually(lambda: page.evaluate("document.querySelector('.move img').src.includes('uploads')"))
    assert page.evaluate("getComputedStyle(document.querySelector('.moving-orbit_left')).animationName") != "none"
    page.reload()
    expect(page.get_by_role("checkbox", name="Orbit left")).to_be_checked()


def test_point_18_a_clip_ends_on_the_end_picture_or_loops(owner):
    page = owner.visit().page
    shorten(page)
    page.get_by_label("Loop").check()
    page.set_input_files("section[aria-label='Picture'] input[type=file] >> nth=0", [small_picture("astronaut.png")])
    page.get_by_label("What should happen?").fill("slow push in")
    expect(page.get_by_role("button", name="Replace")).to_be_visible()
    page.get_by_role("button", name="Make it move").click()
    playing(page)
    assert record(owner, page)["request"]["loop"]
    page.get_by_label("Loop").uncheck()
    on_its_way = []
    page.route("**/uploads", lambda route: on_its_way.append(route))  # noqa: PLW0108 - Playwright marks the function
    page.set_input_files("section[aria-label='End picture'] input[type=file] >> nth=0", [small_picture()])
    expect(page.get_by_role("button", name="Replace")).to_have_count(2)
    before = clip_shown(page)
    page.get_by_role("button", name="Make it move").click()
    expect(page.get_by_role("button", name="Sending the picture")).to_be_visible()
    on_its_way[0].continue_()
    expect(page).not_to_have_url(re.compile(before))
    playing(page)
    assert record(owner, page)["request"]["keyframes"]["frame1"]["type"] == "image"


def record(owner: Owner, page: Page) -> dict:
    """The record of the clip on the stage."""
    return page.request.get(f"{owner.base}/dream-machine/v1/generations/{clip_shown(page)}").json()


def test_point_23_a_table_of_pictures_is_made_at_once_under_one_progress(owner):
    page = owner.visit().page
    shorten(page)
    table = b'picture,sentence\none.jpg,"push in, slowly"\ntwo.jpg,pan left\nlost.jpg,x\n'
    files = [{**small_picture(), "name": name} for name in ("one.jpg", "two.jpg")]
    page.set_input_files(
        "input[type=file] >> nth=0", [*files, {"name": "table.csv", "mimeType": "text/csv", "buffer": table}]
    )
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("lost.jpg")
    expect(dialog.get_by_label("Sentence for one.jpg")).to_have_value("push in, slowly")
    dialog.get_by_role("button", name="Make 2 clips").click()
    lot = page.get_by_role("region", name="Clips made at once")
    expect(lot).to_contain_text("2 of 2 clips done", timeout=RENDERED)
    page.reload()
    expect(lot).to_contain_text("2 of 2 clips done")


def test_point_06_same_again_and_another_take_are_new_clips(owner):
    page = owner.visit(f"make?clip={owner.short}").page
    playing(page)
    first = record(owner, page)
    seeds = []
    for name in ("Same again", "Another take"):
        before = clip_shown(page)
        if name == "Same again":
            page.get_by_role("region", name="Clip").get_by_text("More").click()
        page.get_by_role("button", name=name).click()
        expect(page).not_to_have_url(re.compile(before))
        playing(page)
        made = record(owner, page)
        assert made["retry_of"] == before
        assert made["request"]["prompt"] == first["request"]["prompt"]
        seeds.append(made["seed"])
    assert seeds[0] == first["seed"] != seeds[1]


def test_point_08_a_cancelled_clip_can_be_asked_for_again(owner):
    page = owner.visit().page
    make_short(page, seconds=3)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Cancelled")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    playing(page)


def test_point_02_a_clip_is_followed_without_the_stream_and_the_page_says_so(owner):
    visit = owner.visit("about")
    visit.expects("ERR_FAILED", "ERR_ABORTED")
    visit.page.route("**/events", lambda route: route.abort())
    visit.go("make")
    visit.page.reload()
    expect(visit.page.get_by_text("Live updates are away")).to_be_visible()
    make_short(visit.page)
    playing(visit.page)


def test_point_02_progress_and_preview_are_seen_while_it_is_made(owner):
    page = owner.visit().page
    seen = page.evaluate_handle("""() => {
        const seen = {percents: new Set(), previews: 0};
        new MutationObserver(() => {
            const bar = document.querySelector('.stage [role=progressbar]');
            if (bar) seen.percents.add(bar.getAttribute('aria-valuenow'));
            seen.previews += document.querySelectorAll('.stage img[src*="/preview"]').length;
        }).observe(document.body, {subtree: true, childList: true, attributes: true});
        return seen;
    }""")
    make_short(page, "slow push in, snow falls", seconds=10)
    page.get_by_role("button", name="Cancel").wait_for()
    playing(page)
    assert page.evaluate("seen => seen.percents.size", seen) > 2
    assert page.evaluate("seen => seen.previews", seen) > 0


def test_point_27_the_next_clip_goes_on_from_the_last_frame(owner):
    page = owner.visit(f"make?clip={owner.short}").page
    playing(page)
    first = clip_shown(page)
    page.get_by_role("button", name="Continue from the last frame").click()
    page.get_by_label("What should happen?").fill("pull out")
    shorten(page)
    page.get_by_role("button", name="Make it move").click()
    expect(page).not_to_have_url(re.compile(first))
    playing(page)
    assert record(owner, page)["request"]["keyframes"]["frame0"] == {"type": "generation", "id": first}


def test_point_33_a_clip_is_made_by_the_keyboard_alone(owner):
    page = owner.visit().page
    expect(page.get_by_role("heading", name="Any picture can move")).to_be_visible()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").startswith("She breathes"):
            break
    page.keyboard.press("Enter")
    playing(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Shortcuts")).to_contain_text("Another take")


def test_point_35_on_a_phone_the_button_is_always_in_view(owner):
    page = owner.visit(device=PHONE).page
    button = page.get_by_role("button", name="Make it move")
    for _ in range(2):
        expect(button).to_be_in_viewport()
        page.mouse.wheel(0, 4000)
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(page.get_by_role("navigation", name="Places").last.get_by_role("link", name="Gallery")).to_be_in_viewport()


def test_a_picture_is_taken_from_the_clipboard_and_by_a_drop(owner):
    page = owner.visit().page
    carry = """(kind) => {
        const canvas = Object.assign(document.createElement('canvas'), {width: 60, height: 40});
        canvas.toBlob((blob) => {
            const carried = new DataTransfer();
            carried.items.add(new File([blob], 'a.png', {type: 'image/png'}));
            const event = kind === 'paste' ? new ClipboardEvent('paste', {clipboardData: carried, bubbles: true})
                : new DragEvent('drop', {dataTransfer: carried, bubbles: true, cancelable: true});
            document.querySelector('section[aria-label=Picture]').dispatchEvent(event);
        });
    }"""
    expect(page.get_by_role("button", name="Choose a picture")).to_be_visible()
    for kind in ("paste", "drop"):
        page.evaluate(carry, kind)
        expect(page.get_by_role("button", name="Replace")).to_be_visible()
        page.get_by_role("button", name="Take out the picture").click()
        expect(page.get_by_role("button", name="Choose a picture")).to_be_visible()


def test_point_10_the_code_runs_as_it_is_copied_and_holds_no_key(owner):
    page = owner.visit(f"make?clip={owner.short}").page
    playing(page)
    page.get_by_role("region", name="Clip").get_by_text("More").click()
    page.get_by_role("button", name="Copy as code").click()
    drawer = page.get_by_role("dialog")
    code = {}
    for way in ("curl", "Python", "JavaScript", "lumaai", "openai", "Command line"):
        drawer.get_by_role("radio", name=way, exact=True).check()
        code[way] = drawer.get_by_label("Code").inner_text()
        assert "STILLMOTION_KEY" in code[way]
        assert "sm_" not in code[way]
    drawer.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_text("Code copied.").first).to_be_visible()
    slot = page.request.get(f"{owner.base}/account").json()["keys"][0]["slot"]
    made = page.request.post(
        f"{owner.base}/account/keys/{slot}",
        data={"overlap_seconds": 3600},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    environment = {"STILLMOTION_KEY": made.json()["key"], "PATH": "/usr/bin:/bin"}
    answered = subprocess.run(["sh", "-c", code["curl"]], env=environment, capture_output=True, text=True, check=True)
    assert '"state":"queued"' in answered.stdout
    for way in ("Python", "lumaai", "openai"):
        compile(code[way], way, "exec")
