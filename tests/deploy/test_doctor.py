"""`stillmotion doctor` on a real PostgreSQL server: what is well, and each thing that can be wrong."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

import psycopg
from click.testing import CliRunner

from stillmotion.adapters.store.postgresql import open_store
from stillmotion.adapters.store.postgresql.condition import server_condition
from stillmotion.adapters.store.postgresql.schema import migrations
from stillmotion.adapters.store.sql.connections import StoreUnusable
from stillmotion.adapters.store.sql.migrations import SchemaStanding
from stillmotion.application.ports.store import Submission
from stillmotion.cli.main import cli
from stillmotion.composition.doctor import shared
from stillmotion.composition.doctor.examination import checks, examine, quick_checks
from stillmotion.composition.secrets import secret_of
from stillmotion.config import load
from stillmotion.config.store_urls import without_password
from stillmotion.domain.catalogue import EMBEDDED
from stillmotion.domain.rendering import RESAMPLER
from tests import databases
from tests.builders import a_generation
from tests.contracts.conftest import keep_subscription
from tests.contracts.test_generation_store import claim
from tests.deploy.deploy_files import resources

ONE, TWO = "1" * 64, "2" * 64
FLEET = {
    "STILLMOTION_SECRET": ONE,
    "STILLMOTION_PUBLIC_URL": "https://video.example.com",
    "STILLMOTION_STORAGE": "s3://x",
}


def settings_of(url, **more):
    return load(FLEET | {"STILLMOTION_STORE": url, "STILLMOTION_LOG_LEVEL": "error"} | more)[0]


@pytest.fixture(scope="module")
def empty():
    return databases.cluster(None).new_database()


@pytest.fixture(scope="module")
def url():
    made = databases.cluster(None).new_database()
    open_store(made, fingerprints=secret_of(settings_of(made)).fingerprints).close()
    return made


@pytest.fixture(scope="module")
def condition(url):
    """A server as it should be: the tests' own does not flush, so that it is quick."""
    seen = server_condition(url)
    assert not seen.is_flushed
    return replace(seen, is_flushed=True)


def found(settings):
    return {each.name: each for each in shared.server(settings)}


def test_what_is_found_on_a_server(url):
    seen = found(settings_of(url))
    problems = {name: each.said for name, each in seen.items() if each.is_problem}
    assert problems == {"durability": "the server does not flush what it commits"}
    assert "PostgreSQL 1" in seen["database"].said
    assert f"schema {migrations()[-1].version}, for versions that know 1 or more" in seen["database"].said
    assert databases.PASSWORD not in "".join(each.said + each.remedy for each in seen.values())
    assert seen["secret"].said == "the one that the database was used with"
    assert seen["signals"].said == "a notification of another session arrives"
    assert float(seen["clock"].said.split()[3]) < 1


def test_the_doctor_changes_nothing_and_says_what_an_empty_database_is(empty):
    seen = found(settings_of(empty))
    assert "without our tables yet" in seen["database"].said
    assert seen["secret"].said == "the database has been used with none yet"
    with psycopg.connect(empty) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_another_secret_is_a_problem_and_one_that_is_changed_is_none(url):
    assert found(settings_of(url, STILLMOTION_SECRET=TWO))["secret"].is_problem
    changed = found(settings_of(url, STILLMOTION_SECRET=TWO, STILLMOTION_SECRET_BEFORE=ONE))["secret"]
    assert (changed.is_problem, "secret_before still" in changed.said) == (False, True)


def test_an_open_transaction_is_seen_with_its_age(url):
    with psycopg.connect(url) as held:
        held.execute("SELECT txid_current()")
        with psycopg.connect(url) as other:
            ((age,),) = other.execute(
                "SELECT extract(epoch FROM clock_timestamp() - xact_start)::float8 FROM "
                "pg_stat_activity WHERE pid = %s",
                (held.info.backend_pid,),
            ).fetchall()
        assert server_condition(url).snapshot.total_seconds() >= age


def test_a_database_that_may_not_be_written_to_is_told(url):
    seen = found(settings_of(f"{url}&options=-cdefault_transaction_read_only%3Don"))["database"]
    assert seen.is_problem
    assert "target_session_attrs=read-write" in seen.remedy


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("database", {"version_number": 140_011, "version": "14.11"}, "Upgrade the server to PostgreSQL 15"),
        ("database", {"standing": SchemaStanding(99, 98)}, "Upgrade Stillmotion"),
        ("database", {"encoding": "LATIN1"}, "ENCODING 'UTF8'"),
        ("database", {"standing": None, "may_migrate": False}, "grant stillmotion USAGE and CREATE"),
        ("database", {"newest": 99, "may_migrate": False, "owner": "boss"}, "`stillmotion migrate` with boss in store"),
        ("database", {"closed_tables": ["keys"], "owner": "boss"}, "As boss: GRANT SELECT, INSERT, UPDATE, DELETE ON"),
        ("database", {"closed_functions": ["f(text)"]}, "GRANT EXECUTE ON FUNCTION f(text) TO stillmotion"),
        ("durability", {"is_flushed": False}, "Set fsync"),
        ("durability", {"synchronous_commit": "off"}, "Set synchronous_commit to on"),
        ("durability", {"standby_names": "ANY 1 (one)", "standbys": 0}, "every commit waits"),
        ("clock", {"clock_ahead": timedelta(seconds=-20)}, "by NTP"),
        ("snapshots", {"snapshot": timedelta(minutes=11)}, "keeps dead rows"),
        ("snapshots", {"abandoned_slots": 1}, "pg_drop_replication_slot"),
        ("dead_rows", {"dead_leases": 60_000}, "autovacuum"),
        ("connections", {"connections": 90, "most_connections": 100}, "PgBouncer"),
    ],
)
def test_each_trouble_has_its_remedy(condition, name, changes, words):
    look = getattr(shared, name)
    assert not look(condition).is_problem
    assert words in look(replace(condition, **changes)).remedy


