"""`stillmotion queue`, as run from a shell."""

import asyncio

import pytest

from stillmotion.cli.admin.options import operator_here
from stillmotion.composition.administration import administration
from stillmotion.config import Settings
from tests.cli.test_administration import Shell


@pytest.fixture
def shell(tmp_path, capsys, monkeypatch):
    made = Shell(tmp_path, capsys, monkeypatch)
    made("keys", "create")
    return made


def test_a_pause_is_shown_until_it_is_resumed(shell):
    assert "0 waiting; 0 under way" in shell("queue", "show")[1]
    _, out, _ = shell("queue", "pause")
    assert "paused: everything, since" in out
    assert shell.json("queue", "show")["paused"] is True
    assert "paused" not in shell("queue", "resume")[1]


def test_models_and_workers_are_paused_by_name(shell):
    shell("queue", "pause", "--model", "parallax")
    shell("queue", "drain", "--worker", "box")
    out = shell("queue", "show")[1]
    assert "paused: parallax/1, since" in out
    assert "draining: worker box, since" in out
    status, _, err = shell("queue", "pause", "--model", "nobody")
    assert (status, "none of this server's" in err) == (1, True)


def test_a_drained_queue_says_that_nothing_is_left(shell):
    assert "Drained: nothing waits" in shell("queue", "drain")[1]


def test_what_is_done_on_the_command_line_is_logged_too(shell, tmp_path):
    shell("queue", "pause", "--model", "parallax")
    shell("queue", "show")
    issued = shell.json("keys", "create", "--name", "Ada")

    async def logged():
        with administration(Settings(data_dir=tmp_path)) as office:
            return list(await office.log.latest(None, 9))

    latest, paused, first = asyncio.run(logged())
    assert (latest.actor, latest.name, latest.details["name"]) == (operator_here(), "keys create", "Ada")
    assert (paused.name, paused.details) == ("queue pause", {"model": "parallax"})
    assert first.name == "keys create"
    assert issued["key"] not in str(latest)
