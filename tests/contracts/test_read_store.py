"""`ReadStore`: servers add up the reads of a subscription in one window."""

from datetime import timedelta

from stillmotion.application.ports.reads import SharedWindow
from tests.builders import NOON

END, LATER = NOON + timedelta(minutes=1), NOON + timedelta(minutes=2)


async def test_reads_of_all_servers_add_up_in_the_first_ones_window(store):
    assert await store.add_reads({"a": 3, "b": 1}, END, NOON) == {"a": SharedWindow(3, END), "b": SharedWindow(1, END)}
    assert await store.add_reads({"a": 4}, LATER, END - timedelta(seconds=1)) == {"a": SharedWindow(7, END)}


async def test_a_window_that_is_over_is_followed_by_another(store):
    await store.add_reads({"a": 3}, END, NOON)
    assert await store.add_reads({"a": 2}, LATER, END) == {"a": SharedWindow(2, LATER)}


async def test_windows_of_the_past_are_forgotten(store):
    await store.add_reads({"a": 3}, END, NOON)
    await store.add_reads({"b": 3}, LATER, NOON)
    await store.forget_reads(LATER)
    found = await store.add_reads({"a": 1, "b": 1}, LATER + timedelta(minutes=1), NOON)
    assert found == {"a": SharedWindow(1, LATER + timedelta(minutes=1)), "b": SharedWindow(4, LATER)}
