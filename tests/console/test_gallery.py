"""The gallery and a clip's page, in a browser over the sample data."""

import re

from playwright.sync_api import expect

from tools.console.browser import PHONE


def tiles(page):
    return page.get_by_role("article")


def test_point_05_the_gallery_holds_every_clip_over_a_reload(console):
    page = console.visit("gallery").page
    expect(tiles(page).first).to_be_visible()
    count = tiles(page).count()
    assert count > 5
    page.reload()
    expect(tiles(page)).to_have_count(count)


def test_point_21_search_and_filters_stand_in_the_address(console):
    page = console.visit("gallery").page
    expect(tiles(page).first).to_be_visible()
    every = tiles(page).count()
    page.get_by_role("radio", name="Failed").check()
    expect(page).to_have_url(re.compile("state=failed"))
    expect(tiles(page).first).to_be_visible()
    assert tiles(page).count() < every
    page.reload()
    expect(page.get_by_role("radio", name="Failed")).to_be_checked()
    page.keyboard.press("/")
    page.keyboard.type("no sentence has these words")
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    page.get_by_role("link", name="Show all clips").click()
    expect(tiles(page)).to_have_count(every)


def test_point_28_two_clips_play_side_by_side_in_step(console):
    page = console.visit("gallery?state=completed").page
    boxes = page.get_by_role("checkbox", name=re.compile("^Select"))
    tiles(page).first.hover()
    boxes.nth(0).check()
    boxes.nth(1).check()
    page.get_by_role("button", name="Compare").click()
    dialog = page.get_by_role("dialog", name="Side by side")
    expect(dialog.get_by_role("button", name="Pause both")).to_be_visible()
    dialog.get_by_role("button", name="Pause both").click()
    dialog.get_by_label("Place in both clips").fill("500")
    times = "[...document.querySelectorAll('dialog video')].map(each => each.currentTime / each.duration)"
    first, second = page.evaluate(times)
    assert abs(first - second) < 0.05
    expect(page).to_have_url(re.compile("compare="))
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page).not_to_have_url(re.compile("compare="))


def test_point_33_the_gallery_goes_by_keys(console):
    page = console.visit("gallery?state=completed").page
    expect(tiles(page).first).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_role("region", name="Selected clips")).to_contain_text("1 selected")
    assert page.get_by_role("checkbox", name=re.compile("^Select")).nth(1).is_checked()
    page.keyboard.press("k")
    page.keyboard.press(" ")
    expect(page.locator("article video")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"#/gallery/[\w-]{36}"))


def test_point_29_the_way_back_from_a_clip_leads_to_the_same_view(console):
    page = console.visit("gallery?state=completed").page
    tiles(page).first.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("radio", name="Done")).to_be_checked()
    expect(tiles(page).first).to_be_visible()


def test_point_13_a_clip_tells_what_became_of_it(console):
    page = console.visit(f"gallery/{console.ids['completed'][0]}").page
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
    for step in ("Accepted", "Begun", "Done"):
        expect(page.get_by_text(step, exact=True).first).to_be_visible()
    expect(page.get_by_text("parallax/1", exact=True)).to_be_visible()
    page.keyboard.press(".")
    assert page.evaluate("document.querySelector('video').paused")


def test_another_keys_clip_is_not_here(console):
    page = console.visit("gallery?state=completed").page
    address = tiles(page).first.get_by_role("link").get_attribute("href")
    visit = console.visit(address.removeprefix("#/"), by="Corner cinema")
    visit.expects("404")
    expect(visit.page.get_by_role("heading", name="This clip is not here").last).to_be_visible()


def test_point_28_favourites_are_kept(console):
    page = console.visit("gallery?state=completed").page
    tiles(page).first.hover()
    page.get_by_role("button", name="Favourite", exact=True).first.click()
    expect(page.get_by_role("button", name="No longer a favourite")).to_be_visible()
    page.get_by_role("radio", name="Favourites").check()
    expect(tiles(page)).to_have_count(1)
    tiles(page).first.hover()
    page.get_by_role("button", name="No longer a favourite").click()
    expect(page.get_by_role("button", name="Favourite", exact=True)).to_be_visible()


def test_deleted_clips_come_back_within_ten_seconds(console):
    page = console.visit("gallery?state=completed").page
    expect(tiles(page).first).to_be_visible()
    count = tiles(page).count()
    page.keyboard.press("j")
    page.keyboard.press("Delete")
    expect(tiles(page)).to_have_count(count - 1)
    page.get_by_role("button", name="Undo").click()
    expect(tiles(page)).to_have_count(count)
    page.reload()
    expect(tiles(page)).to_have_count(count)


def test_point_06_these_settings_are_put_back_into_make(console):
    page = console.visit(f"gallery/{console.ids['completed'][0]}").page
    sentence = page.get_by_role("heading", level=1).inner_text()
    page.keyboard.press("u")
    expect(page.get_by_label("What should happen?")).to_have_value(sentence)
    expect(page.get_by_role("button", name="Replace")).to_be_visible()


def test_point_35_on_a_phone_a_tap_plays_and_select_shows_the_boxes(console):
    page = console.visit("gallery?state=completed", device=PHONE).page
    boxes = page.get_by_role("checkbox", name=re.compile("^Select"))
    expect(tiles(page).first).to_be_visible()
    expect(boxes.first).to_be_hidden()
    page.get_by_role("button", name=re.compile("^Play")).first.tap()
    expect(page.locator("article video")).to_have_count(1)
    page.get_by_role("button", name="Select", exact=True).tap()
    expect(boxes.first).to_be_visible()


def test_point_39_an_empty_gallery_teaches_the_way(console):
    page = console.visit("gallery?day=2001-01-01").page
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()


def test_point_30_a_link_plays_the_clip_until_it_is_taken_back(console):
    page = console.visit("gallery?state=completed").page
    tiles(page).first.get_by_role("link").click()
    page.get_by_role("button", name="Copy a new link").click()
    row = page.get_by_role("listitem").filter(has_text="Works until")
    expect(row).to_have_count(1)
    expect(page.get_by_text("Link copied.").first).to_be_visible()
    links = page.request.get(f"{console.base}/generations/{page.url.rpartition('/')[2]}/links").json()["links"]
    stranger = console.visit(by=None).page
    stranger.goto(links[0]["url"])
    expect(stranger.locator("video")).to_be_visible()
    row.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("Nobody has a link to this clip.")).to_be_visible()
    assert stranger.request.get(links[0]["url"]).status in (404, 410)
