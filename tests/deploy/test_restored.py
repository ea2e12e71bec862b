"""A dump of PostgreSQL and its restore, by the page's own lines: the service goes on with what it finds."""

import os
import subprocess
from contextlib import closing

import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

import psycopg

from stillmotion.adapters.store import postgresql
from stillmotion.adapters.store.postgresql import schema
from stillmotion.adapters.store.postgresql.condition import server_condition
from stillmotion.adapters.store.postgresql.connections.opening import conninfo
from stillmotion.application.ports.store import Submission
from stillmotion.composition.doctor import shared
from tests import databases
from tests.builders import a_generation
from tests.contracts.conftest import keep_subscription
from tests.contracts.test_generation_store import claim
from tests.deploy.test_roles import NEW, Roles
from tests.docs.markdown_pages import ROOT, blocks

DUMP, RESTORE = (each for each in blocks(ROOT / "docs/howto/scale-out.md", "sh") if each.startswith("pg_"))


def carry_out(line, folder, **variables):
    """Run a line of the page with the oldest server's programs."""
    path = f"{databases.cluster().programs}:{os.environ['PATH']}"
    given = {"PATH": path, **variables}
    ran = subprocess.run(["/bin/sh", "-c", line], cwd=folder, env=given, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


async def test_a_restored_database_goes_on_with_its_queue(tmp_path):
    roles = Roles()
    roles.carry_out(NEW)
    schema.migrate(conninfo(roles.owner), schema.migrations())
    with closing(postgresql.open_store(roles.service)) as store:
        customer = await keep_subscription(store)
        first, second = [a_generation(customer) for _ in range(2)]
        for each in (first, second):
            await store.submit(Submission(each, customer.product))
        assert (await store.claim_next(claim)).id == first.id
    restored = f"{roles.name}_restored"
    with psycopg.connect(databases.cluster().url(), autocommit=True) as administrator:
        administrator.execute(f"CREATE DATABASE {restored} OWNER {roles.name}_owner TEMPLATE template0")
    owners, service = (url.replace(f"/{roles.name}?", f"/{restored}?") for url in (roles.owner, roles.service))
    carry_out(DUMP, tmp_path, OWNERS_STORE=roles.owner)
    carry_out(RESTORE, tmp_path, RESTORED_STORE=owners)
    assert not shared.database(server_condition(service)).is_problem
    with closing(postgresql.open_store(service)) as store:
        third = a_generation(customer)
        await store.submit(Submission(third, customer.product))
        assert [(await store.claim_next(claim)).id for _ in range(2)] == [second.id, third.id]
        assert await store.claim_next(claim) is None
        assert (await store.find(first.id)).state == "dreaming"
    with psycopg.connect(owners) as owner:
        assert owner.execute("SELECT count(DISTINCT sequence) FROM generations").fetchall() == [(3,)]
        assert owner.execute("SELECT coalesce(sum(queued), 0) FROM line_lengths").fetchall() == [(0,)]
