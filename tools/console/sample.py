"""Sample data: three customers, days of theirs, clips of the real renderer, failures and refused callbacks."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Final

from stillmotion.adapters.clock import SystemClock
from stillmotion.application.ports.lists import EVERYTHING, Walk
from stillmotion.application.subscriptions import VISIBLE_CHARACTERS
from stillmotion.composition.service import service
from stillmotion.config import Settings
from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.failures import FailureKind, FetchFailure
from stillmotion.domain.generation import Generation
from stillmotion.domain.lifecycle import State
from stillmotion.domain.request import AspectRatio, GenerationRequest, Keyframe, Resolution
from stillmotion.domain.subscriptions import Subscription
from tools.console.backstage import Backstage, Made, backstage
from tools.console.pictures import picture

DAYS: Final = 9
"""Length of the past."""

LOOPBACK: Final = "127.0.0.0/8"


@dataclass(frozen=True)
class Scene:
    """A picture and a sentence."""

    picture: str
    shape: tuple[int, int]
    prompt: str
    loop: bool = False


SCENES: Final = (
    Scene("lake", (16, 9), "slow push in towards the sun, rippling water"),
    Scene("astronaut.png", (3, 4), "leaning girl, push in"),
    Scene("coffee.png", (4, 3), "orbit left, steam rising", loop=True),
    Scene("chelsea.png", (1, 1), "the cat breathes, slow push in", loop=True),
    Scene("rocket.jpg", (9, 16), "tilt up, smoke drifting"),
    Scene("lake", (9, 16), "pan right over the water"),
    Scene("astronaut.png", (1, 1), "handheld, gentle sway"),
    Scene("chelsea.png", (16, 9), "crane up, whiskers in the wind"),
)
"""Scenes that the renderer makes. The first is rendered where only one is asked for."""

FAILURES: Final[Sequence[tuple[str, GenerationFailed]]] = (
    ("zoom out over the harbour", FailureKind.IMAGE_DAMAGED.error(format="JPEG")),
    ("push in, leaves falling", FailureKind.IMAGE_DAMAGED.error(format="PNG")),
    ("the waves roll in", FetchFailure.REFUSED.error("image", status=404)),
    ("orbit right around the statue", FetchFailure.REFUSED.error("image", status=403)),
    ("dolly zoom on the door", FetchFailure.UNKNOWN_NAME.error("image")),
    ("truck left along the street", FailureKind.SIZE_OUT_OF_MEMORY.error(width=1280, height=720)),
    ("snow falls on the pines", FailureKind.RENDERER_CRASHED.error()),
)
"""A sentence, and the failure of it. The last is tried three times."""


@dataclass(frozen=True)
class Customer:
    """A customer with the key that opens the console."""

    subscription: Subscription
    key: str = field(repr=False)


@dataclass(frozen=True)
class Sample:
    """Sample data that was written: the customers, and the ids of generations by the state they ended in."""

    customers: Sequence[Customer]
    generations: Mapping[str, Sequence[str]]


def sample_settings(folder: Path, **more: object) -> Settings:
    """Settings of a service with sample data: callbacks may go to this machine."""
    given = {"data_dir": folder, "fetch_allow_cidrs": (LOOPBACK,), "fetch_allowed_ports": ()} | more
    return Settings(**given)  # type: ignore[arg-type]  # a test names the settings that it changes


async def fill(settings: Settings, scenes: int = len(SCENES), waiting: int = 3) -> Sample:
    """Write the sample data into a new data directory. `scenes` clips are rendered, and the others copy them."""
    now = SystemClock().now()
    with TemporaryDirectory(prefix="stillmotion-sample-") as folder, receiver() as hooks:
        async with backstage(settings, now - timedelta(days=DAYS)) as past:
            customers = await _customers(past)
        made = await _rendered(settings, customers[0], SCENES[:scenes], Path(folder))
        async with backstage(settings, now - timedelta(days=DAYS)) as past:
            await _past(past, customers, list(made.values()), hooks)
            past.clock.time = SystemClock().now()
            for number in range(waiting):
                await past.submit(customers[0].subscription, _long(SCENES[number % len(SCENES)]))
            ended = await _by_state(past, customers)
    return Sample(customers, ended)


async def _customers(past: Backstage) -> list[Customer]:
    await past.products.ensure(past.products.default)
    studio = {"price_per_second": Decimal("0.05"), "video_seconds_per_month": 120, "retention_days": 90}
    trial = {"price_per_second": Decimal("0.02"), "video_seconds_per_month": 24, "submits_per_minute": 10}
    await past.products.create("studio", studio)
    await past.products.create("trial", trial)
    await past.products.create("starter", {"video_seconds_per_month": 6})
    found = []
    for product, name in (("studio", "Ada's studio"), ("trial", "Blue Whale Press"), ("starter", "Corner cinema")):
        issued = await past.subscriptions.issue(product, name)
        # As the entrance notes it: the usage of a key is counted by its beginning.
        used = replace(issued.subscription, used_key=issued.primary[:VISIBLE_CHARACTERS])
        found.append(Customer(used, issued.primary))
        past.clock.time += timedelta(hours=1)
    return found


async def _rendered(
    settings: Settings, customer: Customer, scenes: Sequence[Scene], folder: Path
) -> Mapping[str, Made]:
    """Clips of these scenes, made by the service's own renderer, by their ids."""
    made = {}
    async with service(settings, "http://127.0.0.1"), backstage(settings, SystemClock().now()) as present:
        asked = []
        for scene in scenes:
            present.clock.time = SystemClock().now()
            asked.append(await present.submit(customer.subscription, _small(scene)))
        for each in asked:
            done = await _finished(present, each)
            made[done.id] = await _fetched(present, done, folder)
    return made


