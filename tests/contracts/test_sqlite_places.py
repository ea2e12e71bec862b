"""Where a generation's row lies: where its id says, else anywhere, and it is found all the same."""

from datetime import timedelta

import apsw
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stillmotion.adapters.identifiers import Uuid7Source, new_uuid7
from stillmotion.adapters.store.sqlite.rows import place_of
from stillmotion.domain.errors import GenerationNotFound
from tests.builders import ManualClock
from tests.contracts.conftest import keep_subscription
from tests.contracts.test_generation_store import submit

NEIGHBOURS = ["01993c5e-7a80-7abc-9def-0123456789ab", "01993c5e-7a80-7abc-9def-0123456789ac"]
"""They differ in their last bits, which are none of the place's."""


def sequences(database):
    """Where each generation lies, by its id."""
    with apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY) as connection:
        return dict(connection.execute("SELECT id, sequence FROM generations"))


async def seen(store, subscription):
    """The ids of all of its generations, each looked up by itself."""
    listed = await store.page(subscription.id, 100, 0)
    return [(await store.view(subscription.id, each.id)).id for each in listed]


async def test_a_row_lies_where_its_id_says(sqlite, database):
    subscription = await keep_subscription(sqlite)
    ids = [(await submit(sqlite, subscription, id=new_uuid7())).generation.id for _ in range(3)]
    assert sequences(database) == {each: place_of(each) for each in ids}
    assert await seen(sqlite, subscription) == ids[::-1]


async def test_a_row_whose_place_is_taken_is_found(sqlite, database):
    first, second = NEIGHBOURS
    assert place_of(first) == place_of(second)
    one, other = await keep_subscription(sqlite), await keep_subscription(sqlite, name="other")
    await submit(sqlite, one, id=first)
    await submit(sqlite, other, id=second)
    assert sequences(database)[second] > place_of(second)
    assert await seen(sqlite, one) == [first]
    assert await seen(sqlite, other) == [second]
    for subscription, of_the_other in ((one, second), (other, first)):
        with pytest.raises(GenerationNotFound):
            await sqlite.view(subscription.id, of_the_other)


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
    with apsw.Connection(str(database)) as connection:
        for number, each in enumerate(ids, 1):
            connection.execute("UPDATE generations SET sequence = ? WHERE id = ?", (number, each))
    assert await seen(sqlite, subscription) == ids[::-1]


def test_what_comes_later_lies_behind_what_was_there():
    clock = ManualClock()
    new_id = Uuid7Source(clock)
    places = []
    for _ in range(1000):
        places.append(place_of(new_id()))
        clock.time += timedelta(milliseconds=1)
    assert places == sorted(set(places))


def test_ids_of_one_millisecond_have_places_of_their_own():
    new_id = Uuid7Source(ManualClock())
    assert len({place_of(new_id()) for _ in range(1000)}) > 900


@given(st.text() | st.text("0123456789abcdefABCDEF-_+x "))
@example("-" * 36)
def test_every_id_has_a_place_that_sqlite_can_count_to_or_none(generation_id):
    place = place_of(generation_id)
    assert place is None or 0 <= place < 1 << 63
