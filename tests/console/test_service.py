"""Screens 10 to 14, for the operator. The server has no renderer, so that what waits goes on waiting."""

import re

from playwright.sync_api import expect

from tests.console.conftest import ADA, OPERATOR


def test_point_20_the_overview_says_in_one_look_how_it_is(console):
    page = console.visit("overview", by=OPERATOR).page
    expect(page.get_by_role("heading", name="The last hour")).to_be_visible()
    main = page.get_by_role("main")
    expect(main.get_by_role("link", name=re.compile("Waiting"))).to_contain_text("3")
    for name in ("Wait", "Render", "Disk free"):
        expect(main.get_by_text(name, exact=True)).to_be_visible()
    expect(main.get_by_role("img", name=re.compile("Asked for in the last hour"))).to_be_visible()
    expect(main.get_by_text(re.compile(r"Stillmotion \d"))).to_be_visible()


def test_a_customer_near_a_limit_is_named_on_the_overview(console):
    page = console.visit("overview", by=OPERATOR).page
    expect(page.get_by_text("Near a limit: Corner cinema")).to_be_visible()


def test_point_20_a_trouble_comes_with_its_remedy(console):
    """This server has no renderer, so what waits is never made."""
    page = console.visit("overview", by=OPERATOR).page
    troubles = page.get_by_role("region", name="Troubles")
    expect(troubles).to_be_visible()
    assert len(troubles.inner_text()) > 40


def clips(page):
    return page.get_by_role("rowgroup").last.get_by_role("row")


def test_point_12_the_table_of_everybody_is_filtered_and_its_state_is_in_the_address(console):
    page = console.visit("everybody", by=OPERATOR).page
    expect(clips(page).first).to_be_visible()
    page.get_by_label("State").select_option("Waiting")
    expect(clips(page)).to_have_count(3)
    page.get_by_label("State").select_option("Failed")
    page.get_by_label("Customer").select_option("Blue Whale Press")
    expect(clips(page).first).to_contain_text("Failed")
    assert "Ada" not in "".join(clips(page).all_inner_texts())
    page.reload()
    expect(page.get_by_label("State")).to_have_value("failed")
    expect(clips(page).first).to_contain_text("Blue Whale Press")


def test_point_37_a_customers_words_are_hidden_until_they_are_revealed_and_38_the_look_is_logged(console):
    page = console.visit("everybody?state=failed", by=OPERATOR).page
    expect(clips(page).first).to_be_visible()
    assert "snow falls" not in page.content()
    page.get_by_label("Words or id").fill("snow")
    expect(clips(page)).to_have_count(1)
    clips(page).first.get_by_role("button").click()
    drawer = page.get_by_role("dialog", name="Clip")
    expect(drawer.get_by_text("are the customer's")).to_be_visible()
    assert "snow falls" not in page.content()
    drawer.get_by_role("button", name="Reveal them").click()
    expect(drawer.get_by_text("snow falls on the pines")).to_be_visible()
    page.keyboard.press("Escape")
    page.goto(f"{console.base}/#/settings/actions")
    expect(page.get_by_role("row").filter(has_text=re.compile("reveal", re.IGNORECASE)).first).to_be_visible()


def test_point_13_the_timeline_tells_every_attempt(console):
    page = console.visit("everybody?state=failed&search=snow", by=OPERATOR).page
    clips(page).first.get_by_role("button").click()
    drawer = page.get_by_role("dialog", name="Clip")
    expect(drawer.get_by_text("Accepted")).to_be_visible()
    expect(drawer.get_by_role("listitem").filter(has_text="attempt 3").first).to_be_visible()


def test_point_15_the_queue_is_paused_and_goes_on(console):
    page = console.visit("everybody", by=OPERATOR).page
    queue = page.get_by_role("region", name="Queue")
    queue.get_by_role("button", name="Pause").click()
    expect(queue.get_by_text("Paused", exact=True)).to_be_visible()
    assert console.administer("GET", "queue")["paused"]
    queue.get_by_role("button", name="Resume").click()
    expect(queue.get_by_text("Running", exact=True)).to_be_visible()
    assert not console.administer("GET", "queue")["paused"]


