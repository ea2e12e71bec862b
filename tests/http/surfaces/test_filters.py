"""Filters and cursors of the lists, and metadata, on the surfaces that have them."""

from datetime import timedelta
from urllib.parse import quote, urlencode

import pytest

from tests.builders import NOON
from tests.http.surfaces.test_clear_meaning import DREAM_MACHINE, bearer, dream, video

VIDEOS = "/v1/videos"
PICTURE = {"frame0": {"url": "https://example.com/a.png"}}


def page(caller, path=DREAM_MACHINE, **query):
    answered = bearer(caller, "GET", f"{path}?{urlencode(query)}")
    assert answered.status == 200, answered.content
    return answered.body


def ids(caller, path=DREAM_MACHINE, **query):
    return [each["id"] for each in page(caller, path, **query)["generations" if path is DREAM_MACHINE else "data"]]


def make(caller, prompt="a lake", **parts):
    return dream(caller, prompt=prompt, keyframes=PICTURE, **parts).body["id"]


@pytest.mark.parametrize("order", ["desc", "asc"])
@pytest.mark.parametrize("query", [{}, {"search": "LAKE"}, {"state": "queued,failed"}])
def test_a_list_is_walked_to_its_end_and_back(any_edge, order, query):
    caller = any_edge.caller()
    made = [make(caller) for _ in range(5)]
    expected = made[::-1] if order == "desc" else made
    asked = {"limit": 2, "order": order} | query
    first = page(caller, **asked)
    second = page(caller, **asked, after=first["next"])
    last = page(caller, **asked, after=second["next"].upper())
    walked = [[each["id"] for each in one["generations"]] for one in (first, second, last)]
    assert walked == [expected[:2], expected[2:4], expected[4:]]
    assert [one["has_more"] for one in (first, second, last)] == [True, True, False]
    assert (first["previous"], last["next"]) == (None, None)
    back = page(caller, **asked, before=last["previous"])
    assert [each["id"] for each in back["generations"]] == expected[2:4]
    start = page(caller, **asked, before=back["previous"])
    assert [each["id"] for each in start["generations"]] == expected[:2]
    assert (start["previous"], start["next"], back["next"]) == (None, expected[1], expected[3])


def test_the_first_page_tells_how_many_there_are_where_that_costs_nothing(caller):
    for _ in range(3):
        make(caller)
    assert page(caller, limit=2)["total"] == 3
    assert page(caller, limit=2, state="queued")["total"] == 3
    assert page(caller, limit=2, state="failed")["total"] == 0
    assert page(caller, limit=2, search="lake")["total"] is None
    assert page(caller, limit=3, search="lake")["total"] == 3
    assert page(caller, limit=2, after=make(caller))["total"] is None


