"""Events of a generation while it is really made, and while the server stops."""

import http.client
import io
import json
from contextlib import contextmanager
from urllib.parse import urlsplit

from PIL import Image

from stillmotion import Client
from tests.end_to_end.conftest import SIGNALS, small_picture
from tests.waiting import eventually

ASKED = {"prompt": "push in", "url": small_picture(), "duration": 1, "resolution": "540p"}
SHOWN = {"seconds": 12} if SIGNALS is None else {"seconds": 12, "resolution": "1080p"}
"""A clip that is watched while it is made. Apart it takes some seconds until a worker knows that somebody watches."""


@contextmanager
def watching(running, generation_id):
    address = urlsplit(running.base)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    connection.request(
        "GET", f"/generations/{generation_id}/events", headers={"Authorization": f"Bearer {running.key}"}
    )
    answer = connection.getresponse()
    assert answer.status == 200
    try:
        yield answer
    finally:
        answer.close()
        connection.close()


def told(answer):
    """The data of all events up to the end of the stream."""
    lines = answer.read().decode().splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


def test_a_render_is_told_from_the_queue_to_the_clip(running):
    made = running.submit(ASKED).body["id"]
    with watching(running, made) as answer:
        events = told(answer)
    states = list(dict.fromkeys(each["state"] for each in events))
    # A server that is told nothing looks every two seconds, and a short render may be over by then.
    told_nothing = [["queued", "completed"]] if SIGNALS == "poll" else []
    assert states in (["queued", "dreaming", "completed"], ["dreaming", "completed"], *told_nothing)
    assert [each["progress"] for each in events] == sorted(each["progress"] for each in events)
    assert running.call("GET", events[-1]["assets"]["video"].removeprefix(running.base)).status == 200


def objects_of(running, generation_id):
    folder = running.directory / "objects" / "generations" / generation_id
    return {path.name for path in folder.glob("*")} if folder.exists() else set()


def until_seen(watching):
    """The generation in its first event."""
    return next(each for each in watching if each.preview_url)


def is_jpeg(content):
    with Image.open(io.BytesIO(content)) as picture:
        picture.load()
        return picture.format == "JPEG" and max(picture.size) == 512


def test_what_is_being_made_can_be_seen_and_is_gone_with_the_clip(make_running):
    running = make_running(STILLMOTION_PREVIEW_SECONDS="0.1")
    with Client(running.base, running.key) as client:
        watching = client.watch(client.submit(small_picture(), "orbit left", **SHOWN))
        shown = until_seen(watching)
        address = shown.preview_url.removeprefix(running.base)
        assert is_jpeg(running.call("GET", address).content)
        assert (shown.state, shown.video_url) == ("dreaming", None)
        assert running.status(shown.id).body["assets"] is None
        done = list(watching)[-1]
        assert (done.state, done.preview_url) == ("completed", None)
    eventually(lambda: len(objects_of(running, done.id)) <= 4)
    assert {name.rpartition(".")[2] for name in objects_of(running, done.id)} == {"mp4", "jpg"}
    assert running.call("GET", address).status == 404


def test_what_is_deleted_while_it_can_be_seen_leaves_nothing(make_running):
    running = make_running(STILLMOTION_PREVIEW_SECONDS="0.1")
    with Client(running.base, running.key) as client:
        shown = until_seen(client.watch(client.submit(small_picture(), "orbit left", **SHOWN)))
        client.delete(shown.id)
    eventually(lambda: objects_of(running, shown.id) == set())
    running.stop()
    assert objects_of(running, shown.id) == set()


def test_a_server_that_was_killed_finds_the_picture_it_left(make_running):
    running = make_running(STILLMOTION_PREVIEW_SECONDS="0.1")
    with Client(running.base, running.key) as client:
        shown = until_seen(client.watch(client.submit(small_picture(), "orbit left", **SHOWN)))
    left = urlsplit(shown.preview_url).path.rpartition("/")[2]
    running.kill()
    assert left in objects_of(running, shown.id)
    running.settings["STILLMOTION_RENDERERS"] = "0"
    running.start()
    # Over a shared store a start takes no lease back: it has to run out.
    eventually(lambda: objects_of(running, shown.id) == set(), 0 if SIGNALS is None else 60)


def test_open_streams_do_not_hold_up_the_servers_end(make_running):
    running = make_running(STILLMOTION_RENDERERS="0")
    made = running.submit(ASKED).body["id"]
    with watching(running, made) as one, watching(running, made) as two:
        running.stop()
        assert [[each["state"] for each in told(answer)] for answer in (one, two)] == [["queued"], ["queued"]]
