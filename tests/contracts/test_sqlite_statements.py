"""Query plans of the store's statements: the cost of a request does not grow with the history."""

import re
from importlib import import_module
from pkgutil import iter_modules

import pytest

from stillmotion.adapters.store.sql import queries
from stillmotion.adapters.store.sqlite.schema import migrations, open_database

STATEMENTS = {
    name: text
    for module in iter_modules(queries.__path__)
    for name, text in vars(import_module(f"{queries.__name__}.{module.name}")).items()
    if name.isupper() and not name.startswith("_") and re.match(r"\s*(WITH|SELECT|INSERT|UPDATE|DELETE)", text)
}
ADMINISTRATION = {
    "ALL_PRODUCTS",
    "ALL_SUBSCRIPTIONS",
    "ALL_KEYS",
    "KEYS_BY_MARK",
    "ALL_OBJECTS",
    "QUEUE_DEPTH",
    "FAILURES_SINCE",
    "ALL_SAMPLES",
}
"""Statements that list everything, for an operator."""

SUMS = {"QUEUE_BY_ENGINE", "CALLBACKS_PENDING", "BYTES_OF_RESULTS", "BYTES_OF_UPLOADS", "BYTES_OF_DATABASE"}
"""Statements of a look at the metrics, apart from the event loop. They read an index each, and no row."""

UNDER_WAY = re.compile(
    "(generations_(queued|dreaming|waiting)|limits_waiting|removals_by_age)$"
    "|SCAN (meta|endpoints|json_each|CONSTANT ROW|queue_controls|processes|duties|read_windows|model_wishes|pulls"
    "|(unfinished|placed|nearer)$|s$)"
)
"""Allowed scans: indexes of unfinished rows, lists that a statement makes of them, all subscriptions once a minute,
the row of meta, the few pauses, processes and duties, the subscriptions that read lately, a catalogue's few models.
"""

GIVEN = "SCAN json_each VIRTUAL TABLE INDEX 1:"
"""A scan of a list that is bound to the statement."""


@pytest.fixture
def connection(database):
    opened = open_database(database, migrations())
    yield opened
    opened.close()


def plan(connection, statement):
    bindings = (0,) * statement.count("?") or dict.fromkeys(re.findall(r":(\w+)", statement), 0)
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", bindings)]


@pytest.mark.parametrize("name", sorted(STATEMENTS.keys() - ADMINISTRATION - SUMS))
def test_no_statement_reads_what_is_past(connection, name):
    steps = plan(connection, STATEMENTS[name])
    scans = [step for step in steps if step.startswith("SCAN") and not UNDER_WAY.search(step) and step != GIVEN]
    sorts = [step for step in steps if "TEMP B-TREE" in step]
    assert scans + sorts == []


@pytest.mark.parametrize("name", sorted(SUMS))
def test_a_sum_is_read_from_an_index_alone(connection, name):
    steps = plan(connection, STATEMENTS[name])
    assert steps != []
    assert [step for step in steps if not re.search("COVERING INDEX|VIRTUAL TABLE", step)] == []


def test_lengths_in_line_are_read_from_the_index(connection):
    """A row's length is in its JSON, and a place in line may be counted from thousands of rows."""
    lengths = "SELECT sum(video) FROM generations {} WHERE state = 'queued' AND subscription_id = ?"
    ways = [lengths.format(way) for way in ("INDEXED BY generations_queued", "NOT INDEXED")]
    steps = [connection.execute(f"EXPLAIN {way}", (0,)).fetchall() for way in ways]
    assert [any("->>" in str(step) for step in each) for each in steps] == [False, True]


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_every_statement_says_what_it_binds(name):
    """Values are bound. Only constants of the schema stand in the text."""
    literals = set(re.findall(r"'([^']*)'", STATEMENTS[name]))
    kinds = (
        {"unfinished", "line", "cut", "urgent", "lane", "time", "pace", "paused"}
        if name == "PICTURE_OF_QUEUE"
        else set()
    )
    states = {"queued", "dreaming", "failed", "cancelled"}
    assert literals - kinds - states <= {"pending", "delivered", "resolution", "server", ""}


@pytest.mark.parametrize("name", ["FIND_OWNED", "VIEW_GENERATION"])
def test_whose_a_generation_is_is_found_out_before_its_row_is_read(connection, name):
    """The answer for another's generation then takes as long as for an unknown one."""
    (step,) = plan(connection, STATEMENTS[name])
    assert step.endswith("USING INDEX generations_owned (subscription_id=? AND id=?)")


def test_whose_an_upload_is_is_found_out_before_its_row_is_read(connection):
    (step,) = plan(connection, STATEMENTS["FIND_UPLOAD"])
    assert step.endswith("USING INDEX uploads_owned (subscription_id=? AND id=?)")


def test_a_row_in_its_place_is_found_in_one_step(connection):
    (step,) = plan(connection, STATEMENTS["VIEW_IN_PLACE"])
    assert step == "SEARCH generations USING INTEGER PRIMARY KEY (rowid=?)"


def test_a_retry_is_looked_for_by_its_digest(connection):
    (step,) = plan(connection, STATEMENTS["FIND_RECENT_SUBMIT"])
    assert step.endswith("(span=? AND subscription_id=? AND body_digest=?)")