def test_a_press_is_not_lost_though_the_page_renews_itself_meanwhile(console):
    page = console.visit("everybody", by=OPERATOR).page
    queue = page.get_by_role("region", name="Queue")
    queue.get_by_role("button", name="Pause").hover()
    page.mouse.down()
    with page.expect_response(re.compile("admin/v1/queue$")):
        pass  # The page looks every three seconds.
    page.mouse.up()
    expect(queue.get_by_text("Paused", exact=True)).to_be_visible()
    queue.get_by_role("button", name="Resume").click()
    expect(queue.get_by_text("Running", exact=True)).to_be_visible()


def test_point_15_one_model_is_drained_and_resumed(console):
    page = console.visit("everybody", by=OPERATOR).page
    queue = page.get_by_role("region", name="Queue")
    queue.get_by_role("button", name="One part only").click()
    dialog = page.get_by_role("dialog", name="One part of the queue")
    dialog.get_by_label("Model or worker").select_option("parallax/1")
    dialog.get_by_role("button", name="Drain it").click()
    expect(queue.get_by_text("Draining", exact=True)).to_be_visible()
    queue.get_by_role("button", name="Resume model parallax/1").click()
    expect(queue.get_by_text("Draining", exact=True)).to_have_count(0)


def test_a_waiting_clip_is_moved_to_the_front(console):
    page = console.visit("everybody?state=queued", by=OPERATOR).page
    expect(clips(page)).to_have_count(3)
    clips(page).filter(has_text="number 3").get_by_role("button").click()
    drawer = page.get_by_role("dialog", name="Clip")
    expect(drawer.get_by_text("number 3 in line")).to_be_visible()
    drawer.get_by_role("button", name="To the front").click()
    expect(drawer.get_by_text("number 1 in line")).to_be_visible()


def test_point_22_what_the_filter_finds_is_tried_again_together(console):
    blue = next(each for each in customers(console) if each["name"] == "Blue Whale Press")
    page = console.visit(f"everybody?state=failed&subscription={blue['id']}", by=OPERATOR).page
    found = clips(page)
    expect(found.first).to_be_visible()
    before = found.count()
    page.get_by_role("group", name="For all of them").get_by_role("button", name="Try again").click()
    page.get_by_role("dialog").get_by_role("button", name=f"Try again {before}").click()
    expect(page.get_by_text(re.compile(f"{before} clips?: done")).filter(visible=True).first).to_be_visible()
    waiting = console.administer("GET", f"generations?state=queued&subscription={blue['id']}")
    assert len(waiting["generations"]) == before


def test_point_22_more_than_twenty_are_deleted_only_after_their_number_is_typed(console):
    page = console.visit("everybody?state=completed", by=OPERATOR).page
    expect(clips(page).first).to_be_visible()
    count = console.administer("GET", "generations?state=completed&limit=100")["total"]
    assert count > 20
    page.get_by_role("group", name="For all of them").get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    sure = dialog.get_by_role("button", name=f"Delete {count}")
    expect(sure).to_be_disabled()
    dialog.get_by_role("textbox").fill(str(count))
    expect(sure).to_be_enabled()
    dialog.get_by_role("button", name="Keep it").click()
    assert console.administer("GET", "generations?state=completed&limit=100")["total"] == count


def test_failures_of_everybody_stand_by_their_reason(console):
    page = console.visit("everybody/failures", by=OPERATOR).page
    expect(page.get_by_role("row").filter(has_text="image_decode_failed")).to_have_count(1)


def customers(console):
    return console.administer("GET", "subscriptions")["subscriptions"]


