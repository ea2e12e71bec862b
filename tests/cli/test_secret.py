"""The secret from the settings, and its change, on the command line over a SQLite directory."""

import sys

import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

from stillmotion.adapters.secret import InstallationSecret
from stillmotion.application.access import key_digest
from stillmotion.cli import main as cli
from stillmotion.composition.secrets import KEYS, secret_of
from stillmotion.config import SettingsError, load
from tests import databases, forked
from tests.end_to_end.conftest import clean_environment
from tests.faults.test_startup import examined

ONE, TWO = "1" * 64, "2" * 64


@pytest.fixture
def ran(tmp_path, capsys, monkeypatch):
    """Runner of a command with settings. The answer is its status and what it said on standard error."""

    def run(*words, **settings):
        directory = [] if "--data-dir" in words else ["--data-dir", str(tmp_path / "data")]
        monkeypatch.setattr(sys, "argv", ["stillmotion", *words, *directory])
        with monkeypatch.context() as environment:
            for name, value in settings.items():
                environment.setenv(f"STILLMOTION_{name.upper()}", value)
            with pytest.raises(SystemExit) as ended:
                cli.main()
        return ended.value.code, capsys.readouterr().err

    return run


@pytest.fixture
def listed(tmp_path):
    """The list of keys and the doctor's finding about them, with settings."""

    def look(**settings):
        own = {f"STILLMOTION_{name.upper()}": value for name, value in settings.items()}
        words = ["keys", "list", "--data-dir", str(tmp_path / "data")]
        _, keys, _ = forked.ended(words, clean_environment(**own))
        return keys, examined(tmp_path / "data", **own)["keys"]

    return look


def test_a_given_secret_makes_no_file_and_another_one_is_refused(ran, tmp_path):
    assert ran("keys", "create", secret=ONE)[0] == 0
    assert not (tmp_path / "data" / "secret").exists()
    assert ran("keys", "list", secret=ONE)[0] == 0
    status, said = ran("keys", "list", secret=TWO)
    assert status == 1
    assert "is not the secret that" in said
    assert ONE not in said
    assert TWO not in said
    assert ran("keys", "list", secret=TWO, secret_before=ONE)[0] == 0
    assert ran("keys", "list", secret=TWO)[0] == 0


def test_a_backup_holds_the_given_secret(ran, tmp_path):
    ran("keys", "create", secret=ONE)
    assert ran("backup", str(tmp_path / "kept.tar"), secret=ONE)[0] == 0
    status, said = ran("restore", str(tmp_path / "kept.tar"), "--data-dir", str(tmp_path / "again"))
    assert status == 0, said
    assert (tmp_path / "again" / "secret").read_bytes().hex() == ONE


def test_a_lost_secret_is_replaced_by_the_given_one_when_that_is_asked_for(ran):
    ran("keys", "create", secret=ONE)
    assert ran("keys", "list", secret=TWO)[0] == 1
    assert ran("keys", "new-secret", "--yes", secret=TWO)[0] == 0
    assert ran("keys", "list", secret=TWO)[0] == 0


def test_keys_that_hang_on_another_secret_are_named(ran, listed):
    ran("keys", "create", secret=ONE)
    keys, found = listed(secret=ONE)
    assert "(" not in keys
    assert found.said == "2"
    keys, found = listed(secret=TWO, secret_before=ONE)
    assert keys.count("… (needs secret_before)") == 2
    assert found.said.startswith("2, 2 of which need secret_before until they are used")
    assert not found.is_problem
    keys, found = listed(secret=TWO)
    assert keys.count("… (lost: its secret is gone)") == 2
    assert "2 of which do not work" in found.said
    assert "keys rotate" in found.remedy


