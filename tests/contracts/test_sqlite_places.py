"""Row numbers derived from ids, and the look-up of rows whose number was taken."""

from itertools import pairwise

import apsw
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from uuid_utils import uuid7

from stillmotion.adapters.identifiers import new_uuid7
from stillmotion.adapters.store.sql.generation_rows import place_of
from stillmotion.application.ports.lists import EVERYTHING, Walk
from stillmotion.domain.errors import GenerationNotFound
from tests.contracts.conftest import keep_subscription
from tests.contracts.test_generation_store import submit

NEIGHBOURS = ["01993c5e-7a80-7abc-9def-0123456789ab", "01993c5e-7a80-7abc-9def-0123456789ac"]
"""Two ids that differ only in the last bits, which the row number leaves out."""

OWNER = "01993c5e-7a80-7fff-9def-0123456789ab"


def sequences(database):
    """The row number of each generation, by id."""
    with apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY) as connection:
        return dict(connection.execute("SELECT id, sequence FROM generations"))


def move(database, places):
    """Move rows to other numbers, as they had in an earlier version. `places` are by id."""
    with apsw.Connection(str(database)) as connection:
        for generation_id, place in places.items():
            connection.execute("UPDATE generations SET sequence = ? WHERE id = ?", (place, generation_id))
            connection.execute("UPDATE list_entries SET sequence = ? WHERE generation_id = ?", (place, generation_id))


async def seen(store, subscription):
    """The ids of all generations of a subscription, each looked up by itself."""
    listed = await store.listed(subscription.id, EVERYTHING, Walk(100))
    return [(await store.view(subscription.id, each.id)).id for each in listed]


async def test_a_row_lies_where_its_id_says(sqlite, database):
    subscription = await keep_subscription(sqlite)
    ids = [(await submit(sqlite, subscription, id=new_uuid7())).generation.id for _ in range(3)]
    assert sequences(database) == {each: place_of(subscription.id, each) for each in ids}
    assert await seen(sqlite, subscription) == ids[::-1]


@pytest.mark.parametrize("owner", [OWNER, NEIGHBOURS[0], "one", "another"])
def test_rows_of_one_millisecond_lie_in_the_order_of_their_ids(owner):
    first = int(NEIGHBOURS[0].replace("-", ""), 16) >> 45 << 45
    places = [place_of(owner, f"{first + (count << 32):032x}") for count in range(1000)]
    assert sum(before >= after for before, after in pairwise(places)) <= 1, "a carry of the bits is the exception"


async def test_a_row_whose_place_is_taken_is_found(sqlite, database):
    first, second = NEIGHBOURS
    subscription = await keep_subscription(sqlite)
    place = place_of(subscription.id, first)
    assert place == place_of(subscription.id, second)
    await submit(sqlite, subscription, id=first)
    await submit(sqlite, subscription, id=second)
    assert sequences(database)[second] > place
    assert await seen(sqlite, subscription) == [second, first]


async def test_nobodys_row_lies_where_another_looks(sqlite, database):
    one, other = await keep_subscription(sqlite), await keep_subscription(sqlite, name="other")
    theirs = [(await submit(sqlite, one, id=new_uuid7())).generation.id for _ in range(100)]
    looked_at = {place_of(other.id, each) for each in theirs}
    assert looked_at.isdisjoint(sequences(database).values())
    for each in theirs:
        with pytest.raises(GenerationNotFound):
            await sqlite.view(other.id, each)


@pytest.mark.parametrize("name", ["id", "", "-", "7", "f" * 4000, "ffffffff-ffff-ffff-ffff-ffffffffffff", "٣", "Ω"])
async def test_an_id_of_another_form_is_found(sqlite, name):
    subscription = await keep_subscription(sqlite)
    with pytest.raises(GenerationNotFound):
        await sqlite.view(subscription.id, name)
    await submit(sqlite, subscription, id=name)
    after = (await submit(sqlite, subscription, id=new_uuid7())).generation.id
    assert sorted(await seen(sqlite, subscription)) == sorted([name, after])


async def test_rows_from_before_there_were_places_are_found(sqlite, database):
    subscription = await keep_subscription(sqlite)
    ids = [(await submit(sqlite, subscription, id=new_uuid7())).generation.id for _ in range(3)]
    move(database, {each: number for number, each in enumerate(ids, 1)})
    assert await seen(sqlite, subscription) == ids[::-1]


async def test_rows_from_before_places_were_told_apart_by_owner_are_found_by_theirs_alone(sqlite, database):
    one, other = await keep_subscription(sqlite), await keep_subscription(sqlite, name="other")
    ids = [(await submit(sqlite, one, id=new_uuid7())).generation.id for _ in range(3)]
    move(database, {each: place_of("", each) for each in ids})
    assert await seen(sqlite, one) == ids[::-1]
    for each in ids:
        with pytest.raises(GenerationNotFound):
            await sqlite.view(other.id, each)


def test_what_comes_later_lies_behind_what_was_there():
    milliseconds = range(1_795_000_000_000, 1_795_000_001_000)
    places = [place_of(OWNER, str(uuid7(nanoseconds=each * 1_000_000))) for each in milliseconds]
    assert places == sorted(set(places))


def test_ids_of_one_millisecond_have_places_of_their_own():
    assert len({place_of(OWNER, new_uuid7()) for _ in range(100_000)}) > 99_000


@given(st.text() | st.text("0123456789abcdefABCDEF-_+x "))
@example("-" * 36)
def test_every_id_has_a_place_that_sqlite_can_count_to_or_none(generation_id):
    place = place_of(OWNER, generation_id)
    assert place is None or 0 <= place < 1 << 63
