"""The console over a bucket: pictures and clips come from there by presigned links, and files are saved by name."""

import pytest
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def settings(sample, seaweedfs):
    """A bucket that has a copy of the data directory's objects."""
    place = seaweedfs.new_place()
    seaweedfs.copy(sample / "data" / "objects", place)
    options = ",".join(f"{name}={value}" for name, value in seaweedfs.options.items())
    return {"STILLMOTION_STORAGE": f"s3://{place}", "STILLMOTION_STORAGE_OPTIONS": options}


def test_a_clip_plays_from_the_bucket_and_is_saved_by_its_name(console, seaweedfs):
    clip = console.ids["completed"][0]
    visit = console.visit(f"gallery/{clip}")
    visit.expects(f"foreign request: {seaweedfs.endpoint}/")
    film = visit.page.locator("video").first
    expect(film).to_be_visible()
    assert film.get_attribute("src").startswith(seaweedfs.endpoint)
    visit.page.wait_for_function("() => document.querySelector('video').currentTime > 0.2")
    with visit.page.expect_download() as download:
        visit.page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == f"{clip}.mp4"
    assert download.value.path().read_bytes()[4:8] == b"ftyp"
    size = visit.page.get_by_role("definition").filter(has_text="kB")
    expect(size.first).to_be_visible()
    visit.go("gallery")
    picture = visit.page.locator(f"img[src^='{seaweedfs.endpoint}']").first
    expect(picture).to_be_visible()
    assert picture.evaluate("each => each.decode().then(() => each.naturalWidth)") > 0


def test_the_picture_of_a_clip_that_waits_comes_from_the_bucket(console, seaweedfs):
    visit = console.visit("queue")
    visit.expects(f"foreign request: {seaweedfs.endpoint}/")
    picture = visit.page.locator(f".thumb img[src^='{seaweedfs.endpoint}']").first
    expect(picture).to_be_visible()
    visit.go(f"gallery/{console.ids['queued'][0]}")
    expect(visit.page.get_by_alt_text("The picture")).to_be_visible()
