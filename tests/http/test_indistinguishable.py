"""Another subscription's generation is answered as one that never was: the same bytes, on every path."""

import json

import pytest

from stillmotion.adapters.identifiers import new_uuid7
from tests.http.conftest import POLL

DREAM_MACHINE = "/dream-machine/v1/generations"
OWN = {"x-request-id", "date", "ratelimit-remaining", "ratelimit-reset"}
"""Headers that differ between any two requests."""

ASKED = [
    ("POST", POLL, {"task_id": "ID"}),
    ("GET", "/generations/ID/plan", None),
    ("GET", f"{DREAM_MACHINE}/ID", None),
    ("POST", f"{DREAM_MACHINE}/ID/upscale", {"resolution": "1080p"}),
    (
        "POST",
        DREAM_MACHINE,
        {"model": "ray-2", "prompt": "goes on", "keyframes": {"frame0": {"type": "generation", "id": "ID"}}},
    ),
]


def ask(caller, method, path, body, generation_id):
    path = path.replace("ID", generation_id)
    content = None if body is None else json.dumps(body).replace("ID", generation_id)
    key = caller.issued.primary
    given = {"Ocp-Apim-Subscription-Key": key} if not path.startswith("/dream") else {"Authorization": f"Bearer {key}"}
    return caller.edge.ask(method, path, content, given | {"Content-Type": "application/json"})


@pytest.mark.parametrize(("method", "path", "body"), ASKED, ids=[f"{each[0]} {each[1]}" for each in ASKED])
@pytest.mark.parametrize("state", ["queued", "completed"])
def test_anothers_is_answered_as_none(any_edge, method, path, body, state):
    owner, stranger = any_edge.caller(), any_edge.caller()
    theirs, nobodys = owner.submit().body["id"], new_uuid7()
    if state == "completed":
        owner.complete(theirs)
    foreign, unknown = (ask(stranger, method, path, body, each) for each in (theirs, nobodys))
    assert foreign.status == unknown.status in (400, 404)
    assert foreign.content == unknown.content
    assert theirs.encode() not in foreign.content
    assert set(foreign.headers) == set(unknown.headers)
    assert foreign.headers.items() - unknown.headers.items() <= {(name, foreign.headers.get(name)) for name in OWN}


def test_anothers_generations_are_in_nobody_elses_list(any_edge):
    owner, stranger = any_edge.caller(), any_edge.caller()
    owner.submit()
    listed = ask(stranger, "GET", DREAM_MACHINE, None, "")
    assert (listed.status, listed.body["count"]) == (200, 0)