def test_a_role_that_may_not_run_claims_is_told_with_the_grant():
    url = databases.cluster().new_database()
    service = databases.lesser(url)
    assert not shared.database(server_condition(service)).is_problem
    with psycopg.connect(url, autocommit=True) as administrator:
        for closed in ("pg_logical_emit_message(boolean, text, text)", "keep_claim(json)"):
            administrator.execute(f"REVOKE EXECUTE ON FUNCTION {closed} FROM PUBLIC")
        seen = shared.database(server_condition(service))
        assert "may not execute keep_claim(json), pg_logical_emit_message(boolean,text,text)" in seen.said
        administrator.execute(seen.remedy.removeprefix("As a superuser: "))
    assert not shared.database(server_condition(service)).is_problem


def test_what_an_upgrade_still_needs_is_told(condition):
    def said(**changes):
        seen = shared.database(replace(condition, **changes))
        assert not seen.is_problem
        return seen.said.partition(", schema ")[2]

    assert said(standing=SchemaStanding(3, 1), newest=3, due=(3,)) == (
        "3, for versions that know 1 or more; `stillmotion migrate --contract` is due once no older version runs"
    )
    assert said(standing=SchemaStanding(3, 1), newest=4).endswith(
        "`stillmotion migrate` or the next start brings it to 4"
    )
    assert said(standing=SchemaStanding(5, 3), newest=4).endswith("; this one knows 4, and works")


def test_a_synchronous_standby_is_told(condition):
    alone = shared.durability(condition)
    assert "a failover may lose what was acknowledged last" in alone.said
    both = shared.durability(replace(condition, standby_names="ANY 1 (one, two)", standbys=1))
    assert both.said == "commits are flushed, here and by ANY 1 (one, two)"


def test_a_pooler_in_transaction_mode_wants_polling(url):
    pooled = databases.pooled(url)
    seen = found(settings_of(pooled))["signals"]
    assert (seen.is_problem, seen.remedy) == (True, "Set signals to poll.")
    assert not found(settings_of(pooled, STILLMOTION_SIGNALS="poll"))["signals"].is_problem


def test_a_server_that_is_away_is_a_problem_without_a_password():
    settings = settings_of("postgresql://ada:hush@127.0.0.1:1/clips")
    with pytest.raises(StoreUnusable, match=r"postgresql://127\.0\.0\.1:1/clips cannot be used") as refused:
        server_condition(settings.store)
    assert "hush" not in str(refused.value)
    seen = {each.name: each for each in examine(settings, [each for each in checks(settings) if each[0] == "database"])}
    assert seen["database"].is_problem
    assert "hush" not in seen["database"].said


def test_a_fleet_needs_its_settings():
    whole = settings_of("postgresql://db/clips")
    assert not shared.complete(whole).is_problem
    for changes in ({"public_url": ""}, {"storage": "local"}):
        assert shared.complete(replace(whole, **changes)).is_problem


def test_the_checks_go_by_the_store():
    fleet, alone = settings_of("postgresql://db/clips"), load({})[0]
    assert {"fleet", "database"} <= {name for name, _ in checks(fleet)}
    assert "write-ahead log" not in {name for name, _ in checks(fleet)}
    assert {name for name, _ in checks(alone)} - {name for name, _ in quick_checks(alone)} == {"database"}


def test_a_command_names_the_store_without_its_password(url, tmp_path):
    where = FLEET | {"STILLMOTION_STORE": url, "STILLMOTION_DATA_DIR": str(tmp_path)}
    ran = CliRunner().invoke(cli, ["keys", "create"], env=where, catch_exceptions=False)
    assert (ran.exit_code, ran.stderr.splitlines()[0]) == (0, f"Kept in {without_password(url)}.")
    assert databases.PASSWORD.replace(" ", "%20") not in ran.output


async def test_the_autoscaler_counts_what_the_plain_workers_have_to_make():
    url = databases.emptied(databases.store_url())
    (scaled,) = (each for each in resources() if each["kind"] == "ScaledObject")
    query = scaled["spec"]["triggers"][0]["metadata"]["query"]
    with closing(open_store(url)) as store:
        customer = await keep_subscription(store)
        for engine in (EMBEDDED, RESAMPLER, "diffusers/wan"):
            await store.submit(Submission(a_generation(customer, engine=engine), customer.product))
        assert await store.claim_next(claim) is not None
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT engine FROM generations WHERE state = 'dreaming'").fetchall() == [(EMBEDDED,)]
        assert connection.execute(query).fetchall() == [(2,)]
        # Millions of rows are finished: it must look at none of them.
        connection.execute("SET enable_seqscan = off")
        plan = "".join(line for (line,) in connection.execute(f"EXPLAIN {query}"))
        assert "Seq Scan" not in plan
