"""Watching a generation while it is really made, and while the server stops."""

import http.client
import json
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.end_to_end.conftest import small_picture

ASKED = {"prompt": "push in", "url": small_picture(), "duration": 1, "resolution": "540p"}


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
    """The data of all events up to the stream's end."""
    lines = answer.read().decode().splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


def test_a_render_is_told_from_the_queue_to_the_clip(running):
    made = running.submit(ASKED).body["id"]
    with watching(running, made) as answer:
        events = told(answer)
    states = list(dict.fromkeys(each["state"] for each in events))
    assert states in (["queued", "dreaming", "completed"], ["dreaming", "completed"])
    assert [each["progress"] for each in events] == sorted(each["progress"] for each in events)
    assert running.call("GET", events[-1]["assets"]["video"].removeprefix(running.base)).status == 200


def test_open_streams_do_not_hold_up_the_servers_end(make_running):
    running = make_running(STILLMOTION_RENDERERS="0")
    made = running.submit(ASKED).body["id"]
    with watching(running, made) as one, watching(running, made) as two:
        seconds = running.stop()
        assert [[each["state"] for each in told(answer)] for answer in (one, two)] == [["queued"], ["queued"]]
    assert seconds < 5
