"""The event loop is uvloop, for the worker and the fetches too."""

import asyncio
import dataclasses
from pathlib import Path

import pytest

from stillmotion.adapters.fetch.addresses import AddressPolicy, parse_networks
from stillmotion.adapters.fetch.client import Connections
from stillmotion.adapters.fetch.download import HttpDownload
from stillmotion.adapters.fetch.urls import UrlGuard
from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.lifecycle import State
from stillmotion.domain.request import Keyframe
from tests.worker.conftest import png, running

uvloop = pytest.importorskip("uvloop")


async def _serve_picture(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    body = png()
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()
    writer.close()


def test_a_picture_on_an_allowed_network_becomes_a_clip(workshop, tmp_path: Path):
    async def make() -> tuple[State, str]:
        server = await asyncio.start_server(_serve_picture, "127.0.0.1", 0)
        url = f"http://localhost:{server.sockets[0].getsockname()[1]}/picture.png"
        allowed = AddressPolicy(allow=parse_networks(["127.0.0.0/8", "::1"]))
        images = HttpDownload(Connections(UrlGuard(allowed, ports=None)))
        async with running(dataclasses.replace(workshop, images=images)) as bench:
            done = await bench.ended(await bench.submit("a walk", Keyframe(url=url)))
        with pytest.raises(GenerationFailed) as caught:
            await HttpDownload(Connections(UrlGuard(ports=None))).fetch(url, str(tmp_path / "picture"))
        server.close()
        return done.state, caught.value.code

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(make()) == (State.COMPLETED, "image_fetch_blocked")
