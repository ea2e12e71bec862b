"""Products: a request for more than the product includes is denied."""

import pytest

from stillmotion.domain.request import Resolution
from tests.http.conftest import PICTURE_URL

DENIED = b'{"error":"Access denied for this operation"}'
ASKED = {"prompt": "x", "url": PICTURE_URL}


@pytest.mark.parametrize(
    ("product", "asked", "status"),
    [
        ({"resolutions": frozenset({Resolution.P540})}, {}, 403),
        ({"resolutions": frozenset({Resolution.P540})}, {"resolution": "540p"}, 200),
        ({"resolutions": frozenset({Resolution.P720})}, {}, 200),
        ({"max_seconds": 4.0}, {}, 403),
        ({"max_seconds": 5.0}, {}, 200),
        ({"max_seconds": 5.0}, {"duration": "5.1s"}, 403),
        ({"models": frozenset({"ray-2"})}, {}, 403),
        ({"surfaces": frozenset({"gateway"})}, {}, 200),
        ({"surfaces": None}, {}, 200),
    ],
)
def test_a_product_includes_what_it_says(any_edge, product, asked, status):
    caller = any_edge.caller(**product)
    answered = caller.submit(ASKED | asked)
    assert answered.status == status
    if status == 403:
        assert answered.content == DENIED
        assert "retry-after" not in answered.headers
        assert any_edge.run(any_edge.store.usage(caller.issued.subscription.id, "2026-11")).unfinished == 0


def test_a_quota_that_a_failure_gave_back_is_there_again(any_edge):
    caller = any_edge.caller(video_seconds_per_month=5)
    task_id = caller.submit().body["id"]
    assert caller.submit().status == 403
    now = any_edge.clock.now()
    caller.change(task_id, lambda generation: generation.cancelled(now))
    assert caller.submit().status == 200
