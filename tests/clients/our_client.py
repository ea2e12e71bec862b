"""Fixtures for our own client in both its forms, and for a server that misbehaves to order."""

from contextlib import ExitStack, aclosing

import anyio.from_thread
import pytest

from stillmotion import AsyncClient, Client
from tests.clients.contract_server import Answer, contract_server

ID = "0193b1d2-6f5e-7c31-9d2a-5b0c7f3e8a44"
VIDEO = "/dream-machine/v1/generations/video"
ONE = f"/dream-machine/v1/generations/{ID}"
SPENT = {"x-should-retry": "false", "Retry-After": "61"}
EVENTS = f"/generations/{ID}/events"
HASTY = {"first_pause": 0.01}


def body(state="queued", **more):
    return {"id": ID, "state": state, "model": "ray-1-6", "request": {"prompt": "a lake"}, "assets": None} | more


async def first(count, stream):
    """The first items of a stream without an end."""
    taken = []
    async with aclosing(stream):
        async for each in stream:
            taken.append(each)
            if len(taken) == count:
                break
    return taken


class Awaited:
    """Synchronous wrapper of an `AsyncClient`, which runs in another thread, so that one test serves both forms."""

    def __init__(self, portal, asynchronous):
        self._portal = portal
        self._client = asynchronous

    @property
    def admin(self):
        return Awaited(self._portal, self._client.admin)

    def __getattr__(self, name):
        method = getattr(self._client, name)

        async def call(arguments, options):
            if name == "watch":
                return [each async for each in method(*arguments, **options)]
            if name == "watch_all":
                return await first(2, method())
            return await method(*arguments, **options)

        return lambda *arguments, **options: self._portal.call(call, arguments, options)


@pytest.fixture(params=["sync", "async"])
def connect(request):
    """Maker of clients of the form under test."""
    with ExitStack() as stack:
        if request.param == "sync":
            yield lambda base, key="sm_key", **options: stack.enter_context(Client(base, key, **HASTY | options))
            return
        portal = stack.enter_context(anyio.from_thread.start_blocking_portal())

        def made(base, key="sm_key", **options):
            async_client = portal.call(lambda: AsyncClient(base, key, **HASTY | options))
            stack.callback(portal.call, async_client.aclose)
            return Awaited(portal, async_client)

        yield made


@pytest.fixture
def ours(connect, caller):
    """A client of the real edge."""
    return connect(caller.edge.server.url, caller.issued.primary)


@pytest.fixture
def server():
    with contract_server() as running:
        yield running


def completed_at(server):
    server.on("GET", ONE, Answer(200, body("completed", assets={"video": server.base + "/clip", "image": "x"})))
