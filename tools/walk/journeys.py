"""Journeys: what is done to a service of this process while it is traced."""

import asyncio
import base64
import json
import sys
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

import structlog
import uvloop

from stillmotion.cli.sample_picture import draw_sample
from stillmotion.composition.administration import administration, delivery_log
from stillmotion.composition.installation import Missing
from stillmotion.composition.service import Service, service
from stillmotion.config import Settings
from stillmotion.http.server.server import HttpServer, listen, url_of
from stillmotion.worker.renderer.handle import RendererProcess, common_options
from tools.walk.trace import Place, Trace

SUBMIT = "/lumalabs-ai/v1/generateRequestFromImage"
POLL = "/lumalabs-ai-polling/v1/getStatus"

Calls = list[tuple[Place | None, Place]]


@dataclass(frozen=True)
class House:
    """A service that listens, and a caller in a thread that is not traced."""

    settings: Settings
    running: Service
    base: str
    key: str
    _caller: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, initializer=lambda: sys.setprofile(None))
    )

    async def call(self, path: str, body: Mapping[str, object] | None = None) -> bytes:
        """The answer's body: to a POST where there is a body, else to a GET."""
        return await asyncio.get_running_loop().run_in_executor(self._caller, self._call, path, body)

    def _call(self, path: str, body: Mapping[str, object] | None) -> bytes:
        url = path if path.startswith("http") else f"{self.base}{path}"
        headers = {"Ocp-Apim-Subscription-Key": self.key, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60) as answer:
            content: bytes = answer.read()
            return content

    async def submit(self, **more: str) -> str:
        """The id of a new generation."""
        picture = f"data:image/jpeg;base64,{base64.b64encode(draw_sample()).decode()}"
        asked = {"prompt": "the camera pushes in", "url": picture, "duration": "1s", "resolution": "540p", **more}
        made: str = json.loads(await self.call(SUBMIT, asked))["id"]
        return made

    async def poll(self, generation_id: str) -> dict[str, Any]:
        """A generation as it is now."""
        found: dict[str, Any] = json.loads(await self.call(POLL, {"task_id": generation_id}))
        return found

    async def finished(self, generation_id: str) -> dict[str, Any]:
        """The generation, once its clip is there."""
        while (found := await self.poll(generation_id))["state"] != "completed":
            if found["state"] == "failed":
                raise RuntimeError(f"the clip was not made: {found}")
            await asyncio.sleep(0.2)
        return found


@asynccontextmanager
async def _house(folder: Path, renderers: int, renderer_trace: Path | None = None) -> AsyncIterator[House]:
    settings = Settings(
        data_dir=folder, renderers=renderers, fetch_allow_cidrs=("127.0.0.0/8",), fetch_allowed_ports=()
    )
    with administration(settings, Missing.MAKE) as office:
        product = await office.products.ensure(office.products.default)
        key = (await office.subscriptions.issue(product.name, "a caller")).primary
    spawned = None
    if renderer_trace is not None:
        command = (sys.executable, "-m", "tools.walk", "--renderer", str(renderer_trace))
        spawned = RendererProcess((*command, *common_options(settings.preview_seconds, None)))
    with listen("127.0.0.1", 0) as listener:
        async with service(settings, url_of(listener), None, spawned) as running:
            server = HttpServer(running.app.handler, listener, refusing=running.app.refuse)
            serving = asyncio.create_task(server.serve())
            try:
                yield House(settings, running, url_of(listener), key)
            finally:
                await running.drain(timedelta(0))
                server.stop(within=1)
                await serving


async def _submit(folder: Path, trace: Trace) -> Calls:
    async with _house(folder, 0) as house:
        await house.call("/healthz")  # The start is over then.
        with trace.recording():
            await house.submit()
    return list(trace.calls)


async def _poll(folder: Path, trace: Trace) -> Calls:
    async with _finished(folder) as (house, found):
        with trace.recording():
            await house.poll(found["id"])
    return list(trace.calls)


async def _download(folder: Path, trace: Trace) -> Calls:
    async with _finished(folder) as (house, found):
        with trace.recording():
            await house.call(found["assets"]["video"])
    return list(trace.calls)


@asynccontextmanager
async def _finished(folder: Path, **more: str) -> AsyncIterator[tuple[House, dict[str, Any]]]:
    """A house with a finished generation, in which nothing else goes on."""
    async with _house(folder, 1) as house:
        found = await house.finished(await house.submit(**more))
        await house.running.host.drain(timedelta(0))
        yield house, found


async def _callback(folder: Path, trace: Trace) -> Calls:
    with _Receiver(("127.0.0.1", 0), _Receiving) as receiver:
        Thread(target=receiver.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{receiver.server_address[1]}/"
        async with _finished(folder, callback_url=url) as (house, found):
            path = f"/generations/{found['id']}/callbacks"
            last = await _delivered(house, path)
            receiver.heard.clear()
            # As from the command line: the server finds it by itself, so that no request is mixed into the trace.
            with delivery_log(house.settings) as log:
                await log.replay(last["id"])
            with trace.recording():
                await asyncio.to_thread(receiver.heard.wait, 30)
                await _delivered(house, path)
        receiver.shutdown()
    return list(trace.calls)


async def _delivered(house: House, path: str) -> dict[str, Any]:
    """The last callback of a generation, once all of them were delivered."""
    while True:
        found: list[dict[str, Any]] = json.loads(await house.call(path))["callbacks"]
        if found and all(each["state"] == "delivered" for each in found):
            return found[-1]
        await asyncio.sleep(0.1)


class _Receiver(ThreadingHTTPServer):
    """Takes callbacks."""

    heard = Event()


class _Receiving(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
        _Receiver.heard.set()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
        """Say nothing."""


async def _render(folder: Path, trace: Trace) -> Calls:
    file = folder / "renderer.trace"
    async with _house(folder / "data", 1, file) as house:
        while not house.running.host.alive:
            await asyncio.sleep(0.1)
        with trace.recording():
            await house.finished(await house.submit())
    return [*trace.calls, *read_calls(file)]


def read_calls(file: Path) -> Calls:
    """The calls that the renderer's process has written down."""
    lines = [line.split("\t") for line in file.read_text("utf-8").splitlines()]
    return [
        (Place(caller_file, caller) if caller_file else None, Place(place_file, place))
        for caller_file, caller, place_file, place in lines
    ]


@dataclass(frozen=True)
class Journey:
    """`roots` are the rooms whose tasks take part, as `Trace` has them."""

    told: str
    roots: tuple[str, ...]
    go: Callable[[Path, Trace], Awaitable[Calls]]


JOURNEYS: Mapping[str, Journey] = {
    "submit": Journey("a submit with a data URI, until it is answered", ("http/",), _submit),
    "poll": Journey("getStatus of a completed generation", ("http/",), _poll),
    "download": Journey("the whole clip", ("http/",), _download),
    "callback": Journey("a callback, from due to recorded", ("worker/background/callbacks",), _callback),
    "render": Journey(
        "a clip, from its claim to its completion, then in the renderer's process",
        ("worker/host", "worker/attempt", "worker/input_stage", "worker/renderer"),
        _render,
    ),
}


def walked(name: str) -> Calls:
    """The calls of a journey, which really takes place."""
    logging = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        with (
            TemporaryDirectory(prefix="stillmotion-walk-") as folder,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            return runner.run(_go(JOURNEYS[name], Path(folder)))
    finally:
        structlog.configure(**logging)


async def _go(journey: Journey, folder: Path) -> Calls:
    trace = Trace(journey.roots)
    with trace.listening():
        return await journey.go(folder, trace)
