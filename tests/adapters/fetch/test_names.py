"""Name resolution over real sockets: every kind of answer, timeouts, and look-ups that must not delay each other."""

import asyncio
import os
import socket
import time
from datetime import timedelta
from ipaddress import ip_network

import pytest

from bench.soak.name_server import NameServer, Reply
from stillmotion.adapters.fetch.addresses import AddressPolicy
from stillmotion.adapters.fetch.client import Connections, NoResponse, Trouble
from stillmotion.adapters.fetch.resolver import QUESTIONS_EACH, NameServers, parse_name_servers
from stillmotion.adapters.fetch.urls import UrlGuard
from tests.timing import tries
from tests.waiting import eventually_async

MANY = [f"198.51.{high}.{low}" for high in range(15) for low in range(256)]
ZONE = {
    "both.photos.com": ["192.0.2.1", "192.0.2.2", "2001:db8::1"],
    "unknown.photos.com": Reply.UNKNOWN,
    "empty.photos.com": Reply.EMPTY,
    "loop.photos.com": Reply.LOOP,
    "fails.photos.com": Reply.FAILS,
    "lame.photos.com": Reply.LAME,
    "garbage.photos.com": Reply.GARBAGE,
    "huge.photos.com": MANY,
    "*.silent.com": Reply.NOTHING,
    "inside.photos.com": ["192.0.2.1", "10.0.0.8"],
}


async def looked_up(name: str) -> list[str]:
    async with NameServer(ZONE).running() as server:
        return await NameServers((server.address,))(name)


async def test_the_addresses_of_either_family_come_in_turn():
    assert await looked_up("both.photos.com") == ["2001:db8::1", "192.0.2.1", "192.0.2.2"]


@pytest.mark.parametrize("name", ["unknown.photos.com", "empty.photos.com", "loop.photos.com"])
async def test_a_name_without_an_address_is_not_known(name):
    with pytest.raises(socket.gaierror) as error:
        await looked_up(name)
    assert error.value.errno == socket.EAI_NONAME


@pytest.mark.parametrize("name", ["fails.photos.com", "lame.photos.com"])
async def test_a_name_service_that_fails_says_nothing_of_the_name(name):
    with pytest.raises(socket.gaierror) as error:
        await looked_up(name)
    assert error.value.errno == socket.EAI_AGAIN


async def test_an_answer_that_fits_no_datagram_is_fetched_whole():
    assert sorted(await looked_up("huge.photos.com")) == sorted(MANY)


@pytest.mark.parametrize("name", ["a.silent.com", "garbage.photos.com"])
async def test_our_deadline_ends_a_lookup_that_is_never_answered(name):
    async with NameServer(ZONE).running() as server:
        connections = Connections(lookup=NameServers((server.address,)), dns_deadline=timedelta(seconds=0.3))
        took = []
        for _ in tries(took, 2):
            began = time.monotonic()
            assert await trouble_with(connections, name) is Trouble.NO_NAME_SERVICE
            took.append(time.monotonic() - began)
        assert took[-1] < 2


async def test_a_slow_name_server_has_until_our_deadline_though_it_was_fast_before():
    """A resolver adapts its timeout to a fast server. It must not take a later slow answer for none."""
    async with NameServer(ZONE | {"slow.photos.com": Reply.NOTHING}).running() as server:
        names = NameServers((server.address,))
        for _ in range(20):
            await names("both.photos.com")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(names("slow.photos.com"), 1.5)


async def test_two_thousand_names_that_are_never_answered_keep_nobody_waiting():
    async with NameServer(ZONE).running() as server:
        names = NameServers((server.address,))
        silent = [asyncio.create_task(names(f"n{number}.silent.com")) for number in range(2000)]
        await eventually_async(lambda: server.asked)
        assert await names("both.photos.com")
        assert not any(task.done() for task in silent), "it waited for them"
        for task in silent:
            task.cancel()
        await asyncio.gather(*silent, return_exceptions=True)


async def test_lookups_leave_no_thread_and_no_handle_behind():
    async with NameServer(ZONE).running() as server:
        names = NameServers((server.address,))
        await names("both.photos.com")
        before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0  # noqa: PTH208, PTH112
        for round_of_them in range(4):
            lookups = [names("both.photos.com") for _ in range(QUESTIONS_EACH)]
            lookups += [asyncio.wait_for(names(f"n{round_of_them}.silent.com"), 0.05) for _ in range(10)]
            await asyncio.gather(*lookups, return_exceptions=True)
        await eventually_async(lambda: not before or len(os.listdir("/proc/self/fd")) <= before + 8)  # noqa: PTH208


async def test_a_name_with_one_address_inside_is_refused_whole():
    async with NameServer(ZONE).running() as server:
        policy = AddressPolicy(allow=(ip_network("192.0.2.0/24"),))
        connections = Connections(UrlGuard(policy), NameServers((server.address,)))
        assert await trouble_with(connections, "inside.photos.com") is Trouble.BLOCKED


async def test_what_the_file_of_hosts_calls_this_machine_is_inside():
    assert await trouble_with(Connections(), "localhost") is Trouble.BLOCKED


async def test_an_answer_that_may_not_be_kept_is_kept_for_no_longer_than_a_second():
    async with NameServer(ZONE, ttl=0).running() as server:
        names = NameServers((server.address,))
        took = []
        for _ in tries(took, 2):
            await names("both.photos.com")
            once = server.asked["both.photos.com"]

            async def is_asked_again(once=once):
                await names("both.photos.com")
                return server.asked["both.photos.com"] > once

            began = time.monotonic()
            await eventually_async(is_asked_again)
            took.append(time.monotonic() - began)
        assert took[-1] < 2


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("10.0.0.2", "10.0.0.2:53"),
        ("10.0.0.2:5353", "10.0.0.2:5353"),
        ("fd00::2", "[fd00::2]:53"),
        ("[fd00::2]:5353", "[fd00::2]:5353"),
    ],
)
def test_a_name_server_is_an_address_with_or_without_a_port(written, taken):
    assert parse_name_servers([written]) == (taken,)


@pytest.mark.parametrize("written", ["", "dns.example.com", "10.0.0", "10.0.0.2:0", "10.0.0.2:99999", "10.0.0.2,x"])
def test_anything_else_is_no_name_server(written):
    with pytest.raises(ValueError):
        parse_name_servers([written])


async def trouble_with(connections: Connections, name: str) -> Trouble:
    with pytest.raises(NoResponse) as no_answer, connections.session() as session:
        await session.resolve(name)
    return no_answer.value.trouble
