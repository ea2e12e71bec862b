"""Make without a picture, or with an address that is none: each is told beside the well, and stays."""

from playwright.sync_api import expect

NEEDED = "A picture is needed"


def test_make_without_a_picture_says_that_one_is_needed(console):
    visit = console.visit("make")
    visit.expects("400")
    page = visit.page
    page.get_by_label("What should happen?").fill("push in")
    with page.expect_response("**/plan"):
        page.get_by_role("button", name="Make it move").click()
        expect(page.get_by_text(NEEDED)).to_be_visible()
    # The plan of what was typed comes later, and does not take the sentence away.
    expect(page.get_by_text("push in", exact=True)).to_be_visible()
    expect(page.get_by_text(NEEDED)).to_be_visible()


def test_an_address_that_was_typed_is_taken_or_told(console):
    page = console.visit("make").page
    page.get_by_role("button", name="Use an address").click()
    field = page.get_by_label("Address of a picture")
    field.fill("htp:/nonsense")
    page.get_by_role("button", name="Make it move").click()
    expect(page.get_by_text("must begin with http:// or https://")).to_be_visible()
    field.fill("http://127.0.0.1:9/none.jpg")
    submitted = []
    page.on("request", lambda request: submitted.append(request.url) if request.method == "POST" else None)
    page.get_by_role("button", name="Use it").click()
    expect(page.get_by_role("button", name="Replace")).to_be_visible()
    with page.expect_response("**/plan"):
        page.get_by_label("What should happen?").fill("push in")
    # To take an address is not to send the form.
    assert not [each for each in submitted if each.endswith("generations")]
