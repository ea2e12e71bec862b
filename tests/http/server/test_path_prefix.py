"""A server under a path prefix: all its addresses are right, with the prefix stripped by the proxy or not."""

import re
from urllib.parse import urljoin, urlsplit

import pytest

from tests.http.conftest import PICTURE_URL, POLL, SUBMIT
from tests.http.parsing.test_uploads import upload
from tests.http.surfaces.test_clear_meaning import bearer

PUBLIC = "https://host.example/video/"


@pytest.fixture(scope="module")
def prefixed(start):
    return start(public_url=PUBLIC)


@pytest.fixture(params=["", "/video"], ids=["stripped", "left"])
def asked_under(request):
    """The rest of the prefix that the proxy passes on."""
    return request.param


def linked(edge, under, page):
    """The addresses of all links of a page, as a browser resolves them."""
    answered = edge.ask("GET", f"{under}{page}")
    assert answered.status == 200
    base = urljoin(PUBLIC, page.lstrip("/"))
    for address in re.findall(r'(?:href|src)="([^"#]+)"', answered.content.decode()):
        if not address.startswith("data:"):
            yield urljoin(base, address)


@pytest.mark.parametrize("page", ["/", "/docs"])
def test_the_pages_lead_to_what_is_under_the_prefix(prefixed, asked_under, page):
    addresses = list(linked(prefixed, asked_under, page))
    assert len(addresses) > 2
    for address in addresses:
        assert address.startswith(PUBLIC)
        path = urlsplit(address).path.removeprefix("/video")
        assert prefixed.ask("GET", f"{asked_under}{path}").status in (200, 503)


def test_the_reference_asks_for_the_document_beside_it(prefixed, asked_under):
    script = prefixed.ask("GET", f"{asked_under}/docs/reference.js").content.decode()
    assert 'new URL("openapi.json", document.baseURI)' in script
    assert '"/' not in script


def test_the_document_names_the_server_under_the_prefix(prefixed, edge, asked_under):
    servers = [each["url"] for each in prefixed.ask("GET", f"{asked_under}/openapi.json").body["servers"]]
    assert {urljoin(f"{PUBLIC}openapi.json", each).rstrip("/") for each in servers} == {PUBLIC.rstrip("/")}
    assert edge.ask("GET", "/openapi.json").body["servers"] == [{"url": "./"}]


def test_requests_are_answered_and_files_fetched_at_the_addresses_given(prefixed, asked_under):
    caller = prefixed.caller()
    made = caller.post(f"{asked_under}{SUBMIT}", {"prompt": "leaning girl", "url": PICTURE_URL})
    assert made.status == 200
    caller.complete(made.body["id"])
    assets = caller.post(f"{asked_under}{POLL}", {"task_id": made.body["id"]}).body["assets"]
    for address in assets.values():
        assert address.startswith(f"{PUBLIC}assets/")
        path = address.removeprefix("https://host.example/video")
        assert prefixed.ask("GET", f"{asked_under}{path}").status == 200
    assert bearer(caller, "GET", f"{asked_under}/v1/videos/{made.body['id']}").body["id"] == made.body["id"]
    refused = prefixed.ask("GET", f"{asked_under}/dream-machine/v1/nothing")
    assert (refused.status, list(refused.body)) == (404, ["detail"])


def test_our_own_addresses_are_known_under_the_prefix(prefixed):
    caller = prefixed.caller()
    sent = upload(caller).body["url"]
    assert sent.startswith(f"{PUBLIC}assets/uploads/")
    made = caller.submit({"prompt": "x", "url": sent}).body
    assert made["request"]["keyframes"]["frame0"]["url"].startswith(f"{PUBLIC}assets/inputs/")
    caller.complete(made["id"])
    video = caller.poll(made["id"]).body["assets"]["video"]
    asked = {"media": {"url": video}, "aspect_ratio": "1:1"}
    reframed = bearer(caller, "POST", "/dream-machine/v1/generations/video/reframe", asked)
    assert reframed.body["request"]["source"] == made["id"]


def test_the_prefix_without_its_slash_leads_to_it(prefixed):
    answered = prefixed.ask("GET", "/video")
    assert (answered.status, answered.headers["location"]) == (308, "/video/")


@pytest.mark.parametrize("path", ["/videos", "/video2/docs", "/other/docs", "/video/video/docs"])
def test_what_is_under_no_prefix_of_ours_is_not_there(prefixed, path):
    assert prefixed.ask("GET", path).status == 404


@pytest.mark.parametrize("path", ["/v1/videos", "/v1/v1/videos"])
def test_a_prefix_that_looks_like_a_path_of_ours_hides_none(start, path):
    caller = start(public_url="https://host.example/v1").caller()
    assert bearer(caller, "GET", path).status == 200


def test_without_a_public_url_there_is_no_prefix(edge):
    assert edge.ask("GET", "/video/docs").status == 404
