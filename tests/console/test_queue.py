"""Screen 5, the queue: three of Ada's clips wait in the sample data, and nothing renders them."""

from playwright.sync_api import expect

from tests.console.conftest import ADA

CORNER = "Corner cinema"


def waiting(page):
    return page.get_by_role("list", name="Unfinished clips").get_by_role("listitem")


def test_point_03_each_clip_has_its_place_in_line(console):
    page = console.visit("queue").page
    expect(waiting(page)).to_have_count(3)
    expect(waiting(page).nth(0)).to_contain_text("Next in line")
    expect(waiting(page).nth(1)).to_contain_text("Number 2 in line")
    expect(page).to_have_title("(3) Queue · Stillmotion")


def test_point_08_a_cancel_can_be_undone(console):
    page = console.visit("queue").page
    waiting(page).nth(1).get_by_role("button", name="Cancel").click()
    expect(waiting(page)).to_have_count(2)
    page.get_by_role("button", name="Undo").click()
    expect(waiting(page)).to_have_count(3)
    page.reload()
    expect(waiting(page)).to_have_count(3)


def test_a_waiting_clip_gets_another_sentence_and_keeps_its_place(console):
    page = console.visit("queue").page
    waiting(page).nth(0).get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog", name="Edit what it does")
    dialog.get_by_label("Sentence").fill("tilt down, leaves fall")
    dialog.get_by_role("button", name="Save").click()
    expect(waiting(page).nth(0)).to_contain_text("tilt down, leaves fall")
    expect(waiting(page).nth(0)).to_contain_text("Next in line")
    page.reload()
    expect(waiting(page).nth(0)).to_contain_text("tilt down, leaves fall")


def test_point_33_the_keys_j_and_k_go_through_the_list(console):
    page = console.visit("queue").page
    expect(waiting(page)).to_have_count(3)
    page.keyboard.press("j")
    expect(waiting(page).nth(0)).to_be_focused()
    page.keyboard.press("j")
    expect(waiting(page).nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(waiting(page).nth(0)).to_be_focused()


def test_point_40_a_hidden_tab_asks_no_more_and_looks_anew_when_it_is_seen(console):
    page = console.visit("queue").page
    expect(waiting(page)).to_have_count(3)
    hide(page, hidden=True)
    page.wait_for_timeout(300)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(1500)
    assert asked == []
    hide(page, hidden=False)
    expect(waiting(page)).to_have_count(3)
    assert any("generations" in each for each in asked)


def hide(page, *, hidden):
    """Tell the page that its tab went behind another, or came back: a browser without a window has none."""
    page.evaluate(
        "hidden => { Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden});"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        hidden,
    )


def test_a_page_that_is_left_cancels_at_once(console):
    """It leaves two clips. Two tabs see the same."""
    first = console.visit("queue")
    other = console.another_tab(first.page.context, "queue").page
    page = first.page
    expect(waiting(page)).to_have_count(3)
    waiting(page).nth(2).get_by_role("button", name="Cancel").click()
    page.goto(f"{console.base}/docs")
    expect(waiting(other)).to_have_count(2)
    page.goto(f"{console.base}/#/queue")
    expect(waiting(page)).to_have_count(2)


def test_point_22_all_are_cancelled_together(console):
    page = console.visit("queue").page
    expect(waiting(page)).to_have_count(2)
    page.get_by_role("button", name="Cancel all").click()
    expect(page.get_by_text("2 clips cancelled.").filter(visible=True).first).to_be_visible()
    expect(page.get_by_role("heading", name="Nothing is waiting")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(waiting(page)).to_have_count(2)


def test_point_39_an_empty_queue_says_what_comes_here(console):
    page = console.visit("queue", by=CORNER).page
    expect(page.get_by_role("heading", name="Nothing is waiting")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Make a clip").click()
    expect(page.get_by_role("heading", name="Any picture can move")).to_be_visible()
    expect(page).to_have_title("Stillmotion")


def test_another_customer_does_not_see_them(console):
    assert ADA != CORNER
    page = console.visit("queue", by=CORNER).page
    expect(page.get_by_role("heading", name="Nothing is waiting")).to_be_visible()
    assert waiting(page).count() == 0
