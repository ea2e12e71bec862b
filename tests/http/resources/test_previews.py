"""The preview of an unfinished clip at its one address."""

import pytest

from stillmotion.application.preview_watch import WATCHED_FOR
from tests.http.resources import test_own_events
from tests.http.resources.test_events import NOON, UNTIL, claimed, some_assets, watching
from tests.http.surfaces.test_clear_meaning import bearer
from tests.waiting import eventually


def test_the_newest_preview_is_at_one_address_while_the_clip_is_made(any_edge):
    caller = any_edge.caller()
    task_id = caller.submit().body["id"]
    path, key = f"/generations/{task_id}/preview", f"generations/{task_id}/shown.jpg"
    assert bearer(caller, "GET", path).status == 204
    caller.change(task_id, claimed)
    caller.change(task_id, lambda each: each.renewed(each.lease, UNTIL, 0.25, key))
    assert bearer(caller, "GET", path).status == 204
    for picture in (b"\xff\xd8first", b"\xff\xd8the second"):
        any_edge.run(any_edge.objects.put(key, picture))
        shown = bearer(caller, "GET", path)
        assert (shown.status, shown.content, shown.headers["content-type"]) == (200, picture, "image/jpeg")
        assert shown.headers["cache-control"] == "no-store"
    stranger = any_edge.caller()
    assert bearer(stranger, "GET", path).content == bearer(stranger, "GET", path.replace(task_id, "x")).content
    caller.change(task_id, lambda each: each.completed(each.lease, some_assets(task_id), "{}", NOON))
    assert bearer(caller, "GET", path).status == 204


@pytest.mark.parametrize("look", ["the preview", "its events", "all events"])
def test_a_look_at_previews_is_noted_for_the_worker(any_edge, look):
    caller = any_edge.caller()
    lease = caller.change(caller.submit().body["id"], claimed).lease

    def watched_until():
        return any_edge.run(any_edge.store.renew(lease, UNTIL, 0.0))

    assert watched_until() is None
    match look:
        case "the preview":
            bearer(caller, "GET", f"/generations/{lease.generation_id}/preview")
        case "its events":
            with watching(caller, lease.generation_id) as stream:
                stream.next()
                eventually(watched_until)
        case "all events":
            with test_own_events.watching(caller) as stream:
                stream.next()
                eventually(watched_until)
    assert watched_until() == any_edge.clock.now() + WATCHED_FOR
