"""Memory for large bodies: bounded in bytes, shared fairly, and released."""

import asyncio
import gc
import threading
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillmotion.http.parsing.byte_budget import ByteBudget
from stillmotion.http.parsing.multipart import FormParser


async def waiting(work):
    task = asyncio.ensure_future(work)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


async def test_a_flood_of_one_leaves_room_for_another():
    room = ByteBudget(100, 40)
    first = await room.take("flood", 30)
    flood = [await waiting(room.take("flood", 30)) for _ in range(50)]
    assert not any(each.done() for each in flood)
    other = await asyncio.wait_for(room.take("other", 40), 20)
    first()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [each.done() for each in flood] == [True] + [False] * 49
    other()
    for each in flood:
        each.cancel()


async def test_who_waits_for_much_is_not_passed_by_those_who_want_little():
    room = ByteBudget(100, 100)
    first = await room.take("a", 60)
    much = await waiting(room.take("b", 50))
    little = await waiting(room.take("c", 10))
    assert not much.done()
    assert not little.done()
    first()
    await asyncio.gather(much, little)


async def test_who_stops_waiting_is_forgotten():
    room = ByteBudget(100, 100)
    first = await room.take("a", 100)
    gone = await waiting(room.take("b", 100))
    gone.cancel()
    next_one = await waiting(room.take("c", 100))
    first()
    await asyncio.wait_for(next_one, 20)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 150)), max_size=30))
def test_never_more_than_there_is_and_everybody_gets_some(asked):
    async def run():
        room, held = ByteBudget(200, 100), []

        async def one(owner, size):
            give_back = await room.take(owner, size)
            held.append((owner, min(size, 100)))
            assert sum(size for _, size in held) <= 200
            assert all(sum(size for name, size in held if name == owner) <= 100 for owner, _ in held)
            await asyncio.sleep(0)
            held.remove((owner, min(size, 100)))
            give_back()

        await asyncio.wait_for(asyncio.gather(*(one(*each) for each in asked)), 20)

    asyncio.run(run())


async def test_memory_is_returned_once_nothing_is_held():
    returned = threading.Event()
    room = ByteBudget(100, 100, returned.set, 0.01)
    give_back = await room.take("a", 1)
    assert not await asyncio.to_thread(returned.wait, 0.05)
    give_back()
    assert await asyncio.to_thread(returned.wait, 20)


@pytest.mark.parametrize(
    "body", [b"", b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--x--\r\n", b"nonsense"]
)
def test_a_form_leaves_nothing_to_the_garbage_collector(body):
    """A reference cycle would keep the files until the collector runs, which is seldom."""
    gc.collect()
    gc.disable()
    try:
        parser = FormParser("x")
        parser.write(body)
        seen = weakref.ref(parser)
        del parser
        assert seen() is None
    finally:
        gc.enable()
