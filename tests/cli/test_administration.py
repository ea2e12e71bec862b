"""`stillmotion products`, `subscriptions` and `keys`, as run from a shell."""

import json
import sys
from datetime import UTC, datetime
from itertools import chain

import pytest

from stillmotion.adapters.directory.data_directory import open_data_directory
from stillmotion.cli import main as cli
from stillmotion.cli.admin import keys, products, subscriptions


class Shell:
    """Runner of commands in this process, over one data directory."""

    def __init__(self, folder, capsys, monkeypatch):
        self._folder, self._capsys, self._monkeypatch = folder, capsys, monkeypatch

    def __call__(self, *words):
        """Exit status, standard output, standard error."""
        arguments = ["stillmotion", *words, "--data-dir", str(self._folder)]
        self._monkeypatch.setattr(sys, "argv", arguments)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = self._capsys.readouterr()
        return ended.value.code, said.out, said.err

    def json(self, *words):
        status, out, err = self(*words, "--json")
        assert status == 0, err
        assert err == "" or err.startswith(f"Kept in {self._folder}")
        return json.loads(out)


@pytest.fixture
def shell(tmp_path, capsys, monkeypatch):
    return Shell(tmp_path, capsys, monkeypatch)


def test_one_command_leads_from_nothing_to_a_key(shell):
    made = shell.json("keys", "create")
    assert made["key"].startswith("sm_")
    assert len(made["key"]) >= 43
    assert made["product"] == "default"
    (listed,) = shell.json("keys", "list")
    assert listed["subscription"] == made["subscription"]
    assert listed["keys"]["primary"] == made["key"][:9] + "…"


def test_a_key_for_a_directory_that_no_server_uses_says_which_that_is(shell, tmp_path):
    for words in (["keys", "create"], ["products", "create", "basic"], ["subscriptions", "create"]):
        _, _, said = shell(*words)
        assert f"Kept in {tmp_path}, which is new, and no server uses it: start one with: stillmotion serve" in said
    directory = open_data_directory(tmp_path)
    with directory.lock():
        assert f"Kept in {tmp_path}.\n" in shell("keys", "create")[2]
    assert f"Kept in {tmp_path}. No server runs over it just now: start one with" in shell("keys", "create")[2]


@pytest.mark.parametrize("noun", ["keys list", "subscriptions list", "products list", "queue show"])
def test_a_noun_alone_shows_what_there_is(noun, shell):
    shell("keys", "create")
    alone, verb = noun.split()
    assert shell(alone) == shell(alone, verb)
    assert shell.json(alone) == shell.json(alone, verb)


ELSEWHERE = [
    ["keys", "list"],
    ["keys", "rotate", "x"],
    ["keys", "new-secret", "--yes"],
    ["products", "list"],
    ["products", "update", "x"],
    ["subscriptions", "list"],
    ["subscriptions", "show", "x"],
    ["callbacks", "list", "x"],
    ["gc"],
    ["backup", "out.tar"],
    ["worker"],
]


@pytest.mark.parametrize("words", ELSEWHERE, ids=" ".join)
def test_a_mistyped_directory_is_named_and_not_made(tmp_path, capsys, monkeypatch, words):
    mistyped = tmp_path / "mistyped"
    status, out, err = Shell(mistyped, capsys, monkeypatch)(*words)
    assert (status, out) == (1, "")
    assert err == (
        f"stillmotion: {mistyped} is not there: give the server's data directory with --data-dir or "
        "STILLMOTION_DATA_DIR\n"
    )
    assert list(tmp_path.iterdir()) == []
    existing = tmp_path / "photos"
    existing.mkdir()
    (existing / "photo.jpg").write_bytes(b"")
    status, _, err = Shell(existing, capsys, monkeypatch)(*words)
    assert status == 1
    assert f"{existing} holds no Stillmotion database" in err
    assert [each.name for each in existing.iterdir()] == ["photo.jpg"]


def test_a_worker_refuses_a_directory_that_no_server_made(shell, tmp_path):
    shell("keys", "create")
    status, _, err = shell("worker")
    assert status == 1
    assert f"no server has run over {tmp_path} yet: start one with `stillmotion serve --data-dir {tmp_path}`" in err


def test_a_command_that_is_named_can_be_pasted(tmp_path, capsys, monkeypatch):
    place = tmp_path / "two words"
    place.mkdir()
    shell = Shell(place, capsys, monkeypatch)
    assert f"stillmotion serve --data-dir '{place}'" in shell("keys", "create")[2]
    assert f"`stillmotion serve --data-dir '{place}'`" in shell("worker")[2]


def test_a_worker_that_would_make_nothing_refuses_to_start(shell, tmp_path, monkeypatch):
    shell("keys", "create")
    open_data_directory(tmp_path).lock().release()
    monkeypatch.setenv("STILLMOTION_RENDERERS", "0")
    status, _, err = shell("worker")
    assert (status, err.splitlines()[-1]) == (
        1,
        "stillmotion: renderers is 0, so this worker would make nothing: give --renderers 1, or more.",
    )


def test_a_lost_secret_is_replaced_when_that_is_asked_for(shell, tmp_path):
    made = shell.json("keys", "create")
    secret = tmp_path / "secret"
    before = secret.read_bytes()
    for lost in (secret.unlink, lambda: secret.write_bytes(bytes(32)), lambda: secret.write_bytes(b"")):
        lost()
        for words in (["keys", "list"], ["keys", "create"], ["gc"]):
            status, _, err = shell(*words)
            assert status == 1
            assert f"stillmotion keys new-secret --data-dir {tmp_path}" in err
        assert shell.json("keys", "new-secret", "--yes")["data_dir"] == str(tmp_path)
        assert len(secret.read_bytes()) == 32
        assert secret.read_bytes() not in (before, bytes(32))
        assert shell.json("keys", "rotate", made["subscription"])["key"] != made["key"]


