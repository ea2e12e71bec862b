"""The callers: they order, ask, download and delete, try again whenever they may, and note every contradiction."""

import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp
from aiohttp import web

from bench.gateway import KEY_HEADER, POLL_PATH, SUBMIT_PATH
from bench.soak.house import House
from bench.soak.ledger import Ledger, Order
from stillmotion.cli.sample_picture import draw_sample

MOST_OPEN = 12
"""Orders under way at most, so that the queue is empty soon after the storm."""
PATIENCE = aiohttp.ClientTimeout(total=15)
ALLOWED = frozenset({200, 429, 503})
AGAIN_SECONDS = 0.2
DELETE_PATH = "/dream-machine/v1/generations/{id}"
PROMPTS = ("slow push in", "orbit left", "the girl leans closer", "pan right, quickly", "snow falls")


@dataclass(slots=True)
class Elsewhere:
    """Other people's servers: pictures to fetch and a receiver of callbacks, on loopback."""

    ledger: Ledger
    picture: bytes = field(default_factory=draw_sample)
    base: str = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve for the length of the block."""
        app = web.Application()
        app.router.add_get("/picture.jpg", self._give)
        app.router.add_get("/gone.jpg", self._refuse)
        app.router.add_post("/hook", self._receive)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield
        finally:
            await runner.cleanup()

    async def _give(self, request: web.Request) -> web.Response:
        del request
        return web.Response(body=self.picture, content_type="image/jpeg")

    async def _refuse(self, request: web.Request) -> web.Response:
        del request
        return web.Response(status=404)

    async def _receive(self, request: web.Request) -> web.Response:
        await request.read()
        self.ledger.received[request.headers["webhook-id"]].append(time.monotonic())
        return web.Response(status=204)


@dataclass(slots=True)
class Storm:
    """Callers of several subscriptions, with a key each. `can_delete` says that the service has a route for it."""

    house: House
    ledger: Ledger
    elsewhere: Elsewhere
    keys: tuple[str, ...]
    seed: int
    can_delete: bool = False

    async def rage(self, callers: int, until: float) -> None:
        """Let `callers` loose until the monotonic time `until`; they finish what they began."""
        async with aiohttp.ClientSession(timeout=PATIENCE) as http, asyncio.TaskGroup() as group:
            for number in range(callers):
                group.create_task(self._call(_Caller(self, http), Random(self.seed * 1000 + number), number, until))

    async def settle(self, seconds: float) -> None:
        """Poll everything unfinished until it ends, or until there is no time left."""
        deadline = time.monotonic() + seconds
        async with aiohttp.ClientSession(timeout=PATIENCE) as http:
            caller = _Caller(self, http)
            while self.ledger.open and time.monotonic() < deadline:
                for order in self.ledger.open:
                    await caller.ask(order)
                await asyncio.sleep(AGAIN_SECONDS)
            for order in self.ledger.accepted:
                if order.state == "completed":
                    await caller.download(order)

    async def _call(self, caller: "_Caller", random: Random, number: int, until: float) -> None:
        orders = 0
        while time.monotonic() < until:
            await asyncio.sleep(random.uniform(0, 0.4))
            choice = random.random()
            if choice < 0.4 and len(self.ledger.open) < MOST_OPEN:
                orders += 1
                order = Order(f"{self.seed}-{number}-{orders}", self._body(random), number % len(self.keys))
                self.ledger.orders.append(order)
                await caller.submit(order)
            elif self.ledger.accepted:
                order = random.choice(self.ledger.accepted[-3 * MOST_OPEN :])
                if choice > 0.97 and self.can_delete:
                    await caller.delete(order)
                elif choice > 0.95:
                    await caller.pry(order)
                elif choice > 0.9 and order.state == "completed":
                    await caller.download(order)
                else:
                    await caller.ask(order)

    def _body(self, random: Random) -> dict[str, Any]:
        """A random order: most succeed; some have a picture that is gone, or cut off."""
        body: dict[str, Any] = {"prompt": random.choice(PROMPTS), "duration": 1, "resolution": "540p"}
        kind = random.random()
        if kind < 0.05:
            body["url"] = f"{self.elsewhere.base}/gone.jpg"
        elif kind < 0.5:
            body["url"] = f"{self.elsewhere.base}/picture.jpg"
        else:
            content = (
                self.elsewhere.picture if kind < 0.95 else self.elsewhere.picture[: len(self.elsewhere.picture) // 2]
            )
            body["url"] = "data:image/jpeg;base64," + base64.b64encode(content).decode()
        if random.random() < 0.7:
            body["callback_url"] = f"{self.elsewhere.base}/hook"
        return body


@dataclass(slots=True)
class _Caller:
    """The HTTP side of a caller. A lost request is no contradiction; an answer may be one."""

    storm: Storm
    http: aiohttp.ClientSession

    async def submit(self, order: Order) -> None:
        """Send until it is answered, under the same Idempotency-Key."""
        headers = {KEY_HEADER: self._key(order), "Idempotency-Key": order.key}
        while True:
            answer = await self._ask("POST", SUBMIT_PATH, headers, order.body, "submit")
            if answer is not None and answer[0] == 200:
                self.storm.ledger.took(order, answer[1]["id"])
                return
            if answer is not None and answer[0] not in ALLOWED:
                self.storm.ledger.orders.remove(order)  # A broken picture may be refused at the door.
                return
            await asyncio.sleep(AGAIN_SECONDS)

    async def ask(self, order: Order) -> None:
        """Poll once."""
        answer = await self._ask("POST", POLL_PATH, {KEY_HEADER: self._key(order)}, {"task_id": order.id}, "poll")
        if answer is None or order.deleted:
            return
        if answer[0] == 200:
            self.storm.ledger.saw(order, answer[1]["state"])
        elif answer[0] == 404:
            self.storm.ledger.found_nothing(order)

    async def pry(self, order: Order) -> None:
        """Poll once with another subscription's key: the answer must be that of an unknown id."""
        stranger = self.storm.keys[(order.owner + 1) % len(self.storm.keys)]
        answer = await self._ask("POST", POLL_PATH, {KEY_HEADER: stranger}, {"task_id": order.id}, "stranger's poll")
        if answer is not None and answer[0] == 200:
            self.storm.ledger.wrong.append(f"unexpected: {order.id} was shown to a stranger")

    async def delete(self, order: Order) -> None:
        """Delete it, finished or not; a later poll shows the outcome."""
        order.unfinished = order.unfinished or not order.is_over
        order.deleting = True
        path = DELETE_PATH.format(id=order.id)
        answer = await self._ask("DELETE", path, {"Authorization": f"Bearer {self._key(order)}"}, None, "delete")
        if answer is not None and answer[0] in {200, 204}:
            order.deleted = True

    async def download(self, order: Order) -> None:
        """Fetch the whole clip by a fresh link, and compare it with the one that was there before."""
        answer = await self._ask("POST", POLL_PATH, {KEY_HEADER: self._key(order)}, {"task_id": order.id}, "poll")
        if answer is None or answer[0] != 200 or order.deleting or not answer[1].get("assets"):
            return
        try:
            async with self.http.get(answer[1]["assets"]["video"]) as clip:
                content = await clip.read()
        except (aiohttp.ClientError, OSError, TimeoutError):
            return
        self.storm.ledger.answers[f"download {clip.status}"] += 1
        if clip.status == 200:
            self.storm.ledger.downloaded(order, hashlib.sha256(content).hexdigest())
        elif clip.status not in {404, 503} or (clip.status == 404 and not self._storage_may_be_away()):
            self.storm.ledger.wrong.append(f"unexpected: a download of {order.id} was answered {clip.status}")

    def _key(self, order: Order) -> str:
        return self.storm.keys[order.owner]

    def _storage_may_be_away(self) -> bool:
        now = time.monotonic()
        return any(trouble.touches(now - 5, now) for trouble in self.storm.ledger.troubles)

    async def _ask(
        self, method: str, path: str, headers: dict[str, str], body: Any, kind: str
    ) -> tuple[int, Any] | None:
        """Status and body, None where no answer came. A status that the contract does not know is a contradiction."""
        try:
            async with self.http.request(method, self.storm.house.base + path, json=body, headers=headers) as answer:
                status, said = answer.status, (await answer.json() if answer.status != 204 else None)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            self.storm.ledger.answers[f"{kind} unanswered"] += 1
            return None
        self.storm.ledger.answers[f"{kind} {status}"] += 1
        if status >= 500 and status != 503:
            self.storm.ledger.wrong.append(f"unexpected: a {kind} was answered {status}: {said}")
        if status in {429, 503} and "retry-after" not in {name.lower() for name in answer.headers}:
            self.storm.ledger.wrong.append(f"unexpected: a {kind} was answered {status} without Retry-After")
        return status, said
