"""Chaos: random faults against hosts, replicas, database and bucket, and a check of every promise afterwards."""

import asyncio
import signal
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import aiohttp
import psycopg
from aiohttp import web

from bench.fleet.hosts import BODY, FREE, PATIENCE
from bench.fleet.house import FleetHouse, Member
from bench.fleet.servers import Durable
from bench.gateway import KEY_HEADER, SUBMIT_PATH
from stillmotion.adapters.clock import SystemClock
from stillmotion.adapters.objects import open_objects
from stillmotion.adapters.store.postgresql.store import open_store
from stillmotion.application.retention import Retention
from tests.seaweedfs import SeaweedFS

HOSTS, REPLICAS, CLIPS, FAULTS = 3, 2, 200, 50
RENDER_SECONDS = 2.0
PAUSE_SECONDS = (1.0, 4.0)
FROZEN_SECONDS = (3.0, 24.0)
STOPPED_SECONDS = (0.2, 6.0)
WINDOW_SECONDS = 60.0
"""Seconds after a fault in which a callback may come twice: a receipt that was not stored is sent again."""
SETTLE_SECONDS = 420.0
_OLD = timedelta(hours=2)


@dataclass
class Outcome:
    """The end of a run: counts for the table, and each broken promise as a sentence."""

    completed_once: int
    faults: Counter[str]
    losses: int
    most_attempts: int
    orphans_found: int
    seconds: float
    broken: list[str] = field(default_factory=list)


class _Later(SystemClock):
    """The time in two hours, so that no object is too young to be an orphan."""

    def now(self) -> datetime:
        return super().now() + _OLD