@pytest.mark.parametrize("path", [DREAM_MACHINE, VIDEOS])
def test_each_filter_chooses_and_all_do_together(any_edge, path):
    caller, other = any_edge.caller(), any_edge.caller()
    lake = make(caller, model="ray-2", metadata={"order": "7 & 8", "favourite": "true"})
    any_edge.clock.advance(days=1)
    hill = video(caller, prompt="A Hill", model="sora-2", metadata={"order": "9"}).body["id"]
    make(other, metadata={"order": "9"})
    caller.change(lake, lambda each: each.cancelled(NOON))
    midnight = (any_edge.clock.now() - timedelta(hours=12)).isoformat()
    for query, expected in [
        ({"state": "failed"}, [lake]),
        ({"state": "queued,dreaming"}, [hill]),
        ({"state": "completed"}, []),
        ({"model": "sora-2-2025-10-06"}, [hill]),
        ({"search": "hill"}, [hill]),
        ({"search": "7 &"}, [lake]),
        ({"id": lake[:-3].upper()}, [lake] if lake[:-3] != hill[:-3] else [hill, lake]),
        ({"created_after": midnight}, [hill]),
        ({"created_before": midnight}, [lake]),
        ({"metadata.order": "9"}, [hill]),
        ({"metadata.order": "9", "metadata.favourite": "true"}, []),
        ({"state": "failed", "model": "ray-2", "search": "lake", "metadata.favourite": "true"}, [lake]),
    ]:
        assert ids(caller, path, **query) == expected, query


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        ("state=done", "state: must be one or more of queued, dreaming, completed, failed, with commas between them"),
        ("state=", "state: must be one or more of"),
        ("search=", "search: must be 1 to 200 characters"),
        ("search=" + "x" * 201, "search: must be 1 to 200 characters"),
        ("id=xyz", "id: must be the beginning of an id"),
        ("created_after=2026-11-22", "created_after: must be a time with its zone"),
        ("created_before=2026-11-22T12:00:00", "created_before: must be a time with its zone"),
        ("created_before=2026-02-30T12:00:00Z", "created_before: must be a time of the calendar"),
        ("created_before=0.5", "created_before: must be a time with its zone"),
        ("metadata.a=1&metadata.a=2", "metadata.a: stands twice"),
    ],
)
@pytest.mark.parametrize("path", [DREAM_MACHINE, VIDEOS])
def test_a_filter_that_means_nothing_is_refused(caller, path, query, refused):
    answered = bearer(caller, "GET", f"{path}?{query}")
    assert answered.status == 400
    body = answered.body
    assert (body["detail"] if "detail" in body else body["error"]["message"]).startswith(refused)


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        ("after=x", "after: must be an id"),
        ("before=", "before: must be an id"),
        ("after=0&before=0", "before: cannot stand beside after"),
        ("before=0&offset=5", "offset: cannot stand beside before"),
        ("order=newest", "order: must be asc or desc"),
    ],
)
def test_a_place_in_the_list_that_there_is_not_is_refused(caller, query, refused):
    answered = bearer(caller, "GET", f"{DREAM_MACHINE}?{query}")
    assert answered.status == 400
    assert answered.body["detail"].startswith(refused)


def test_metadata_survives_the_way_through_every_surface_that_takes_it(any_edge):
    caller = any_edge.caller()
    asked = {"order no. 7": "Straße\n\N{GRINNING FACE}", "empty": ""}
    for made in (dream(caller, keyframes=PICTURE, metadata=asked), video(caller, metadata=asked)):
        assert caller.edge.run(caller.edge.store.find(made.body["id"])).metadata == asked
    assert len(ids(caller, **{"metadata.order no. 7": "Straße\n\N{GRINNING FACE}"})) == 2
    assert len(ids(caller, search="strasse")) == 2


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({str(number): "" for number in range(17)}, "metadata"),
        ({"n" * 65: ""}, "metadata"),
        ({" ": ""}, "metadata"),
        ({'a"b': ""}, "metadata"),
        ({"a\\b": ""}, "metadata"),
        ({"a\nb": ""}, "metadata"),
        ({"a": "v" * 513}, "metadata.a"),
        ({"a": 1}, "metadata"),
        ({"a": None}, "metadata"),
        (["a"], "metadata"),
        ("a", "metadata"),
    ],
)
def test_metadata_out_of_bounds_is_refused_and_nothing_is_kept(caller, metadata, field):
    told = []
    for made in (dream(caller, keyframes=PICTURE, metadata=metadata), video(caller, metadata=metadata)):
        assert made.status in (400, 422)
        told.append(made.body.get("detail") or made.body["error"]["message"])
    assert all(each.startswith((f"{field}: must be ", f"{field}: must have ")) for each in told), told
    assert ids(caller) == []


def test_a_name_in_the_query_is_quoted_where_it_has_odd_characters(caller):
    made = make(caller, metadata={"größe & maß": "a+b"})
    assert ids(caller, **{"metadata.größe & maß": "a+b"}) == [made]
    assert bearer(caller, "GET", f"{DREAM_MACHINE}?metadata.{quote('größe & maß')}=a%2Bb").body["total"] == 1
