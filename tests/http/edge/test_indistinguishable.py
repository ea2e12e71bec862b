"""Another's generation cannot be told from an unknown one: the same bytes and the same work on every path."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

import apsw
import pytest

from stillmotion.adapters.identifiers import new_uuid7
from tests.http.conftest import POLL
from tests.http.parsing.test_uploads import upload

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
    ("GET", "/generations/{id}/callbacks/message", None),
    ("POST", "/generations/{id}/callbacks/{callback}/replay", None),
    ("GET", "/generations/{id}/preview", None),
    ("GET", "/generations/{id}/timeline", None),
    ("POST", "/generations/{id}/retry", {"seed": 7}),
    ("POST", "/generations/{id}/cancel", {}),
    ("PATCH", "/generations/{id}", {"metadata": {"a": "b"}}),
    ("POST", "/generations/{id}/links", {"expires_in": 3600}),
    ("GET", "/generations/{id}/links", None),
    ("DELETE", "/generations/{id}/links/{link}", None),
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
    ("GET", "/v1/videos?after={video_id}", None),
]
ELSEWHERE = {
    ("POST", f"{DREAM_MACHINE}/{{id}}/audio"),
    ("GET", "/assets/{key}"),
    ("HEAD", "/assets/{key}"),
    ("GET", "/v1/models/{model}"),
    ("GET", "/shared/{token}"),
    ("POST", "/account/keys/{slot}"),
    ("POST", "/failures/{code}/retry"),
}
"""Paths whose parameters name no generation or that refuse everyone. The URLs under /assets are signed."""


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


NEW_GENERATION = {"prompt": "p" * 5000, "url": "https://example.com/a.png"}
"""A submit whose row takes long to read."""


@dataclass
class Work:
    """Statements that the store's connections have run, each with its steps of SQLite's virtual machine."""

    done: list[tuple[str, int]]

    def of(self, ask: Callable[[], object]) -> list[tuple[str, int]]:
        """The work for one request, without authentication, which reads the store once a second at most."""
        self.done.clear()
        ask()
        # The clock decides about the begin and end of shared read transactions.
        return [(text, steps) for text, steps in self.done if not _IN_PASSING.search(text)]


_IN_PASSING = re.compile("access_version|^BEGIN|^COMMIT")


@pytest.fixture
def work():
    """Trace of every connection to SQLite that is opened from now on."""
    done: list[tuple[str, int]] = []

    def finished(event) -> None:
        done.append((event["sql"], event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"]))

    def watch(connection: apsw.Connection) -> None:
        connection.trace_v2(apsw.SQLITE_TRACE_PROFILE, finished)

    apsw.connection_hooks.append(watch)
    yield Work(done)
    apsw.connection_hooks.remove(watch)


@pytest.mark.parametrize(("method", "path", "body"), ASKED, ids=[f"{each[0]} {each[1]}" for each in ASKED])
def test_anothers_costs_the_store_the_same_steps_as_none(start, work, method, path, body):
    """The owner must be checked before the row is read."""
    edge = start("sqlite")
    owner, stranger = edge.caller(), edge.caller()
    theirs, nobodys = owner.submit(NEW_GENERATION).body["id"], new_uuid7()
    owner.complete(theirs)
    ask(stranger, method, path, body, new_uuid7())  # This prepares the statements and fills the cache of keys.
    foreign, unknown = (
        work.of(lambda each=each: ask(stranger, method, path, body, each)) for each in (theirs, nobodys)
    )
    assert unknown
    assert foreign == unknown
    own = work.of(lambda: ask(owner, method, path, body, theirs))
    assert own != foreign, "what is watched tells no row from none"


def test_anothers_upload_costs_the_store_the_same_steps_as_none(start, work):
    edge = start("sqlite")
    owner, stranger = edge.caller(), edge.caller()
    made = upload(owner).body["id"]
    body = {"model": "sora-2", "prompt": "x", "input_reference": {"file_id": "ID"}}
    ask(stranger, "POST", "/v1/videos", body, new_uuid7())
    foreign, unknown = (
        work.of(lambda each=each: ask(stranger, "POST", "/v1/videos", body, each)) for each in (made, new_uuid7())
    )
    assert unknown
    assert foreign == unknown
