"""`stillmotion migrate`, as run from a shell."""

import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

from stillmotion.adapters.directory.data_directory import data_directory
from stillmotion.adapters.store.postgresql import schema as of_postgresql
from stillmotion.adapters.store.sqlite.schema import migrations, open_database
from tests import databases
from tests.cli.test_administration import Shell

NEWEST = migrations()[-1].version


@pytest.fixture
def shell(tmp_path, capsys, monkeypatch):
    return Shell(tmp_path, capsys, monkeypatch)


def test_an_older_directory_is_brought_up_to_date_once(shell, tmp_path):
    shell("keys", "create")
    database = data_directory(tmp_path).database
    database.unlink()
    open_database(database, migrations()[:20]).close()
    assert shell("migrate")[:2] == (0, f"{database}: from schema 20 to {NEWEST}\n")
    assert shell("migrate")[:2] == (0, f"{database}: nothing to do, schema {NEWEST}\n")
    assert shell.json("migrate", "--contract") == {
        "store": str(database), "from": NEWEST, "to": NEWEST, "oldest_code": 29, "contract_due": []
    }  # fmt: skip


def test_a_directory_that_is_not_there_is_not_made(tmp_path, capsys, monkeypatch):
    status, _, err = Shell(tmp_path / "none", capsys, monkeypatch)("migrate")
    assert (status, "is not there: give the server's data directory" in err) == (1, True)
    assert not (tmp_path / "none").exists()


def test_a_shared_store_gets_its_tables_and_no_password_is_shown(shell, monkeypatch):
    monkeypatch.setenv("STILLMOTION_STORE", databases.cluster().new_database())
    status, out, _ = shell("migrate")
    assert status == 0
    newest = of_postgresql.migrations()[-1].version
    assert out.endswith(f": tables made, of schema {newest}\n")
    assert databases.PASSWORD.replace(" ", "%20") not in out
    assert shell.json("migrate")["from"] == newest
