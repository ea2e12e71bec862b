"""Messages of `generate` about a server that limits, refuses or cannot be reached."""

import re
import socket

import pytest

from tests.cli.test_bars import on_a_terminal
from tests.clients.contract_server import Answer

VIDEO = "/dream-machine/v1/generations/video"
UPLOADED = Answer(201, {"id": "1", "url": "http://x/uploads/1", "expires_at": "x"})
LIMITED = Answer(429, {"detail": "Rate limit exceeded"}, {"Retry-After": "1", "X-Stillmotion-Reason": "rate_limited"})
FAILED = {"id": "1", "state": "failed", "model": "ray-2", "failure_reason": "It was too dark."}


@pytest.fixture
def told(terminal, server):
    server.on("POST", "/uploads", UPLOADED)
    terminal.settings = {"STILLMOTION_SERVER": server.base, "STILLMOTION_KEY": "sm_key"}
    return server


@pytest.fixture
def nobody():
    """An address without a listener."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_a_script_is_told_that_it_is_limited_and_until_when(terminal, told):
    told.on("POST", VIDEO, LIMITED, Answer(201, FAILED))
    code, _, err = terminal("generate", "one.jpg", "push in", "--json")
    assert code == 1
    assert re.search(r"the server limits this key; waiting until \d\d:\d\d:\d\d\. It said: Rate limit exceeded \(", err)
    assert "rate_limited" in err


def test_a_bar_says_that_it_is_limited_and_until_when(terminal, told):
    told.on("POST", VIDEO, LIMITED, Answer(201, FAILED))
    seen = []
    on_a_terminal(terminal.folder, ["generate", "one.jpg", "push in"], terminal.settings, seen.append, code=1)
    assert re.search(r"one\.jpg +limited until \d\d:\d\d:\d\d", seen[-1])


def test_a_list_says_so_too(terminal, told):
    told.on(
        "GET",
        "/dream-machine/v1/generations?limit=20&offset=0",
        LIMITED,
        Answer(200, {"generations": [], "has_more": False}),
    )
    code, _, err = terminal("generations", "list")
    assert code == 0
    assert "the server limits this key; waiting until" in err


def test_the_reason_and_when_to_come_again_stand_in_the_error(terminal, told):
    spent = {"Retry-After": "180000", "X-Stillmotion-Reason": "quota_spent", "X-Request-Id": "r-1"}
    told.on("POST", VIDEO, Answer(403, {"detail": "The quota is spent"}, spent))
    code, _, err = terminal("generate", "one.jpg", "push in")
    assert (code, err.strip()) == (
        1,
        "stillmotion: The quota is spent (status 403, quota_spent, request r-1). Try again in 3 days",
    )


def test_the_address_that_failed_is_named_and_no_other_and_where_a_new_clip_is(terminal, told, nobody):
    """Both commands ask again for a while before they give up, so they do it at once."""
    done = {"id": "1", "state": "completed", "model": "ray-2", "assets": {"video": f"{nobody}/v", "image": None}}
    told.on("GET", "/dream-machine/v1/generations/1", Answer(200, done))
    told.on("POST", VIDEO, Answer(201, done))
    download = terminal.start("generations", "download", "1")
    with download, terminal.start("generate", "one.jpg", "push in") as generate:
        said, made = download.communicate(timeout=120)[1], generate.communicate(timeout=120)[1]
    assert (download.returncode, generate.returncode) == (1, 1)
    assert f"Nothing answers at {nobody} (" in said.splitlines()[-1]
    assert "public_url" in said
    assert told.base not in said
    assert made.strip().endswith("The clip is on the server: stillmotion generations download 1")
    assert terminal.files("*.mp4") == []


def test_of_a_server_that_broke_while_a_clip_was_made_the_clip_is_named(terminal, told):
    told.on("POST", VIDEO, Answer(201, {"id": "1", "state": "queued", "model": "ray-2"}))
    told.on("GET", "/dream-machine/v1/generations/1", Answer(500, {"detail": "a bug"}, {"X-Should-Retry": "false"}))
    code, _, err = terminal("generate", "one.jpg", "push in")
    assert code == 1
    assert "a bug (status 500). The clip may still be made there: stillmotion generations watch 1" in err


def test_what_the_server_does_not_take_is_called_as_it_was_asked_for(terminal, told):
    told.on("POST", VIDEO, Answer(400, {"detail": "duration: must be from 1 to 12 seconds; seed: must be whole"}))
    code, out, err = terminal("generate", "one.jpg", "push in", "--seconds", "99")
    assert (code, out) == (1, "")
    assert err.strip() == "stillmotion: --seconds: must be from 1 to 12 seconds; --seed: must be whole (status 400)"
    _, out, _ = terminal("generate", "one.jpg", "two.jpg", "push in", "--seconds", "99", "--json")
    assert out.count('"reason": "--seconds: must be from') == 2


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"STILLMOTION_SERVER": "http://"}, "http:// is no address of a server: write it like https://host:8080."),
        ({"STILLMOTION_SERVER": "http://[x"}, "is no address of a server"),
        ({"STILLMOTION_KEY": "sm_abcdef…"}, "The key holds what no key does"),
        ({"STILLMOTION_KEY": "sm_a b"}, "The key holds what no key does"),
    ],
)
def test_an_address_and_a_key_that_cannot_be_are_said_in_a_sentence(terminal, settings, sentence):
    terminal.settings = {"STILLMOTION_SERVER": "http://127.0.0.1:9", "STILLMOTION_KEY": "sm_key"} | settings
    for words in (["generations", "list"], ["generate", "one.jpg", "push in"]):
        code, _, err = terminal(*words)
        assert (code, err.count("\n")) == (1, 1)
        assert sentence in err
