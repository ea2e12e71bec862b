"""Places in a queue of twenty thousand: the statement's plan, and its cost in steps of SQLite's virtual machine."""

from dataclasses import replace
from datetime import timedelta

import apsw
import pytest

from stillmotion.adapters.store.sql.access import from_subscription
from stillmotion.adapters.store.sql.generation_rows import from_generation, microseconds
from stillmotion.adapters.store.sql.queries.access import INSERT_SUBSCRIPTION
from stillmotion.adapters.store.sql.queries.generations import INSERT_GENERATION
from stillmotion.adapters.store.sql.queries.records import PICTURE_OF_QUEUE
from stillmotion.adapters.store.sql.records import from_views
from stillmotion.adapters.store.sqlite import open_store
from stillmotion.domain.record.outlook import MOST_LINES
from tests.builders import NOON, ManualClock, a_generation
from tests.contracts.conftest import keep_subscription

LONG, BETWEEN = 20_000, timedelta(milliseconds=500)

PLACES = [
    "SEARCH g USING INDEX sqlite_autoindex_generations_1 (id=?)",
    "SEARCH l USING PRIMARY KEY (subscription_id=?) LEFT-JOIN",
    "SEARCH p USING PRIMARY KEY (subscription_id=? AND engine=? AND part<?)",
    "SEARCH w USING INDEX generations_queued (subscription_id=? AND <expr>>? AND <expr><?)",
    "SEARCH l USING COVERING INDEX limits_waiting (turn<?)",
    "SEARCH w USING PRIMARY KEY (subscription_id=? AND engine=?)",
]
"""Steps that find a place: the row, its line, the parts before it, the rows of its own part, the lines before it,
and the length of each."""


@pytest.fixture(scope="module")
def long_database(tmp_path_factory):
    return tmp_path_factory.mktemp("long") / "stillmotion.db"


@pytest.fixture(scope="module")
async def queue(long_database):
    """A store in which one owner has so many waiting, two a second, and twenty others have one each."""
    store = open_store(long_database, ManualClock())
    owner = await keep_subscription(store, name="long", concurrent_generations=10**6)
    others = [await keep_subscription(store, name=f"short {number}") for number in range(20)]
    template = a_generation(owner)
    own = [
        replace(template, id=f"{template.id[:-6]}{number:06}", created_at=NOON + number * BETWEEN)
        for number in range(LONG)
    ]
    written = from_generation(template) | {"place": None}
    rows = [written | {"id": each.id, "created_at": microseconds(each.created_at)} for each in own]
    rows += [from_generation(a_generation(each)) for each in others]
    lines = [(owner.id, LONG), *((each.id, 1) for each in others)]

    def fill(connection):
        connection.executemany(INSERT_GENERATION, rows)
        connection.executemany("INSERT INTO limits VALUES (?1, 0, 0, ?2, ?2, 1, 0, 0)", lines)

    await store.writer.run(fill)
    yield store, own
    store.close()


def steps(long_database, generations):
    """Steps of the virtual machine for one look."""
    connection, told = apsw.Connection(str(long_database)), []
    connection.trace_v2(apsw.SQLITE_TRACE_PROFILE, told.append)
    connection.execute(PICTURE_OF_QUEUE, from_views([each.view for each in generations])).fetchall()
    connection.close()
    return sum(each["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"] for each in told)


async def test_a_place_is_counted_exactly_at_any_depth(queue):
    store, own = queue
    asked = [own[place] for place in (0, 1, 33, 34, LONG // 2, LONG - 1)]
    seen = await store.outlooks([each.view for each in asked])
    # The others' turns are all before the second of the long line, and their lines are older than its first.
    assert [seen[each.id].position - own.index(each) for each in asked[1:]] == [21] * 5


def test_the_plan_searches_and_never_scans_the_queue(queue, long_database):
    connection = apsw.Connection(str(long_database))
    given = from_views([queue[1][0].view])
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {PICTURE_OF_QUEUE}", given)]
    connection.close()
    assert [step for step in PLACES if step not in plan] == []
    scanned = {step for step in plan if step.startswith("SCAN generations")}
    assert scanned <= {f"SCAN generations USING INDEX generations_{each}" for each in ("urgent", "dreaming")}


async def test_a_look_into_the_middle_costs_little(queue, long_database):
    store, own = queue
    few, middle, last = (steps(long_database, own[place : place + 1]) for place in (0, LONG // 2, LONG - 1))
    assert few < 3_000
    assert max(middle, last) < 30_000  # A count of what waits before it would take hundreds of thousands.
    page = own[LONG // 2 : LONG // 2 + 100]
    assert steps(long_database, page) < 100 * 30_000
    assert len(await store.outlooks([each.view for each in page])) == len(page)


@pytest.mark.parametrize(("owners", "position"), [(MOST_LINES, MOST_LINES), (MOST_LINES + 1, None)])
async def test_a_place_behind_more_owners_than_are_looked_at_is_unknown(sqlite, owners, position):
    first = await keep_subscription(sqlite, name="one of many")
    crowd = [first, *(replace(first, id=f"{number:036}") for number in range(1, owners))]
    waiting = [a_generation(each) for each in crowd]

    def fill(connection):
        connection.executemany(INSERT_SUBSCRIPTION, [from_subscription(each) for each in crowd[1:]])
        connection.executemany(INSERT_GENERATION, [from_generation(each) for each in waiting])
        lines = [(each.id, since) for since, each in enumerate(crowd)]
        connection.executemany("INSERT INTO limits VALUES (?, 0, 0, 1, 1, 1, 0, ?)", lines)

    await sqlite.writer.run(fill)
    last = waiting[-1]
    assert (await sqlite.outlooks([last.view]))[last.id].position == position
