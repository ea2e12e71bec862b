"""A worker whose clips are made by servers on loopback."""

from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest
from aiohttp import web

from stillmotion.domain.catalogue import Ability, Catalogue, Dialect, EngineKind, Entry, Server, SizeRule
from stillmotion.domain.planning import successor
from stillmotion.domain.request import FrameSize
from stillmotion.engines.forward.peer import Peer
from stillmotion.engines.forward.peers import peer_of
from stillmotion.engines.forward.polling import PollSchedule
from stillmotion.worker.makers.preparation import PreparationProcess
from stillmotion.worker.makers.remote import RemoteMaker
from stillmotion.worker.renderer.handle import RendererProcess
from tests.media.clips import texture, write_clip
from tests.worker.conftest import FAKE_RENDERER, workshop

__all__ = ["workshop"]

QUICK = PollSchedule(first=0.02, longest=0.1, silence=0.5, standstill=5.0, tries=3)
ENTRY = Entry(
    name="studio",
    engine=EngineKind.FORWARD,
    abilities=frozenset({Ability.FIRST, Ability.TEXT}),
    sizes=SizeRule(step=16, least=16 * 16, most=512 * 512),
    fps=24,
)


@pytest.fixture(scope="session")
def clip(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    return write_clip(path, lambda index: texture(FrameSize(320, 180), index)).read_bytes()


def an_entry(url: str, **parts) -> Entry:
    server = {name: parts.pop(name) for name in ("speaks", "key", "in_flight", "model", "graph") if name in parts}
    return replace(ENTRY, server=Server(**{"speaks": Dialect.OPENAI, "url": url} | server), **parts)


def forwarders_of(*entries: Entry, peer: Peer | None = None) -> list[RemoteMaker]:
    """Forwarders to these servers, each the stand-in of the one before. `ray-1-6` names the whole chain."""
    catalogue = Catalogue({each.name: each for each in entries}, {"ray-1-6": tuple(each.name for each in entries)})
    preparation = PreparationProcess(lambda: RendererProcess(FAKE_RENDERER))
    return [
        RemoteMaker(
            each, peer or peer_of(each), preparation, partial(successor, catalogue), catalogue.has_stand_in(each), QUICK
        )
        for each in entries
    ]


@asynccontextmanager
async def serving(answer):
    """A server on loopback that gives the same answer to everything. Yields its base URL."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
