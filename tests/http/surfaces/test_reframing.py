"""Reframing over the Dream Machine: the caller's own videos, and videos at other addresses."""

import pytest

REFRAME = "/dream-machine/v1/generations/video/reframe"


def reframe(caller, url, **parts):
    body = {"aspect_ratio": "9:16", "model": "ray-1-6", "media": {"url": url}, **parts}
    return caller.post(REFRAME, body, Authorization=f"Bearer {caller.issued.primary}")


def test_anyones_video_is_taken_and_counts_as_the_longest_clip(caller):
    answered = reframe(caller, "https://example.com/film.webm")
    assert (answered.status, answered.headers["x-stillmotion-engine"]) == (201, "resample/1")
    asked = answered.body["request"]
    assert (asked["media"], asked["duration"], asked["generation_type"]) == (
        {"url": "https://example.com/film.webm"},
        "12s",
        "reframe_video",
    )
    assert "source" not in asked


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/film.mp4", "file:///etc/passwd", "https://user@example.com/", "http://[", "", "film.mp4"]
)
def test_an_address_where_no_picture_would_be_fetched_from_is_refused(caller, url):
    answered = reframe(caller, url)
    assert answered.status == 400
    assert answered.body["detail"].startswith("media.url: ")


def test_a_clip_of_this_server_is_its_owners_alone(caller, edge):
    foreign = edge.caller()
    theirs = foreign.submit().body["id"]
    foreign.complete(theirs)
    answered = reframe(caller, f"https://video.example/assets/generations/{theirs}/token.mp4")
    assert (answered.status, answered.body["detail"]) == (
        400,
        "media.url: is not one of your generations: give the id of one",
    )