def test_a_secret_is_not_replaced_beneath_a_server_or_a_worker(shell, tmp_path):
    shell("keys", "create")
    secret = (tmp_path / "secret").read_bytes()
    directory = open_data_directory(tmp_path)
    with directory.lock():
        assert "in use by another server" in shell("keys", "new-secret", "--yes")[2]
    with directory.join():
        assert "in use by a worker: stop it first" in shell("keys", "new-secret", "--yes")[2]
    assert (tmp_path / "secret").read_bytes() == secret


def test_a_product_is_made_shown_changed_and_listed(shell):
    made = shell.json(
        *["products", "create", "basic", "--models", "ray-1-6,ray-2", "--resolutions", "540p, 720p"],
        *["--max-seconds", "5", "--video-seconds-per-month", "3600", "--price-per-second", "0.02"],
    )
    assert (made["models"], made["resolutions"], made["surfaces"]) == (["ray-1-6", "ray-2"], ["540p", "720p"], None)
    changed = shell.json("products", "update", "basic", "--models", "all", "--max-seconds", "none")
    assert changed == made | {"models": None, "max_seconds": None}
    assert shell.json("products", "show", "basic") == changed
    assert shell.json("products", "list") == [changed]
    assert "not limited" in shell("products", "show", "basic")[1]


def test_a_subscription_is_made_shown_changed_and_ended(shell):
    shell.json("products", "create", "basic")
    made = shell.json("subscriptions", "create", "--product", "basic", "--name", "Ada", "--expires-at", "2999-01-01")
    id_ = made["subscription"]
    shown = shell.json("subscriptions", "show", id_)
    assert (shown["state"], shown["product"], shown["expires_at"]) == ("active", "basic", "2999-01-01T00:00:00Z")
    assert shell.json("subscriptions", "suspend", id_)["state"] == "suspended"
    assert shell.json("subscriptions", "activate", id_)["state"] == "active"
    past = shell.json("subscriptions", "update", id_, "--expires-at", "2020-01-01T00:00:00+02:00")
    assert (past["state"], past["expires_at"]) == ("expired", "2019-12-31T22:00:00Z")
    assert shell.json("subscriptions", "update", id_, "--expires-at", "never", "--name", "Bea")["name"] == "Bea"
    assert shell.json("subscriptions", "cancel", id_)["state"] == "cancelled"
    assert [each["id"] for each in shell.json("subscriptions", "list")] == [id_]


def test_a_key_is_replaced(shell):
    made = shell.json("keys", "create")
    fresh = shell.json("keys", "rotate", made["subscription"], "--slot", "secondary")
    assert fresh["key"] not in (made["key"], made["secondary_key"])
    (listed,) = shell.json("keys", "list")
    assert listed["keys"] == {"primary": made["key"][:9] + "…", "secondary": fresh["key"][:9] + "…"}


def test_keys_are_suspended_and_activated(shell):
    made = shell.json("keys", "create")
    for word, state in (("suspend", "suspended"), ("activate", "active")):
        assert shell.json("keys", word, made["subscription"]) == {"subscription": made["subscription"], "state": state}
        assert shell.json("subscriptions", "show", made["subscription"])["state"] == state


@pytest.mark.parametrize("group", [products, subscriptions, keys])
def test_every_command_of_the_office_answers_in_json_where_it_is_asked(group):
    without = [
        name
        for name, each in group.command.commands.items()
        if "--json" not in {*chain(*(p.opts for p in each.params))}
    ]
    assert without == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["products", "show", "none"], "there is no product called none: look for it in the list of products"),
        (["products", "update", "none"], "there is no product called none"),
        (["products", "create", "x", "--max-seconds", "-5"], "max_seconds: must be from 1 to 12, or none for no limit"),
        (["products", "create", "a b"], "name: must be 1 to 64 of the characters"),
        (["products", "create", "x", "--models", "nobody"], "models: holds nobody, but this server has ray-1-6"),
        (["subscriptions", "create", "--product", "none"], "product: there is no product called none"),
        (["subscriptions", "show", "none"], "there is no subscription none: look for it in the list"),
        (["subscriptions", "cancel", "none"], "there is no subscription none"),
        (["keys", "rotate", "none"], "there is no subscription none"),
        (["keys", "create", "--name", " "], "name: must be 1 to 200 printable characters"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_with_the_remedy(shell, words, sentence):
    shell("keys", "create")
    status, out, err = shell(*words)
    assert (status, out) == (1, "")
    assert err.startswith(f"stillmotion: {sentence}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["products", "create", "x", "--resolutions", "9p"], "must be a list of 540p, 720p, 1080p, 4k"),
        (["products", "create", "x", "--max-seconds", "long"], "is not a number or none"),
        (["products", "create", "x", "--models", ","], "give names with commas between them, or all"),
        (["subscriptions", "create", "--expires-at", "soon"], "write it like 2027-01-31T12:00:00Z, or never"),
    ],
)
def test_a_wrong_option_is_named_with_its_remedy(shell, words, sentence):
    status, _, err = shell(*words)
    assert status == 2
    assert sentence in err


def test_a_day_without_a_zone_is_meant_in_utc(shell):
    made = shell.json("keys", "create", "--expires-at", "2999-06-01T12:00:00")
    shown = shell.json("subscriptions", "show", made["subscription"])
    assert datetime.fromisoformat(shown["expires_at"]) == datetime(2999, 6, 1, 12, tzinfo=UTC)
