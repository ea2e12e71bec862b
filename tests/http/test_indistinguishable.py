"""Another subscription's generation is answered as one that never was: the same bytes, in the same time, everywhere."""

import json
import time
from statistics import quantiles

import pytest

from stillmotion.adapters.identifiers import new_uuid7
from tests.http.conftest import POLL
from tests.http.test_uploads import upload

DREAM_MACHINE = "/dream-machine/v1/generations"
VIDEOS = "/v1/videos/{video_id}"
OWN = {"x-request-id", "date", "ratelimit-remaining", "ratelimit-reset"}
"""Headers that differ between any two requests."""
MEDIA = {"url": "http://127.0.0.1/assets/generations/ID/token.mp4?expires=1&signature=x"}

ASKED = [
    ("POST", POLL, {"task_id": "ID"}),
    ("GET", "/generations/{id}/plan", None),
    ("GET", "/generations/{id}/events", None),
    ("GET", "/generations/{id}/callbacks", None),
    ("POST", "/generations/{id}/callbacks/{callback}/replay", None),
    ("GET", f"{DREAM_MACHINE}/{{id}}", None),
    ("DELETE", f"{DREAM_MACHINE}/{{id}}", None),
    ("POST", f"{DREAM_MACHINE}/{{id}}/upscale", {"resolution": "1080p"}),
    (
        "POST",
        DREAM_MACHINE,
        {"model": "ray-2", "prompt": "goes on", "keyframes": {"frame0": {"type": "generation", "id": "ID"}}},
    ),
    ("POST", f"{DREAM_MACHINE}/video/reframe", {"media": MEDIA, "aspect_ratio": "1:1"}),
    ("GET", VIDEOS, None),
    ("DELETE", VIDEOS, None),
    ("GET", f"{VIDEOS}/content", None),
]
ELSEWHERE = {
    ("POST", f"{DREAM_MACHINE}/{{id}}/audio"),
    ("GET", "/assets/{key}"),
    ("HEAD", "/assets/{key}"),
}
"""Paths with parameters that are no generation's, or refuse everyone: what is under /assets has signed addresses."""


def ask(caller, method, path, body, generation_id):
    path = path.replace("{id}", generation_id).replace("{video_id}", generation_id)
    path = path.replace("{callback}", f"msg_{generation_id}_completed")
    content = None if body is None else json.dumps(body).replace("ID", generation_id)
    key = caller.issued.primary
    bearer = path.startswith(("/dream", "/v1"))
    given = {"Authorization": f"Bearer {key}"} if bearer else {"Ocp-Apim-Subscription-Key": key}
    return caller.edge.ask(method, path, content, given | {"Content-Type": "application/json"})


def test_every_path_to_one_generation_is_asked_here(edge):
    document = edge.ask("GET", "/openapi.json").body
    there = {
        (method.upper(), path)
        for path, methods in document["paths"].items()
        for method in methods
        if "{" in path and not path.startswith("/admin/")
    }
    assert there - {(method, path) for method, path, _ in ASKED} - ELSEWHERE == set()


@pytest.mark.parametrize(("method", "path", "body"), ASKED, ids=[f"{each[0]} {each[1]}" for each in ASKED])
@pytest.mark.parametrize("state", ["queued", "completed"])
def test_anothers_is_answered_as_none(any_edge, method, path, body, state):
    owner, stranger = any_edge.caller(), any_edge.caller()
    theirs, nobodys = owner.submit().body["id"], new_uuid7()
    if state == "completed":
        owner.complete(theirs)
    before = any_edge.run(any_edge.store.find(theirs))
    foreign, unknown = (ask(stranger, method, path, body, each) for each in (theirs, nobodys))
    assert foreign.status == unknown.status in (400, 404)
    assert foreign.content == unknown.content
    assert theirs.encode() not in foreign.content
    assert set(foreign.headers) == set(unknown.headers)
    assert foreign.headers.items() - unknown.headers.items() <= {(name, foreign.headers.get(name)) for name in OWN}
    assert any_edge.run(any_edge.store.find(theirs)) == before


def test_anothers_generations_are_in_nobody_elses_list(any_edge):
    owner, stranger = any_edge.caller(), any_edge.caller()
    owner.submit()
    listed = ask(stranger, "GET", DREAM_MACHINE, None, "")
    assert (listed.status, listed.body["count"]) == (200, 0)
    videos = ask(stranger, "GET", "/v1/videos", None, "")
    assert (videos.status, videos.body["data"]) == (200, [])


TIMED = [each for each in ASKED if each[:2] in {("POST", POLL), ("GET", VIDEOS), ("GET", "/generations/{id}/plan")}]
ROUNDS, TRIES = 300, 5
TELL = 0.03
"""The part by which one kind of answer may take longer: the noise of so many, in the best of a few tries."""


@pytest.mark.parametrize(("method", "path", "body"), TIMED, ids=[f"{each[0]} {each[1]}" for each in TIMED])
def test_anothers_takes_as_long_as_none(start, method, path, body):
    """With a row that is long to read: whose it is must be found out before."""
    edge = start("sqlite")
    owner, stranger = edge.caller(), edge.caller()
    theirs = owner.submit({"prompt": "p" * 5000, "url": "https://example.com/a.png"}).body["id"]
    owner.complete(theirs)
    assert any(_tell(stranger, method, path, body, theirs) < TELL for _ in range(TRIES))


def test_anothers_upload_takes_as_long_as_none(start):
    edge = start("sqlite")
    owner, stranger = edge.caller(), edge.caller()
    made = upload(owner).body
    body = {"model": "sora-2", "prompt": "x", "input_reference": {"file_id": "ID"}}
    assert any(_tell(stranger, "POST", "/v1/videos", body, made["id"]) < TELL for _ in range(TRIES))


def _tell(caller, method, path, body, theirs):
    """By how much both kinds differ, as a part of the shorter: the tenth percentiles, asked in turns.

    One id of each kind, since one that was just asked for is found a little faster.
    """
    nobodys = new_uuid7()
    taken = {True: [], False: []}
    for number in range(ROUNDS):
        for foreign in (True, False) if number % 2 else (False, True):
            began = time.perf_counter()
            answered = ask(caller, method, path, body, theirs if foreign else nobodys)
            taken[foreign].append(time.perf_counter() - began)
            assert answered.status in (400, 404)
    shorter, longer = sorted(quantiles(each, n=10)[0] for each in taken.values())
    return longer / shorter - 1
