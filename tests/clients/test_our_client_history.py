"""Our own client, sync and async: lists, changes, links and failures, against the real edge."""

import urllib.request
from datetime import timedelta

import pytest

from stillmotion import client
from stillmotion.domain.errors import GenerationFailed
from tests.builders import NOON
from tests.clients.our_client import connect, ours
from tests.http.conftest import PICTURE_URL

__all__ = ["connect", "ours"]
CLIENT, VERSION = "stillmotion (Python)", "of this version"


@pytest.mark.methods("list", "submit")
def test_a_list_is_filtered_and_walked(ours, caller):
    made = [ours.submit(PICTURE_URL, f"lake {number}", metadata={"n": str(number)}).id for number in range(3)]
    caller.change(made[0], lambda each: each.cancelled(NOON))
    first = ours.list(limit=2)
    assert ([each.id for each in first.generations], first.total, first.previous) == (made[:0:-1], 3, None)
    last = ours.list(limit=2, after=first.next)
    assert [each.id for each in last.generations] == [made[0]]
    assert [each.id for each in ours.list(limit=2, before=last.previous).generations] == made[:0:-1]
    hour = timedelta(hours=1)
    for filters, expected in [
        ({"state": "failed"}, [made[0]]),
        ({"state": ["queued", "dreaming"]}, made[:0:-1]),
        ({"search": "LAKE 1"}, [made[1]]),
        ({"metadata": {"n": "2"}}, [made[2]]),
        ({"id": made[1]}, [made[1]]),
        ({"created_after": caller.edge.clock.now() + hour}, []),
        ({"created_before": caller.edge.clock.now() + hour, "order": "asc"}, made),
        ({"model": "ray-2"}, []),
    ]:
        assert [each.id for each in ours.list(**filters).generations] == expected, filters
    assert ours.list(metadata={"n": "1"}).generations[0].metadata == {"n": "1"}


@pytest.mark.methods("retry", "cancel", "edit")
def test_a_generation_is_edited_cancelled_and_made_once_more(ours):
    made = ours.submit(PICTURE_URL, "a lake")
    edited = ours.edit(made, prompt="a hill", metadata={"favourite": "true"})
    assert (edited.prompt, edited.metadata) == ("a hill", {"favourite": "true"})
    assert ours.edit(made.id, metadata={"favourite": None}).metadata == {}
    cancelled = ours.cancel(made)
    assert (cancelled.state, cancelled.failure_reason) == ("failed", "The generation was cancelled.")
    again = ours.retry(cancelled, seed=7, seconds=4, camera="push_in", metadata={"take": "2"})
    assert (again.state, again.retry_of, again.metadata) == ("queued", made.id, {"take": "2"})
    asked = again.body["request"]
    assert (asked["prompt"], asked["duration"], asked["concepts"]) == ("a hill", "4s", [{"key": "push_in"}])
    other = ours.retry(made.id, image=PICTURE_URL + "2", prompt="a tree", end_image=again.id and PICTURE_URL)
    assert other.body["request"]["keyframes"]["frame0"]["url"] == PICTURE_URL + "2"
    with pytest.raises(client.NotFound):
        ours.retry("0193b1d2-6f5e-7c31-9d2a-5b0c7f3e8a44")
    with pytest.raises(client.InvalidRequest, match="prompt"):
        ours.edit(again, prompt="x")


@pytest.mark.methods("share", "links", "unshare")
def test_a_clip_is_shared_and_taken_back(ours, caller):
    made = ours.submit(PICTURE_URL, "a lake")
    with pytest.raises(client.InvalidRequest, match="once it is completed"):
        ours.share(made)
    caller.complete(made.id)
    link = ours.share(made, timedelta(hours=1))
    assert link.expires_at - caller.edge.clock.now() == timedelta(hours=1)
    with urllib.request.urlopen(f"{link.url}.mp4") as film:
        assert film.read() == b"video" * 1000
    assert ours.links(made.id) == [link]
    ours.unshare(made, link)
    assert ours.links(made) == []


@pytest.mark.methods("failures", "retry_failures")
def test_failures_are_told_and_made_once_more(ours, caller):
    assert ours.failures() == []
    made = ours.submit(PICTURE_URL, "a lake")
    broken = GenerationFailed("engine_failed", "The engine failed.")
    caller.change(made.id, lambda each: each.claimed(NOON))
    caller.change(made.id, lambda each: each.attempt_failed(each.lease, broken, caller.edge.clock.now()))
    (told,) = ours.failures(days=1)
    assert (told.code, told.sentence, told.count, told.latest) == ("engine_failed", "The engine failed.", 1, made.id)
    assert told.can_retry
    (again,) = ours.retry_failures("engine_failed")
    assert ours.get(again).retry_of == made.id
    assert ours.retry_failures("engine_failed", days=1) == []
