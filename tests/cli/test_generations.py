"""`stillmotion generations` over a real server, and over a fake one for states that are hard to reach."""

import json
import urllib.request

import pytest

from stillmotion import Client
from tests.builders import NOON
from tests.clients.contract_server import Answer
from tests.end_to_end.conftest import small_picture
from tests.http.conftest import PICTURE_URL, caller, edge, start_shared

__all__ = ["caller", "edge", "start_shared"]

CLIENT, VERSION = "stillmotion (command line)", "of this version"
ID = "0193b1d2-6f5e-7c31-9d2a-5b0c7f3e8a44"
UNKNOWN = "0193b1d2-6f5e-7c31-9d2a-5b0c7f3e8a45"
ONE = f"/dream-machine/v1/generations/{ID}"


def generation(state):
    return {"id": ID, "state": state, "model": "ray-1-6", "assets": None, "failure_reason": "It was too dark."}


@pytest.fixture
def told(terminal, server):
    terminal.settings = {"STILLMOTION_SERVER": server.base, "STILLMOTION_KEY": "sm_key"}
    return server


@pytest.mark.methods(*(f"generations {each}" for each in ("list", "show", "watch", "download")))
def test_what_a_server_has_is_listed_shown_watched_and_downloaded(terminal, running):
    terminal.settings = {"STILLMOTION_SERVER": running.base, "STILLMOTION_KEY": running.key}
    assert terminal("generations", "list")[1:] == ("", "There are none.\n")
    with Client(running.base, running.key) as client:
        made = client.submit(small_picture(), "orbit left \x1b[31m", resolution="540p", seconds=1)
    code, out, _ = terminal("generations", "watch", made.id)
    assert (code, out) == (0, f"{made.id} is completed. Fetch it with: stillmotion generations download {made.id}\n")
    code, out, _ = terminal("generations", "list")
    assert out.startswith(f"{made.id}  completed  100%  ")
    assert "\x1b" not in out
    shown = json.loads(terminal("generations", "show", made.id, "--json")[1])
    assert (shown["state"], shown["engine"], shown["plan"]["moves"]) == ("completed", "parallax/1", [["orbit_left"]])
    assert "Moves: orbit left" in terminal("generations", "show", made.id)[1]
    assert terminal("generations", "download", made.id)[0] == 0
    assert terminal("generations", "download", made.id, "--thumbnail", "-o", "t.jpg")[0] == 0
    assert terminal.files("*.mp4") + terminal.files("t.jpg") == [f"{made.id}.mp4", "t.jpg"]


@pytest.mark.methods("generations watch")
def test_what_is_being_made_is_shown_to_scripts_too(terminal, told):
    sse = {"Content-Type": "text/event-stream"}
    event = b'id: 1\ndata: {"state": "dreaming", "progress": 0.5, "preview": "http://x/p.jpg"}\n\n'
    told.on("GET", f"/generations/{ID}/events", Answer(200, event + b'id: 2\ndata: {"state": "completed"}\n\n', sse))
    told.on("GET", ONE, Answer(200, generation("queued")), Answer(200, generation("completed")))
    code, out, _ = terminal("generations", "watch", ID, "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [(each["state"], each.get("preview")) for each in lines] == [
        ("queued", None),
        ("dreaming", "http://x/p.jpg"),
        ("completed", None),
    ]


@pytest.mark.methods("generations cancel")
def test_cancelling_stops_what_goes_on_and_spares_what_has_ended(terminal, told):
    told.on("POST", f"/generations/{ID}/cancel", Answer(200, generation("failed")))
    told.on("GET", ONE, Answer(200, generation("dreaming")))
    assert terminal("generations", "cancel", ID) == (0, f"{ID} is cancelled.\n", "")
    told.on("GET", ONE, Answer(200, generation("completed")))
    code, _, err = terminal("generations", "cancel", ID)
    assert (code, told.paths().count(f"POST /generations/{ID}/cancel")) == (1, 1)
    assert f"{ID} is completed already: `stillmotion generations delete` removes it." in err


@pytest.mark.methods("generations delete")
def test_deleting_goes_on_past_what_is_not_there(terminal, told):
    told.on("DELETE", ONE, Answer(204))
    code, out, err = terminal("generations", "delete", "other", UNKNOWN, ID)
    assert (code, out) == (1, f"{ID} is gone.\n")
    malformed, unknown = err.splitlines()
    assert malformed == "stillmotion: other is no id: `stillmotion generations list` shows yours."
    assert unknown.startswith(f"stillmotion: {UNKNOWN}: Endpoint not found")


@pytest.fixture
def served(terminal, caller):
    """The terminal with settings for the real edge."""
    terminal.settings = {"STILLMOTION_SERVER": caller.edge.server.url, "STILLMOTION_KEY": caller.issued.primary}
    return terminal