async def _finished(present: Backstage, generation: Generation) -> Generation:
    while True:
        found = await present.store.find(generation.id)
        if found is None or found.state is State.FAILED:
            raise RuntimeError(f"the clip was not made: {found}")
        if found.state is State.COMPLETED:
            return found
        await asyncio.sleep(0.1)


async def _fetched(present: Backstage, done: Generation, folder: Path) -> Made:
    if done.assets is None:
        raise RuntimeError(f"a completed generation without a clip: {done}")
    files = {}
    for each in filter(None, done.assets):
        files[each.kind] = folder / f"{done.id}.{each.kind}"
        await present.work.objects.fetch_file(each.key, str(files[each.kind]))
    return Made(files, done)


async def _past(past: Backstage, customers: Sequence[Customer], made: Sequence[Made], hooks: str) -> None:
    """Play the days that went before, the oldest first."""
    played, failures = 0, list(FAILURES)
    for day in range(DAYS, 0, -1):
        begin = SystemClock().now() - timedelta(days=day)
        for number in range(2 + day % 3):
            past.clock.time = max(past.clock.time, begin + timedelta(hours=2 * number, minutes=7 * day))
            customer = customers[(0, 0, 1, 0, 2)[played % 5]].subscription
            chosen = made[played % len(made)]
            callback = f"{hooks}{('/taken', '/gone', '/taken', '/down')[played // 2 % 4]}" if played % 2 else None
            await _one(past, customer, SCENES[played % len(made)], chosen, callback)
            played += 1
        if failures and day < DAYS:
            prompt, failure = failures.pop(0)
            past.clock.time += timedelta(minutes=40)
            request = replace(_small(SCENES[day % len(SCENES)]), prompt=prompt, callback_url=f"{hooks}/taken")
            owner = customers[0 if day % 4 else 1].subscription
            await past.fail(await past.submit(owner, request), failure, timedelta(seconds=4))
    changed = await past.submit(customers[0].subscription, _small(SCENES[0]))
    await past.cancel(customers[0].subscription, changed)


async def _one(past: Backstage, owner: Subscription, scene: Scene, made: Made, callback: str | None) -> None:
    request = replace(_small(scene), callback_url=callback)
    took = timedelta(seconds=past.random.uniform(2, 14))
    await past.complete(await past.submit(owner, request), made, took)


async def _by_state(past: Backstage, customers: Sequence[Customer]) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for each in await past.store.listed(customers[0].subscription.id, EVERYTHING, Walk(100)):
        found.setdefault(each.state, []).append(each.id)
    return found


def _small(scene: Scene) -> GenerationRequest:
    """A request for a clip that is made in about a second."""
    return GenerationRequest(
        scene.prompt,
        Keyframe(content=picture(scene.picture, scene.shape)),
        seconds=1,
        resolution=Resolution.P540,
        loop=scene.loop,
    )


def _long(scene: Scene) -> GenerationRequest:
    """A request that keeps the renderer busy while someone looks on."""
    return replace(_small(scene), seconds=5, resolution=Resolution.P1080, aspect_ratio=AspectRatio.WIDE)


class _Receiving(BaseHTTPRequestHandler):
    """A receiver that takes what is sent to `/taken`, wants no more at `/gone`, and is down elsewhere."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response({"/taken": 204, "/gone": 410}.get(self.path, 503))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
        """Say nothing."""


@contextmanager
def receiver() -> Iterator[str]:
    """A receiver of callbacks on loopback; the base of its addresses."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Receiving) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
