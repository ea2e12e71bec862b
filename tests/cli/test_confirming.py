"""Confirmation: a command that deletes for good asks on a terminal, and does not ask in a script."""

import os
import pty
import sys

import pytest

from tests.clients.contract_server import Answer
from tests.end_to_end.conftest import clean_environment

ONE, CANCEL = "/dream-machine/v1/generations/1", "/generations/1/cancel"


def answered(words, settings, answer):
    """Exit code and terminal output of a command whose question is answered."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(sys.executable, [sys.executable, "-m", "stillmotion", *words], clean_environment(**settings))
    written, given = b"", False
    try:
        while piece := os.read(terminal, 65536):
            written += piece
            if b"[y/N]" in written and not given:
                given = True
                os.write(terminal, answer)
    except OSError:
        pass  # EIO: the other end of the terminal is closed.
    finally:
        os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), " ".join(written.decode().split())


@pytest.fixture
def told(server):
    """The settings for a server with one generation."""
    server.on("DELETE", ONE, Answer(204))
    server.on("POST", CANCEL, Answer(200, {"id": "1", "state": "failed", "model": "ray-2"}))
    server.on("GET", ONE, Answer(200, {"id": "1", "state": "dreaming", "model": "ray-2"}))
    return {"STILLMOTION_SERVER": server.base, "STILLMOTION_KEY": "sm_key"}


@pytest.mark.parametrize(("command", "act"), [("delete", f"DELETE {ONE}"), ("cancel", f"POST {CANCEL}")])
def test_a_generation_is_gone_only_when_that_was_meant(server, told, command, act):
    code, shown = answered(["generations", command, "1"], told, b"\n")
    assert (code, server.asked) == (1, [])
    assert "the generation 1" in shown
    assert "Nothing was done." in shown
    assert answered(["generations", command, "1"], told, b"y\n")[0] == 0
    code, shown = answered(["generations", command, "1", "--yes"], told, b"")
    assert code == 0
    assert "[y/N]" not in shown
    assert [each for each in server.paths() if not each.startswith("GET")] == [act] * 2


@pytest.fixture
def office(commands):
    """A data directory with a subscription: its settings, and the subscription."""
    return {"STILLMOTION_DATA_DIR": str(commands.directory)}, commands.json("keys", "create", "--name", "Ada")


def test_a_subscription_is_ended_only_when_that_was_meant(commands, office):
    settings, made = office
    id_ = made["subscription"]
    code, shown = answered(["subscriptions", "cancel", id_], settings, b"n\n")
    assert code == 1
    assert f"End the subscription of Ada ({id_}) for good? Its keys never work again." in shown
    assert commands.json("subscriptions", "show", id_)["state"] == "active"
    assert answered(["subscriptions", "cancel", id_], settings, b"y\n")[0] == 0
    assert commands.json("subscriptions", "show", id_)["state"] == "cancelled"


def test_a_key_is_replaced_only_when_that_was_meant(commands, office):
    settings, made = office
    code, shown = answered(["keys", "rotate", made["subscription"]], settings, b"\n")
    assert code == 1
    assert f"Replace the primary key {made['key'][:9]}… of Ada? The old one stops working at once." in shown
    assert commands.json("keys", "list")[0]["keys"]["primary"] == made["key"][:9] + "…"


def test_what_is_not_there_is_said_before_anything_is_asked(office):
    code, shown = answered(["subscriptions", "cancel", "nothing"], office[0], b"y\n")
    assert code == 1
    assert "[y/N]" not in shown
    assert "there is no subscription nothing" in shown