@dataclass
class Receiver:
    """The receiver of callbacks. It refuses nothing, and answers after some seconds."""

    seconds: float = 0.0
    received: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    announced: dict[str, tuple[str, str]] = field(default_factory=dict)
    base: str = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Receive for the length of the block."""
        app = web.Application()
        app.router.add_post("/hook", self._receive)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield
        finally:
            await runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.json()
        name = request.headers["webhook-id"]
        self.received[name].append(time.monotonic())
        self.announced[name] = (body["id"], body["state"])
        await asyncio.sleep(self.seconds)
        return web.Response(status=204)


class Nemesis:
    """One fault at a time, each mended after a while. The times are kept."""

    def __init__(self, house: FleetHouse, hosts: list[Member], replicas: list[Member], random: Random) -> None:
        self._house, self._hosts, self._replicas, self._random = house, hosts, replicas, random
        self.did: Counter[str] = Counter()
        self.times: list[tuple[float, float]] = []
        self._ways: Mapping[str, Callable[[], Awaitable[None]]] = {
            "host killed": self._kill_host,
            "host frozen": self._freeze_host,
            "connections cut": self._cut,
            "PostgreSQL crashed": self._crash,
            "replica killed": self._kill_replica,
            "bucket away": self._take_bucket,
        }

    async def rage(self, faults: int) -> None:
        """Do so many faults."""
        kinds = list(self._ways)
        for _ in range(faults):
            await asyncio.sleep(self._random.uniform(*PAUSE_SECONDS))
            kind = self._random.choices(kinds, weights=(4, 4, 4, 4, 2, 1))[0]
            began = time.monotonic()
            await self._ways[kind]()
            self.did[kind] += 1
            self.times.append((began, time.monotonic()))

    async def _kill_host(self) -> None:
        index = self._random.randrange(len(self._hosts))
        self._hosts[index].kill()
        self._hosts[index] = await asyncio.to_thread(self._house.work)

    async def _kill_replica(self) -> None:
        index = self._random.randrange(len(self._replicas))
        self._replicas[index].kill()
        self._replicas[index] = await asyncio.to_thread(self._house.serve)

    async def _freeze_host(self) -> None:
        """One host alone: with all of them frozen nobody would take over, and nothing would be tried."""
        host = self._random.choice(self._hosts)
        host.send(signal.SIGSTOP)
        await asyncio.sleep(self._random.uniform(*FROZEN_SECONDS))
        host.send(signal.SIGCONT)

    async def _cut(self) -> None:
        def cut() -> None:
            with suppress(psycopg.Error), psycopg.connect(self._house.store, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < 0.7"
                )

        await asyncio.to_thread(cut)

    async def _crash(self) -> None:
        await asyncio.to_thread(self._house.server.stop, signal.SIGQUIT)
        await asyncio.sleep(self._random.uniform(*STOPPED_SECONDS))
        await asyncio.to_thread(self._house.server.start)

    async def _take_bucket(self) -> None:
        await asyncio.to_thread(self._house.bucket.kill)
        await asyncio.sleep(self._random.uniform(*STOPPED_SECONDS))
        await asyncio.to_thread(self._house.bucket.start)


async def ordered(replicas: list[Member], key: str, hook: str, number: int, accepted: dict[str, str]) -> None:
    """Submit under a name of its own until it is answered."""
    body = BODY | {"callback_url": hook}
    name = f"order-{number}"
    async with aiohttp.ClientSession(timeout=PATIENCE) as http:
        while True:
            headers = {KEY_HEADER: key, "Idempotency-Key": name}
            try:
                url = replicas[number % len(replicas)].said + SUBMIT_PATH
                async with http.post(url, json=body, headers=headers) as answer:
                    if answer.status == 200:
                        accepted[name] = (await answer.json())["id"]
                        return
                    assert answer.status in (429, 503), await answer.text()
            except (aiohttp.ClientError, OSError, TimeoutError):
                pass
            await asyncio.sleep(0.3)


async def storm(server: Durable, s3: SeaweedFS, seed: int, clips: int = CLIPS, faults: int = FAULTS) -> Outcome:
    """A storm of that seed, and its outcome."""
    random, receiver = Random(seed), Receiver()
    with TemporaryDirectory(prefix="stillmotion-chaos-", ignore_cleanup_errors=True) as folder:
        async with receiver.running():
            reach = {"fetch_allow_cidrs": "127.0.0.0/8", "fetch_allowed_ports": receiver.base.rpartition(":")[2]}
            house = FleetHouse(Path(folder), server, s3, RENDER_SECONDS, FREE | reach)
            try:
                replicas = [house.serve() for _ in range(REPLICAS)]
                key = house.new_key()
                hosts = [house.work() for _ in range(HOSTS)]
                return await _storm(house, hosts, replicas, key, receiver, random, clips, faults)
            finally:
                house.end()


async def _storm(
    house: FleetHouse,
    hosts: list[Member],
    replicas: list[Member],
    key: str,
    receiver: Receiver,
    random: Random,
    clips: int,
    faults: int,
) -> Outcome:
    accepted: dict[str, str] = {}
    nemesis, began = Nemesis(house, hosts, replicas, random), time.monotonic()
    raging = asyncio.create_task(nemesis.rage(faults))
    # The orders come over the whole length of the storm.
    pause = faults * (sum(PAUSE_SECONDS) / 2 + 4) / clips
    async with asyncio.TaskGroup() as group:
        for number in range(clips):
            group.create_task(ordered(replicas, key, f"{receiver.base}/hook", number, accepted))
            await asyncio.sleep(random.uniform(0, 2 * pause))
    await raging
    await settled(house, clips)
    return await outcome_of(house, accepted, receiver, nemesis, time.monotonic() - began, clips)


async def settled(house: FleetHouse, clips: int) -> None:
    """Wait until as many have ended and all callbacks are told, for some minutes at most."""
    until = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < until:
        over = await asyncio.to_thread(house.states)
        told = await asyncio.to_thread(house.rows, "SELECT 1 FROM deliveries WHERE state = 'pending'")
        if over.get("completed", 0) + over.get("failed", 0) >= clips and not told:
            break
        await asyncio.sleep(0.5)


async def outcome_of(
    house: FleetHouse, accepted: dict[str, str], receiver: Receiver, nemesis: Nemesis, seconds: float, clips: int
) -> Outcome:
    """Everything that was promised, looked at from outside. A callback may come twice near a fault alone."""
    rows = house.rows("SELECT * FROM generations")
    attempts = {row["id"]: row["attempt"] for row in rows}
    finished = [event for member in house.members for event in member.events()
                if event.get("event") == "generation_completed"]  # fmt: skip
    outcome = Outcome(
        completed_once=sum(row["state"] == "completed" for row in rows),
        faults=nemesis.did,
        losses=sum(row["losses"] for row in rows),
        most_attempts=max(attempts.values()),
        orphans_found=0,
        seconds=seconds,
    )
    wrong = outcome.broken
    wrong += [f"lost: {each} was accepted and is not stored" for each in set(accepted.values()) - attempts.keys()]
    wrong += [f"doubled: {each} was never accepted" for each in attempts.keys() - set(accepted.values())]
    wrong += [f"stuck: {row['id']} is {row['state']}" for row in rows if row["state"] not in ("completed", "failed")]
    wrong += [f"failed: {row['id']}: {row['failure_reason']}" for row in rows if row["state"] == "failed"]
    wrong += [f"failures counted: {row['id']}: {row['failures']}" for row in rows if row["failures"]]
    wrong += [
        f"finished by attempt {event['attempt']} of {event['generation']}, which is in attempt "
        f"{attempts.get(event['generation'])}"
        for event in finished if attempts.get(event["generation"]) != event["attempt"]
    ]  # fmt: skip
    wrong += _badly_announced(rows, house, receiver, nemesis)
    left = house.rows("SELECT * FROM limits WHERE unfinished <> 0 OR queued <> 0 OR waiting <> 0")
    wrong += [f"miscounted: {row}" for row in left]
    wrong += [f"a lease is left: {row}" for row in house.rows("SELECT * FROM leases")]
    await _look_at_objects(house, rows, outcome)
    if len(rows) != clips:
        wrong.append(f"{clips} were ordered, {len(rows)} are stored")
    return outcome


def _badly_announced(
    rows: list[dict[str, object]], house: FleetHouse, receiver: Receiver, nemesis: Nemesis
) -> list[str]:
    """Each completed generation has one delivered callback of its end, and none came twice far from any fault."""
    wrong = []
    deliveries = house.rows("SELECT id, generation_id, announces, state FROM deliveries")
    ends = Counter(row["generation_id"] for row in deliveries if row["announces"] == "completed")
    wrong += [f"announced: {row['id']} {ends[str(row['id'])]} times" for row in rows if ends[str(row["id"])] != 1]
    wrong += [f"never told: {row['id']} is {row['state']}" for row in deliveries if row["state"] != "delivered"]
    told = Counter(receiver.announced.values())
    wrong += [f"announced under {number} ids: {what}" for what, number in told.items() if number > 1]
    for name, times in receiver.received.items():
        for again in times[1:]:
            if not any(began - 1 <= again <= ended + WINDOW_SECONDS for began, ended in nemesis.times):
                wrong.append(f"callback twice: {name}")
    return wrong


async def _look_at_objects(house: FleetHouse, rows: list[dict[str, object]], outcome: Outcome) -> None:
    """Every result is there with its size; what belongs to nothing is gone after a collection."""
    environment = house.environment()
    objects = open_objects(environment["STILLMOTION_STORAGE"], house.folder, house.bucket.options)
    for row in rows:
        for kind in ("video", "thumbnail", "poster", "preview_video"):
            key, size = row[f"{kind}_key"], row[f"{kind}_size"]
            if key is None:
                continue
            found = await objects.find(str(key))
            if found is None or found.size != size:
                outcome.broken.append(f"missing: {key} of {row['id']}")
    store = open_store(house.store)
    try:
        retention = Retention(store, objects, _Later())
        outcome.orphans_found = (await retention.collect()).orphans
        left = (await retention.look(1_000)).orphans
    finally:
        store.close()
    if left:
        outcome.broken.append(f"orphans after gc: {left}")