def test_a_customer_is_made_suspended_and_ended(console):
    visit = console.visit("customers", by=OPERATOR)
    visit.expects("400.*subscriptions")
    page = visit.page
    page.get_by_role("button", name="New customer").click()
    form = page.get_by_role("dialog", name="New customer")
    form.get_by_role("button", name="Make the customer").click()
    expect(form.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    form.get_by_label("Name").fill("Delta films")
    form.get_by_label("Product").select_option("trial")
    form.get_by_role("button", name="Make the customer").click()
    once = page.get_by_role("dialog", name="Keys of Delta films")
    assert once.get_by_label("First key", exact=True).input_value().startswith("sm_")
    page.keyboard.press("Escape")
    row = page.get_by_role("row").filter(has_text="Delta films")
    expect(row).to_contain_text("Active")
    row.get_by_role("button", name="Change Delta films").click()
    page.get_by_role("dialog", name="Delta films").get_by_role("button", name="Suspend").click()
    expect(row).to_contain_text("Suspended")
    assert {each["name"]: each["state"] for each in customers(console)}["Delta films"] == "suspended"


def test_customers_near_their_limit_are_named(console):
    page = console.visit("customers", by=OPERATOR).page
    expect(page.get_by_role("meter", name=f"{ADA}: used this month")).to_be_visible()


def test_a_products_limits_are_a_form_that_says_what_is_wrong(console):
    visit = console.visit("customers/products", by=OPERATOR)
    visit.expects("400.*products/trial")
    page = visit.page
    page.get_by_role("button", name="Change trial").click()
    form = page.get_by_role("dialog", name="Product trial")
    form.get_by_label("Longest clip").fill("99")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_label("Longest clip")).to_have_attribute("aria-invalid", "true")
    expect(form.get_by_text("1 to 12").first).to_be_visible()
    form.get_by_label("Longest clip").fill("6")
    form.get_by_role("button", name="Save").click()
    expect(form).to_have_count(0)
    assert console.administer("GET", "products/trial")["max_seconds"] == 6


def test_point_24_models_say_what_they_can_and_whether_they_are_here(console):
    page = console.visit("models", by=OPERATOR).page
    models = page.get_by_role("list", name="Models").get_by_role("listitem")
    ours = models.filter(has_text="ray-1-6")
    expect(ours).to_contain_text("on the CPU")
    expect(ours).to_contain_text("Out of reach")
    expect(ours).to_contain_text("no worker makes it just now")
    expect(ours).to_contain_text("Apache-2.0")
    page.get_by_text("that cannot run here").click()
    unfit = page.get_by_role("list", name="Models that cannot run here").get_by_role("listitem")
    expect(unfit.filter(has_text="cogvideox").first).to_contain_text("licence")


def test_point_25_workers_and_other_servers_have_their_place(console):
    page = console.visit("models", by=OPERATOR).page
    expect(page.get_by_role("heading", name="Workers", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="Other servers")).to_be_visible()
    expect(page.get_by_text("None is asked: everything is made here.")).to_be_visible()


def test_settings_are_shown_with_their_source_and_no_secret(console):
    page = console.visit("settings", by=OPERATOR).page
    page.get_by_label("Find a setting").fill("admin")
    row = page.get_by_role("row").filter(has_text="admin_key")
    expect(row).to_contain_text("set, not shown")
    expect(row).to_contain_text("environment")
    page.get_by_label("Find a setting").fill("renderers")
    expect(page.get_by_role("row").filter(has_text="renderers")).to_contain_text("0")


def test_a_request_is_found_by_its_id(console):
    page = console.visit("settings/requests", by=OPERATOR).page
    lines = page.get_by_role("row").filter(has_text="GET")
    expect(lines.first).to_be_visible()
    request = lines.first.get_by_role("cell").last.inner_text()
    page.get_by_label("Request id").fill(request)
    expect(lines).to_have_count(1)
    assert f"id={request}" in page.url


def test_point_38_what_an_administrator_does_is_in_the_log(console):
    console.administer("POST", "queue/pause", {"model": "parallax/1"})
    console.administer("POST", "queue/resume", {"model": "parallax/1"})
    page = console.visit("settings/actions", by=OPERATOR).page
    expect(page.get_by_role("row").filter(has_text="Pause queue").first).to_contain_text("parallax/1")


def test_point_29_a_page_of_the_table_is_in_the_address_and_only_one_is_held(console):
    page = console.visit("everybody?state=completed", by=OPERATOR).page
    expect(clips(page).first).to_be_visible()
    assert clips(page).count() <= 50
    expect(page.get_by_role("button", name="Newer")).to_be_hidden()
