"""Links to a clip: anyone may watch it until the link expires or is taken back."""

import re
from dataclasses import replace

import pytest

from stillmotion.domain.subscriptions import SubscriptionState
from tests.http.surfaces.test_clear_meaning import DREAM_MACHINE, bearer

UNKNOWN = "0193b1d2-6f5e-7c31-9d2a-5b0c7f3e8a44"
VIDEO = b"video" * 1000


def completed(caller):
    made = caller.submit().body["id"]
    caller.complete(made, VIDEO)
    return made


def share(caller, generation_id, **asked):
    return caller.post(f"/generations/{generation_id}/links", asked)


def local(caller, url):
    assert url.startswith(caller.edge.server.url)
    return url.removeprefix(caller.edge.server.url)


def test_whoever_has_the_link_watches_the_clip_and_nothing_else(any_edge):
    caller = any_edge.caller()
    made = completed(caller)
    shared = share(caller, made, expires_in=3600)
    assert (shared.status, shared.body["expires_at"][:10]) == (201, f"{any_edge.clock.now():%Y-%m-%d}")
    path = local(caller, shared.body["url"])
    page = any_edge.ask("GET", path)
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    text = page.content.decode()
    assert made not in text
    assert "leaning girl" not in text
    source, poster = re.search('<video src="([^"]+)" poster="([^"]+)"', text).groups()
    film = any_edge.ask("GET", f"/shared/{source}")
    assert (film.status, film.headers["content-type"], film.content) == (200, "video/mp4", VIDEO)
    assert film.headers["cache-control"] == "no-store"
    part = any_edge.ask("GET", f"/shared/{source}", headers={"Range": "bytes=5-9"})
    assert (part.status, part.content) == (206, b"video")
    assert any_edge.ask("GET", f"/shared/{poster}").headers["content-type"] == "image/jpeg"
    assert any_edge.ask("HEAD", path).status == 200


def test_the_page_runs_no_script_and_loads_nothing_from_elsewhere(caller):
    page = caller.edge.ask("GET", local(caller, share(caller, completed(caller)).body["url"]))
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert "'unsafe" not in policy
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-robots-tag"] == "noindex"
    assert b"<script" not in page.content
    assert b"//" not in page.content.replace(b"<!doctype", b"")


def test_a_link_ends_at_its_time(any_edge):
    caller = any_edge.caller()
    made = completed(caller)
    shared = share(caller, made, expires_in=60).body
    path = local(caller, shared["url"])
    any_edge.clock.advance(seconds=61)
    for each in (path, f"{path}.mp4"):
        ended = any_edge.ask("GET", each)
        assert (ended.status, b"expired" in ended.content) == (410, True)
    assert bearer(caller, "GET", f"/generations/{made}/links").body == {"links": []}
    any_edge.clock.advance(days=60)
    share(caller, made)
    assert any_edge.ask("GET", path).status == 404


def test_a_link_is_listed_and_taken_back(any_edge):
    caller = any_edge.caller()
    made = completed(caller)
    one, other = (share(caller, made.upper()).body for _ in range(2))
    assert bearer(caller, "GET", f"/generations/{made}/links").body == {"links": [one, other]}
    assert bearer(caller, "DELETE", f"/generations/{made}/links/{one['id']}").status == 204
    assert bearer(caller, "DELETE", f"/generations/{made}/links/{one['id']}").status == 404
    assert bearer(caller, "GET", f"/generations/{made}/links").body == {"links": [other]}
    assert any_edge.ask("GET", local(caller, one["url"])).status == 404
    assert any_edge.ask("GET", local(caller, other["url"])).status == 200


def test_a_link_goes_with_its_clip_and_rests_with_its_owner(any_edge):
    caller = any_edge.caller()
    made, kept = completed(caller), completed(caller)
    gone, resting = (local(caller, share(caller, each).body["url"]) for each in (made, kept))
    bearer(caller, "DELETE", f"{DREAM_MACHINE}/{made}")
    assert any_edge.ask("GET", gone).status == 404

    def enter(state):
        change = any_edge.store.change_subscription
        any_edge.run(change(caller.issued.subscription.id, lambda each: replace(each, state=state)))

    enter(SubscriptionState.SUSPENDED)
    assert any_edge.ask("GET", resting).status == 404
    enter(SubscriptionState.ACTIVE)
    assert any_edge.ask("GET", resting).status == 200


@pytest.mark.parametrize(
    "change", [str.upper, lambda path: path[:-1], lambda path: path + "0", lambda path: path[:-32]]
)
def test_a_token_opens_nothing_if_a_digit_is_wrong(caller, change):
    path = local(caller, share(caller, completed(caller)).body["url"])
    token = path.removeprefix("/shared/")
    for wrong in (change(token), f"{token}.exe", f"{token}.mp4.mp4", token[::-1]):
        assert caller.edge.ask("GET", f"/shared/{wrong}").status == 404
    assert caller.edge.ask("GET", path).status == 200


def test_an_unfinished_clip_is_not_shared(caller):
    made = caller.submit().body["id"]
    refused = share(caller, made)
    assert refused.status == 400
    assert refused.body["details"][0] == {
        "field": "id",
        "message": "is queued: a clip is shared once it is completed",
    }


@pytest.mark.parametrize("seconds", [59, 31_536_001, -1, 1.5, "a week", True])
def test_a_lifetime_out_of_bounds_is_refused(caller, seconds):
    refused = share(caller, completed(caller), expires_in=seconds)
    assert (refused.status, refused.body["details"][0]["field"]) == (400, "expires_in")


def test_a_clip_has_a_hundred_links_at_most(any_edge):
    caller = any_edge.caller()
    made = completed(caller)
    assert {share(caller, made).status for _ in range(100)} == {201}
    assert share(caller, made).status == 429


def test_anothers_links_are_as_unknown_as_none(any_edge):
    caller, other = any_edge.caller(), any_edge.caller()
    theirs = completed(other)
    link = share(other, theirs).body["id"]
    for ask in (
        lambda made: share(caller, made),
        lambda made: bearer(caller, "GET", f"/generations/{made}/links"),
        lambda made: bearer(caller, "DELETE", f"/generations/{made}/links/{link}"),
    ):
        answers = [ask(made) for made in (theirs, UNKNOWN)]
        assert [each.status for each in answers] == [404, 404]
        assert answers[0].content == answers[1].content
    own = completed(caller)
    assert bearer(caller, "DELETE", f"/generations/{own}/links/{link}").status == 404
    assert len(bearer(other, "GET", f"/generations/{theirs}/links").body["links"]) == 1
    assert any_edge.ask("GET", f"/generations/{theirs}/links").status == 401
