"""Two roles in PostgreSQL, made by the page's own statements: one owns the tables, the other only uses their rows."""

import itertools
import json
import subprocess

import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

import psycopg

from stillmotion.adapters.store import postgresql
from stillmotion.adapters.store.postgresql import schema
from stillmotion.adapters.store.postgresql.condition import server_condition
from stillmotion.adapters.store.postgresql.connections.opening import conninfo
from stillmotion.adapters.store.sql.connections import StoreUnusable
from stillmotion.adapters.store.sql.migrations import Migration
from stillmotion.composition.doctor import shared
from tests import databases
from tests.docs.markdown_pages import ROOT, blocks
from tests.end_to_end.conftest import Running, clean_environment, small_picture
from tests.forked import ended

NEW, HANDED_OVER = blocks(ROOT / "docs/howto/deploy.md", "sql")
NUMBERS = itertools.count()
SHORT = {"prompt": "push in", "url": small_picture(), "duration": 5, "resolution": "540p"}


class Roles:
    """A database's two roles, by the page's statements under names of their own: the server may have others."""

    def __init__(self):
        self.name = f"roles_{next(NUMBERS)}"
        self._cluster = databases.cluster()
        self.owner, self.service = (self._cluster.url(self.name, role) for role in (f"{self.name}_owner", self.name))

    def carry_out(self, statements):
        """Run a block of the page in psql, as an administrator."""
        named = statements.replace("`stillmotion ", "`").replace("stillmotion", self.name)
        command = [self._cluster.programs / "psql", "--set=ON_ERROR_STOP=1", "--no-psqlrc", self._cluster.url()]
        ran = subprocess.run(
            command, input=named, capture_output=True, text=True, check=False, cwd="/", **databases.as_user()
        )
        assert ran.returncode == 0, ran.stderr

    def problems(self):
        """Findings of the doctor with the service's role that are problems."""
        found = [look(server_condition(self.service)) for look in (shared.database, shared.snapshots, shared.dead_rows)]
        return [(each.said, each.remedy) for each in found if each.is_problem]


@pytest.fixture
def roles():
    return Roles()


def test_the_lesser_role_is_all_that_a_service_needs(roles, tmp_path):
    roles.carry_out(NEW)
    with pytest.raises(StoreUnusable, match=f"the role {roles.name} may make none: run `stillmotion migrate` with the"):
        postgresql.open_store(roles.service)
    settings = {
        "STILLMOTION_STORE": roles.service,
        "STILLMOTION_SECRET": "5e" * 32,
        "STILLMOTION_PUBLIC_URL": "http://127.0.0.1:9",
        "STILLMOTION_RENDERERS": "1",
    }
    schema.migrate(conninfo(roles.owner), schema.migrations())
    server = Running(tmp_path / "data", settings)
    server.key = server.new_key()["key"]
    server.start()
    try:
        made = server.submit(SHORT).body["id"]
        server.wait_for(made, "completed", seconds=60)
        path, bearer = f"/dream-machine/v1/generations/{made}", f"Bearer {server.key}"
        assert server.call("DELETE", path, Authorization=bearer).status == 204
        # Beside the server, as in its pod: its own address is no problem.
        here = clean_environment(**settings, STILLMOTION_PORT=server.base.rpartition(":")[2])
        _, said, _ = ended(["doctor", "--json", "--data-dir", str(tmp_path / "data")], here)
        problems = {each["name"] for each in json.loads(said)["checks"] if not each["ok"]}
        assert problems == {"durability", "fleet"}, "the tests' PostgreSQL does not flush, and the clips are here"
    finally:
        server.stop()
    with psycopg.connect(roles.owner) as owner:
        owners = owner.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert owners == [(f"{roles.name}_owner",)]
    assert roles.problems() == []


def test_an_upgrade_is_the_owners_and_brings_its_rights(roles):
    roles.carry_out(NEW)
    schema.migrate(conninfo(roles.owner), schema.migrations())
    newest = schema.migrations()[-1].version
    newer = [
        *schema.migrations(),
        Migration(newest + 1, "CREATE TABLE colours (name text); ALTER TABLE products ADD COLUMN colour text;"),
    ]
    remedy = f"run `stillmotion migrate` with {roles.name}_owner in `store`, then start this again"
    with pytest.raises(StoreUnusable, match=remedy):
        schema.open_database(conninfo(roles.service), newer)
    schema.migrate(conninfo(roles.owner), newer)
    schema.open_database(conninfo(roles.service), newer).link.close()
    with psycopg.connect(roles.service) as service:
        service.execute("INSERT INTO colours VALUES ('red')")
    assert roles.problems() == []


def test_tables_are_handed_over_to_an_owner_and_a_missing_right_is_named(roles):
    with psycopg.connect(databases.cluster().url(), autocommit=True) as administrator:
        administrator.execute(f"CREATE ROLE {roles.name} LOGIN")
        administrator.execute(f"CREATE DATABASE {roles.name} OWNER {roles.name}")
        administrator.execute(f"GRANT pg_read_all_stats TO {roles.name}")
    postgresql.open_store(roles.service).close()
    roles.carry_out(HANDED_OVER)
    postgresql.open_store(roles.service).close()
    with pytest.raises(StoreUnusable, match="may not change the tables"):
        schema.migrate(conninfo(roles.service), [*schema.migrations(), Migration(99, "ALTER TABLE keys ADD x text")])
    assert roles.problems() == []
    with psycopg.connect(roles.owner, autocommit=True) as owner:
        owner.execute(f"REVOKE INSERT ON keys FROM {roles.name}; REVOKE ALL ON links FROM {roles.name}")
        ((said, asked),) = roles.problems()
        assert said.endswith(f"where the role {roles.name} may not read and write keys, links")
        owner.execute(asked.removeprefix(f"As {roles.name}_owner: ").encode())
        assert roles.problems() == []
        owner.execute(f"REVOKE ALL ON stillmotion FROM {roles.name}")
    with pytest.raises(
        StoreUnusable, match=r"permission denied for table stillmotion.*; as the owner of the tables, grant"
    ):
        postgresql.open_store(roles.service)
