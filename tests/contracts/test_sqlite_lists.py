"""Plans of the statements that are put together from a filter: what they walk, and what they never read."""

from collections import defaultdict

import pytest

from stillmotion.adapters.store.sql.queries import history as lists
from stillmotion.adapters.store.sqlite.schema import migrations, open_database
from stillmotion.application.ports.lists import EVERYTHING, Filter
from stillmotion.domain.lifecycle import State

ENDS = "generation_id>? AND generation_id<?"
BY_STATE = f"SEARCH list_entries USING COVERING INDEX list_entries_by_state (subscription_id=? AND state=? AND {ENDS})"
ENTRIES = f"SEARCH list_entries USING PRIMARY KEY (subscription_id=? AND {ENDS})"
ROW = "SEARCH g USING INTEGER PRIMARY KEY (rowid=?)"
UNFINISHED = frozenset({State.QUEUED, State.DREAMING})
FOUND = ("SCAN found", "SCAN branch", "SCAN branches")
"""Walks of what a statement has found itself."""


@pytest.fixture
def plan(database):
    connection = open_database(database, migrations())
    yield lambda text: [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", defaultdict(int))]
    connection.close()


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize(
    ("chosen", "walk", "branches"),
    [
        (EVERYTHING, ENTRIES, 1),
        (Filter(search="girl"), ENTRIES, 1),
        (Filter(model="ray-2", metadata={"a": "b"}), ENTRIES, 1),
        (Filter(states=frozenset({State.COMPLETED}), search="girl"), ENTRIES, 1),
        (Filter(states=frozenset({State.COMPLETED})), BY_STATE, 1),
        (Filter(states=frozenset({State.FAILED, State.CANCELLED})), BY_STATE, 2),
        (Filter(states=UNFINISHED, search="girl"), BY_STATE.replace("COVERING ", ""), 2),
    ],
)
def test_a_page_walks_its_owners_entries_in_their_order(plan, chosen, walk, branches, newest_first):
    """Entries are found in order, each row by its number."""
    steps = plan(lists.page(chosen, newest_first=newest_first))
    assert steps.count(walk) == branches
    assert steps.count(ROW) == 1
    reads = [step for step in steps if step.startswith(("SEARCH", "SCAN")) and step not in FOUND]
    assert [step for step in reads if step not in (walk, ROW)] == []


@pytest.mark.parametrize("states", [frozenset(), UNFINISHED])
def test_a_count_reads_an_index_alone(plan, states):
    reads = [step for step in plan(lists.count(Filter(states=states))) if step.startswith("SEARCH")]
    assert len(reads) == max(1, len(states))
    assert all("USING COVERING INDEX" in step for step in reads)