def test_a_script_replaces_the_secret_of_a_fleet_only_where_it_says_so(ran):
    fleet = {"store": databases.emptied(databases.store_url()), "public_url": "http://127.0.0.1:9"}
    assert ran("keys", "create", secret=ONE, **fleet)[0] == 0
    status, said = ran("keys", "new-secret", secret=TWO, **fleet)
    assert status == 1
    assert "give --yes if you mean it. Nothing was done." in said
    assert ran("keys", "list", secret=ONE, **fleet)[0] == 0
    status, said = ran("keys", "new-secret", "--yes", secret=TWO, **fleet)
    assert status == 0, said
    assert "stillmotion keys rotate SUBSCRIPTION --slot secondary" in said
    assert databases.PASSWORD not in said
    assert ran("keys", "list", secret=TWO, **fleet)[0] == 0
    assert ran("keys", "list", secret=ONE, **fleet)[0] == 1


@pytest.mark.parametrize("content", [f"{ONE}\n".encode(), ONE.encode(), bytes.fromhex(ONE)])
def test_a_file_holds_the_secret_as_digits_or_as_bytes(tmp_path, content):
    file = tmp_path / "secret"
    file.write_bytes(content)
    settings, _ = load({}, given={"secret_file": str(file), "secret_before": TWO})
    assert secret_of(settings) == InstallationSecret(bytes.fromhex(ONE), bytes.fromhex(TWO))


@pytest.mark.parametrize("content", [b"", b"x" * 64, b"1" * 63, b"1" * 5000, b"\xff" * 64, None])
def test_a_file_without_a_secret_is_refused_by_name(tmp_path, content):
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    settings, _ = load({}, given={"secret_file": str(file)})
    with pytest.raises(SettingsError, match=rf"^secret_file is '{file}', which (holds no secret|cannot be read)"):
        secret_of(settings)


def test_a_shared_store_needs_a_secret_and_two_sources_are_one_too_many(tmp_path):
    store = {"store": "postgresql://ada:hush@db/clips"}
    with pytest.raises(SettingsError, match=r"so a secret is needed: set `secret`.* `openssl rand -hex 32`") as refused:
        secret_of(load({}, given=store)[0])
    assert "hush" not in str(refused.value)
    with pytest.raises(SettingsError, match="secret and secret_file are both set"):
        secret_of(load({}, given=store | {"secret": ONE, "secret_file": str(tmp_path / "x")})[0])


def test_a_secret_is_shown_by_nothing_and_each_purpose_has_its_own():
    secret = InstallationSecret(bytes.fromhex(ONE), bytes.fromhex(TWO))
    assert "\\x11" not in repr(secret)
    assert len({*secret.derived(KEYS), *secret.derived(b"else"), *secret.fingerprints}) == 6
    assert key_digest(secret.derived(KEYS)[0], "sm_x") != key_digest(secret.current, "sm_x")


def test_a_backup_of_a_directory_is_refused_where_the_store_is_elsewhere(ran, tmp_path):
    elsewhere = {"store": "postgresql://ada:hush@127.0.0.1:1/clips", "secret": ONE}
    kept = tmp_path / "kept.tar"
    ran("keys", "create")
    assert ran("backup", str(kept))[0] == 0
    for words in (["backup", str(tmp_path / "b.tar")], ["restore", str(kept), "--data-dir", str(tmp_path / "again")]):
        status, said = ran(*words, **elsewhere)
        assert status == 1
        assert "point-in-time recovery, or by pg_dump and pg_restore" in said
        assert "hush" not in said
    assert not (tmp_path / "again").exists()
    assert not (tmp_path / "b.tar").exists()


def test_a_server_of_a_fleet_needs_its_address(ran):
    status, said = ran("serve", "--port", "0", store="postgresql://127.0.0.1:1/clips", secret=ONE)
    assert status == 1
    assert "public_url is needed" in said


def test_a_command_that_ends_for_an_absent_bucket_says_the_cause_but_no_key(ran):
    ran("keys", "create")
    options = "endpoint=http://127.0.0.1:1,region=x,access_key_id=hush,secret_access_key=husher"
    status, said = ran("gc", storage="s3://clips", storage_options=options)
    assert status == 1
    assert "object storage cannot be reached or written to (Generic S3 error" in said
    assert "127.0.0.1:1" in said
    assert "hush" not in said
