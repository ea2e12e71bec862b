"""Lists: an unknown cursor, filter or page is refused, never ignored."""

from urllib.parse import quote

import pytest

from tests.http.surfaces.test_admin import PRODUCTS, SUBSCRIPTIONS
from tests.http.surfaces.test_admin import ask as administer
from tests.http.surfaces.test_clear_meaning import DREAM_MACHINE, bearer

VIDEOS = "/v1/videos"
FILTERS = "state, model, search, id, created_after, created_before, metadata.<name>"


@pytest.mark.parametrize(
    "cursor", ["video_123", "", " ", "0", "ID of another", "0193b1d2-6f5e-7c31-9d2a-5b0c7f3e8a44", "é", "\N{NULL}"]
)
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_cursor_that_names_none_of_the_callers_videos_is_a_404(any_edge, cursor, order):
    caller, other = any_edge.caller(), any_edge.caller()
    caller.submit()
    after = other.submit().body["id"] if cursor == "ID of another" else cursor
    answered = bearer(caller, "GET", f"{VIDEOS}?after={quote(after)}&order={order}")
    assert answered.status == 404
    assert answered.body == {
        "error": {
            "message": "There is no such video: after must be the id of one of yours",
            "type": "invalid_request_error",
            "param": "after",
            "code": "video_not_found",
        }
    }


def test_a_cursor_goes_with_its_video(any_edge):
    caller = any_edge.caller()
    older, newer = caller.submit().body["id"], caller.submit().body["id"]
    assert [each["id"] for each in bearer(caller, "GET", f"{VIDEOS}?after={newer}").body["data"]] == [older]
    assert bearer(caller, "DELETE", f"{VIDEOS}/{newer}").status == 200
    assert bearer(caller, "GET", f"{VIDEOS}?after={newer}").status == 404


@pytest.mark.parametrize(
    ("path", "parameter", "there"),
    [
        (VIDEOS, "status=completed", f"there are {FILTERS}, after, limit, order"),
        (VIDEOS, "before=x", f"there are {FILTERS}, after, limit, order"),
        (VIDEOS, "offset=5", f"there are {FILTERS}, after, limit, order"),
        (DREAM_MACHINE, "status=completed", f"there are {FILTERS}, limit, offset, after, before, order"),
        (DREAM_MACHINE, "metadata=x", f"there are {FILTERS}, limit, offset, after, before, order"),
        (DREAM_MACHINE, "metadata.=x", f"there are {FILTERS}, limit, offset, after, before, order"),
        (f"{DREAM_MACHINE}/concepts/list", "limit=5", "there are none"),
        ("/v1/models", "limit=5", "there are none"),
        (f"{VIDEOS}/ID/content", "format=webm", "there are variant"),
    ],
)
def test_a_filter_that_there_is_not_is_refused_by_name(caller, path, parameter, there):
    made = caller.submit().body["id"]
    answered = bearer(caller, "GET", f"{path.replace('ID', made)}?{parameter}")
    assert answered.status == 400
    sentence = f"{parameter.partition('=')[0]}: is not a parameter here; {there}"
    body = answered.body
    assert (body["detail"] if "detail" in body else body["error"]["message"]) == sentence


@pytest.mark.parametrize("path", [PRODUCTS, SUBSCRIPTIONS])
@pytest.mark.parametrize("parameter", ["state=active", "limit=10", "offset=10", "product=basic"])
def test_the_administrations_lists_have_no_filters_and_say_so(edge, path, parameter):
    refused = administer(edge, "GET", f"{path}?{parameter}")
    assert refused.status == 400
    assert refused.body["details"] == [
        {"field": parameter.partition("=")[0], "message": "is not a parameter here; there are none"}
    ]
    assert administer(edge, "GET", path).status == 200


@pytest.mark.parametrize(
    ("path", "query", "named"),
    [
        (VIDEOS, "limit=0", "limit"),
        (VIDEOS, "limit=101", "limit"),
        (VIDEOS, "limit=-1", "limit"),
        (VIDEOS, "limit=ten", "limit"),
        (VIDEOS, "limit=", "limit"),
        (VIDEOS, "order=newest", "order"),
        (VIDEOS, "limit=1&limit=2", "limit"),
        (DREAM_MACHINE, "limit=101", "limit"),
        (DREAM_MACHINE, "limit=-1", "limit"),
        (DREAM_MACHINE, "offset=-1", "offset"),
        (DREAM_MACHINE, "offset=99999999999999999999", "offset"),
        (DREAM_MACHINE, "offset=1&offset=2", "offset"),
    ],
)
def test_a_part_of_a_list_that_there_is_not_is_refused(caller, path, query, named):
    answered = bearer(caller, "GET", f"{path}?{query}")
    assert answered.status == 400
    body = answered.body
    assert (body["detail"] if "detail" in body else body["error"]["message"]).startswith(f"{named}: ")


def test_beyond_the_end_a_list_is_empty(caller):
    caller.submit()
    page = bearer(caller, "GET", f"{DREAM_MACHINE}?offset=1000000000&limit=100").body
    assert (page["generations"], page["count"], page["has_more"]) == ([], 0, False)


def test_a_key_in_the_query_is_no_filter(caller):
    key = caller.issued.primary
    assert bearer(caller, "GET", f"{VIDEOS}?limit=5&subscription-key={key}").status == 200
