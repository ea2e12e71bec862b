"""Migrations add: a step that code without it does not survive is declared a contract step, by its file's name.

A step that stands in `golden/migrations.json` was made in somebody's database: it is changed no more.
"""

import json
import re
from hashlib import sha256
from importlib import resources

import pytest

pytest.importorskip("psycopg", reason="needs psycopg: pip install stillmotion[postgres]")

from stillmotion.adapters.store.postgresql import schema as postgresql
from stillmotion.adapters.store.sqlite import schema as sqlite
from tests.architecture import source_tree

BEFORE_THE_RULE = 28
"""Steps of SQLite's from before a newer database could be used by older code."""

REMEDY = "name it NNNN_name.contract.sql, and let this version's code run without it too"

_DROPPED = "TABLE|COLUMN|VIEW|FUNCTION|PROCEDURE|TRIGGER|TYPE|DOMAIN|CONSTRAINT|SCHEMA|SEQUENCE"
BREAKING = (
    rf"\bDROP\s+(?:{_DROPPED})\b",
    r"\bALTER\s+TABLE\s+[^;]*\bDROP\s+(?!NOT\b|DEFAULT\b)",
    r"\bRENAME\b",
    r"\bSET\s+NOT\s+NULL\b",
    r"\bALTER\s+(?:COLUMN\s+)?\S+\s+(?:SET\s+DATA\s+)?TYPE\b",
    r"\bDROP\s+DEFAULT\b",
    r"\bADD\s+(?:CONSTRAINT|CHECK|UNIQUE|FOREIGN|PRIMARY|EXCLUDE)\b",
    r"\bADD\s+(?:COLUMN\s+)?(?:(?!\bADD\b)[^;])*\bNOT\s+NULL\b(?!(?:(?!\bADD\b)[^;])*\b(?:DEFAULT|GENERATED)\b)",
    r"\bwritable_schema\b",
    r"\bREVOKE\b",
    r"\bCREATE\s+OR\s+REPLACE\b",
)
"""Words of steps that take away, rename, or refuse what older code writes.

SQLite rebuilds a table under another name, and drops the old one. A function or a view that differs has another name,
as older code uses the old one.
"""
UNIQUE = r"\bCREATE\s+UNIQUE\s+INDEX\s+(?:CONCURRENTLY\s+)?(?:IF\s+NOT\s+EXISTS\s+)?\S+\s+ON\s+(?:ONLY\s+)?\"?(\w+)"
GOLDEN = json.loads((source_tree.ROOT / "tests/golden/migrations.json").read_text("utf-8"))
MADE = r"\bCREATE\s+(?:UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?\"?(\w+)"


def breaking(sql):
    """The words of a step that older code may not survive."""
    statements = re.sub(r"--[^\n]*|/\*.*?\*/", " ", sql, flags=re.DOTALL)
    found = [match[0] for each in BREAKING for match in re.finditer(each, statements, re.IGNORECASE)]
    made = {name.lower() for name in re.findall(MADE, statements, re.IGNORECASE)}
    uniques = re.finditer(UNIQUE, statements, re.IGNORECASE)
    return found + [match[0] for match in uniques if match[1].lower() not in made]


@pytest.mark.parametrize("schema", [sqlite, postgresql])
def test_a_step_that_was_made_is_changed_no_more(schema):
    folder = resources.files(schema.__package__) / "migrations"
    steps = {each.name: sha256(each.read_bytes()).hexdigest() for each in folder.iterdir()}
    assert steps == GOLDEN[schema.__package__.rpartition(".")[2]], "a new step adds its line; an old one stays"


@pytest.mark.parametrize(("schema", "since"), [(sqlite, BEFORE_THE_RULE + 1), (postgresql, 1)])
def test_a_step_that_older_code_does_not_survive_is_a_contract_step(schema, since):
    steps = [each for each in schema.migrations() if each.version >= since and not each.is_contract]
    assert steps
    assert [(each.version, words, REMEDY) for each in steps for words in breaking(each.sql)] == []


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE old",
        "ALTER TABLE a DROP COLUMN b",
        "ALTER TABLE a DROP b",
        "ALTER TABLE a RENAME TO b",
        "alter table a rename column b to c",
        "ALTER TABLE a ALTER COLUMN b SET NOT NULL",
        "ALTER TABLE a ALTER b TYPE bigint",
        "ALTER TABLE a ALTER COLUMN b SET DATA TYPE bigint",
        "ALTER TABLE a ALTER b DROP DEFAULT",
        "ALTER TABLE a ADD CONSTRAINT short CHECK (length(b) < 9)",
        "ALTER TABLE a ADD COLUMN b text NOT NULL",
        "ALTER TABLE a ADD COLUMN b text NOT NULL, ADD COLUMN c text DEFAULT ''",
        "CREATE UNIQUE INDEX one ON a (b)",
        "CREATE TABLE a_new (b TEXT); INSERT INTO a_new SELECT b FROM a; DROP TABLE a; ALTER TABLE a_new RENAME TO a",
        "PRAGMA writable_schema = 1",
        "DROP TRIGGER counted",
        "CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 2'",
    ],
)
def test_a_breaking_step_is_known(sql):
    assert breaking(f"-- A word about it.\n{sql};")


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE a ADD COLUMN b TEXT",
        "ALTER TABLE a ADD COLUMN b text NOT NULL DEFAULT ''",
        "ALTER TABLE a ALTER COLUMN b DROP NOT NULL",
        "CREATE TABLE c (d TEXT NOT NULL); CREATE UNIQUE INDEX one ON c (d)",
        "CREATE INDEX some ON a (b)",
        "DROP INDEX some",
        "UPDATE a SET b = 1  -- DROP TABLE is a word here",
    ],
)
def test_a_step_that_adds_is_none(sql):
    assert breaking(f"{sql};") == []


def test_a_column_that_a_newer_version_adds_disturbs_no_statement():
    """An INSERT names its columns, and so does a SELECT from a table."""
    counting = re.compile(
        r"INSERT\s+(?:OR\s+\w+\s+)?INTO\s+\w+\s+(?:VALUES|SELECT)\b|SELECT\s+(?:\w+\.)?\*\s+FROM\s+\w"
    )
    found = {
        f"{source_tree.name(path)}: {match[0]}"
        for path in source_tree.modules("src/stillmotion/adapters/store")
        for match in counting.finditer(path.read_text("utf-8"))
    }
    assert found == set()