@pytest.mark.methods("generations list")
def test_a_list_is_filtered_from_the_command_line(served, caller):
    first = caller.submit().body["id"]
    with Client(caller.edge.server.url, caller.issued.primary) as client:
        second = client.submit(PICTURE_URL, "a hill", model="ray-2", metadata={"order": "7"}).id
    client_list = ("generations", "list")
    caller.change(first, lambda each: each.cancelled(NOON))
    chosen = (
        "--state",
        "queued",
        "--state",
        "dreaming",
        "--search",
        "HILL",
        "--model",
        "ray-2",
        "--metadata",
        "order=7",
    )
    for options, expected in [(chosen, [second]), (("--state", "failed"), [first]), (("--after", second), [first])]:
        assert [line.split()[0] for line in served(*client_list, *options)[1].splitlines()] == expected, options
    assert f"--after {second} shows the next" in served(*client_list, "--limit", "1")[2]


@pytest.mark.methods("generations show")
def test_an_id_may_be_shortened_as_far_as_it_is_the_only_one(served, caller):
    ids = [caller.submit().body["id"] for _ in range(2)]
    common = ids[0][: next(place for place, (one, other) in enumerate(zip(*ids, strict=True)) if one != other)]
    assert json.loads(served("generations", "show", ids[0][:-1], "--json")[1])["id"] == ids[0]
    assert json.loads(served("generations", "show", ids[1][: len(common) + 1].upper(), "--json")[1])["id"] == ids[1]
    code, _, err = served("generations", "show", common)
    assert (code, err) == (
        1,
        f"stillmotion: {common} is the beginning of several ids: {ids[1]}, {ids[0]}. Write more of it.\n",
    )
    refused = served("generations", "delete", "--yes", common, "ffff")[2]
    assert "several ids" in refused
    assert "No id of your generations begins with ffff" in refused
    assert all(caller.edge.run(caller.edge.store.find(each)) for each in ids)


@pytest.mark.methods("generations retry")
def test_generations_are_made_once_more_from_the_command_line(served, caller):
    first = caller.submit().body["id"]
    code, out, _ = served("generations", "retry", first[:-1], UNKNOWN, "--seed", "7", "--prompt", "a hill")
    assert code == 1
    with Client(caller.edge.server.url, caller.issued.primary) as client:
        made = client.get(out.strip())
    assert (made.retry_of, made.prompt) == (first, "a hill")


@pytest.mark.methods("generations share")
def test_a_clip_is_shared_from_the_command_line(served, caller):
    made = caller.submit().body["id"]
    assert "once it is completed" in served("generations", "share", made)[2]
    caller.complete(made)
    url, _, *_, link = served("generations", "share", made, "--days", "1")[1].split()
    assert urllib.request.urlopen(url).status == 200
    assert link in served("generations", "share", made, "--list")[1]
    assert served("generations", "share", made, "--revoke", link) == (0, f"{link} is taken back.\n", "")


def test_watching_what_fails_ends_in_its_reason(terminal, told):
    told.on("GET", ONE, Answer(200, generation("failed")))
    code, _, err = terminal("generations", "watch", ID)
    assert (code, err.strip().splitlines()[-1]) == (1, "Error: It was too dark.")


def test_without_a_server_it_says_how_to_name_one(terminal):
    code, _, err = terminal("generations", "list")
    assert (code, err) == (
        1,
        "stillmotion: This needs a server: name it with --server URL, or set STILLMOTION_SERVER.\n",
    )


def test_a_server_without_a_list_by_beginnings_is_asked_for_the_id_as_it_is(terminal, told):
    """The right one is deleted, and no other, by a server that refuses the filter, and by one that passes over it."""
    others = {"generations": [generation("completed")], "count": 1, "has_more": False}
    for answer in (Answer(400, {"detail": "id is not a field here"}), Answer(404), Answer(200, others)):
        told.on("GET", "/dream-machine/v1/generations?limit=5&offset=0&id=7e57", answer)
        told.on("DELETE", "/dream-machine/v1/generations/7e57", Answer(204))
        assert terminal("generations", "delete", "7e57") == (0, "7e57 is gone.\n", "")
    assert [each for each in told.paths() if each.startswith("DELETE")] == [
        "DELETE /dream-machine/v1/generations/7e57"
    ] * 3


@pytest.mark.parametrize("id_", [ID, ID.upper(), "other", f"{ID}0"])
def test_whole_ids_and_those_that_begin_none_are_not_looked_up(terminal, told, id_):
    terminal("generations", "delete", id_)
    assert [each for each in told.paths() if each.startswith("GET")] == []
