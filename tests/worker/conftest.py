"""A workshop over the memory store, local objects, and real renderer processes with a fake engine."""

import asyncio
import io
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.identifiers import new_token, new_uuid7
from stillmotion.adapters.notifications import InProcessSignal
from stillmotion.adapters.objects import LocalObjects
from stillmotion.application.leases import Work
from stillmotion.application.ports.store import GenerationStore, Submission
from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.generation import Generation
from stillmotion.domain.lifecycle import State
from stillmotion.domain.request import GenerationRequest, Keyframe
from stillmotion.domain.subscriptions import Product
from stillmotion.testing.memory_store import MemoryStore
from stillmotion.worker.attempt_context import AttemptContext
from stillmotion.worker.background.reaper import Reaper
from stillmotion.worker.devices import Device
from stillmotion.worker.host import WorkerHost
from stillmotion.worker.makers.remote import RemoteMaker
from stillmotion.worker.renderer.handle import PATIENCE, RendererProcess, RendererTimeouts
from stillmotion.worker.renderer.protocol import RenderStage
from tests.waiting import eventually_async

HOSTILE_DECODER = (sys.executable, str(Path(__file__).parents[1] / "media" / "sandbox" / "hostile_decoder.py"))
FAKE_RENDERER = (sys.executable, str(Path(__file__).with_name("fake_renderer.py")))
PRODUCT = Product("p", "default", submits_per_minute=1000)


def png(width: int = 64, height: int = 36) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (90, 120, 150)).save(file, "PNG")
    return file.getvalue()


class Pictures:
    """A fake image source. The URL decides the result."""

    async def fetch(self, url: str, destination: str) -> None:
        if "missing" in url:
            raise GenerationFailed("image_fetch_failed", "The image could not be fetched: there is none.")
        if "unreachable" in url:
            raise GenerationFailed("image_fetch_failed", "The image could not be fetched just now.", permanent=False)
        content = b"\x89PNG\r\n\x1a\nbroken" if "broken" in url else png()
        if "?do=" in url:
            content += b"DO:" + url.partition("?do=")[2].encode()
        await asyncio.to_thread(Path(destination).write_bytes, content)


@dataclass
class Videos:
    """A fake video source. The last part of the URL is the name of a file in the folder."""

    folder: Path

    async def fetch(self, url: str, destination: str) -> None:
        await asyncio.to_thread(shutil.copyfile, self.folder / url.rpartition("/")[2], destination)


@dataclass
class Bench:
    """A running host with its queue, and views of both."""

    workshop: AttemptContext
    store: GenerationStore
    host: WorkerHost
    renderers: list[RendererProcess] = field(default_factory=list)

    async def submit(
        self,
        prompt: str,
        frame0: Keyframe | None = None,
        *,
        engine: str = "fake/1",
        has_picture: bool = True,
        **parts: Any,
    ) -> str:
        keyframe = (frame0 or Keyframe(url="https://example.com/picture.png")) if has_picture else None
        request = GenerationRequest(**{"prompt": prompt, "frame0": keyframe, "seconds": 1.0} | parts)
        now = self.workshop.clock.now()
        generation = Generation(new_uuid7(), "s", "gateway", request, engine, now)
        await self.store.submit(Submission(generation, PRODUCT))
        self.workshop.signal.notify()
        return generation.id

    async def find(self, generation_id: str) -> Generation:
        found = await self.store.find(generation_id)
        assert found is not None
        return found

    async def until(self, generation_id: str, condition: Callable[[Generation], bool], timeout: float = 15.0):

        async def look() -> Generation | None:
            generation = await self.find(generation_id)
            return generation if condition(generation) else None

        return await eventually_async(look, timeout)

    async def ended(self, generation_id: str) -> Generation:
        return await self.until(generation_id, lambda generation: generation.is_terminal)

    async def emptied(self) -> float:
        """Wait until the scratch folder is empty. Returns the seconds until then."""
        clock = asyncio.get_running_loop()
        began = clock.time()
        await eventually_async(lambda: not list(self.workshop.scratch.iterdir()))
        return clock.time() - began

    async def rendering(self, generation_id: str, renderers: int = 1) -> Generation:
        """Wait until the generation is claimed and so many renderers draw frames."""
        await self.until(generation_id, lambda generation: generation.state is State.DREAMING)
        await eventually_async(
            lambda: sum(each.alive and each.stage is RenderStage.RENDERING for each in self.renderers) >= renderers
        )
        return await self.find(generation_id)


@pytest.fixture
def workshop(tmp_path: Path) -> AttemptContext:
    clock = SystemClock()
    objects = LocalObjects(tmp_path / "objects")
    return AttemptContext(
        work=Work(MemoryStore(clock), objects, clock, new_token),
        images=Pictures(),
        videos=Videos(tmp_path),
        objects=objects,
        signal=InProcessSignal(),
        announcements=InProcessSignal(),
        clock=clock,
        scratch=tmp_path / "scratch",
        slow_decoder=HOSTILE_DECODER,
    )


@asynccontextmanager
async def running(
    workshop: AttemptContext,
    lanes: int = 1,
    forwarders: Sequence[RemoteMaker] = (),
    devices: Sequence[Device] = (),
    patience: RendererTimeouts = PATIENCE,
    **more: Any,
) -> AsyncIterator[Bench]:
    """A host and a reaper that run for the length of the block. The host is then drained without grace."""
    renderers: list[RendererProcess] = []

    def new_renderer() -> RendererProcess:
        renderers.append(RendererProcess(FAKE_RENDERER, patience=patience))
        return renderers[-1]

    host = WorkerHost(workshop, new_renderer, lanes, forwarders, devices, **more)
    task = asyncio.create_task(host.run())
    reaping = asyncio.create_task(Reaper(workshop, lambda: host.held).run())
    try:
        await eventually_async(lambda: host.alive)
        yield Bench(workshop, workshop.work.store, host, renderers)
    finally:
        reaping.cancel()
        await host.drain(timedelta(0))
        await task


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "stillmotion.db"
