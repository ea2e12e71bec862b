"""The console below a path of its host, as behind a proxy that others share."""

import pytest
from playwright.sync_api import expect

from tests.console.conftest import ADA, served_console
from tests.docs.conftest import free_port


@pytest.fixture(scope="module")
def house(browser, sample, tmp_path_factory):
    port = free_port()
    settings = {"STILLMOTION_PUBLIC_URL": f"http://127.0.0.1:{port}/studio/video"}
    with served_console(browser, sample, tmp_path_factory.mktemp("console"), settings, port) as opened:
        yield opened


def test_point_32_all_of_it_is_below_the_prefix(console):
    prefix = "/studio/video/"
    page, asked = console.visit(by=None).page, []
    page.get_by_role("button", name="Sign in").wait_for()
    page.goto("about:blank")
    page.on("request", lambda request: asked.append(request.url.removeprefix(console.base)))
    page.goto(console.base + prefix)
    page.get_by_label("Key").fill(console.keys[ADA])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Any picture can move").wait_for()
    places = page.get_by_role("navigation", name="Places").filter(visible=True)
    places.get_by_role("link", name="Gallery").click()
    picture = page.get_by_role("main").locator("article img").first
    expect(picture).to_be_visible()
    expect(picture).not_to_have_js_property("naturalWidth", 0)
    places.get_by_role("link", name="Queue").click()
    expect(page.get_by_role("list", name="Unfinished clips").get_by_role("listitem")).to_have_count(3)
    assert [each for each in asked if not each.startswith((prefix, "data:", "blob:"))] == []
    assert {each["path"] for each in page.context.cookies()} == {prefix}
