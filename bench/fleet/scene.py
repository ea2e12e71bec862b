"""Scene of a single fault: a fleet, a receiver of callbacks, and orders that are followed to their end."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import aiohttp

from bench.fleet.chaos import Nemesis, Outcome, Receiver, ordered, outcome_of, settled
from bench.fleet.hosts import FREE, PATIENCE
from bench.fleet.house import FleetHouse, Member
from bench.fleet.servers import Durable
from bench.gateway import KEY_HEADER, POLL_PATH
from bench.table import Figure, Sense, spread
from tests.seaweedfs import SeaweedFS

POLL_EVERY = 0.3
RENDERING = "SELECT 1 FROM leases WHERE stage = 'rendering'"
RETRY = "503 with Retry-After"


@dataclass
class Scene:
    """A fleet with its orders. `faults` are spans of monotonic time in which a callback may be told twice."""

    house: FleetHouse
    receiver: Receiver
    key: str = ""
    accepted: dict[str, str] = field(default_factory=dict)
    faults: list[tuple[float, float]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    async def replica(self, *changes: str) -> Member:
        """A new server."""
        member = await asyncio.to_thread(self.house.serve, *changes)
        self.key = self.key or await asyncio.to_thread(self.house.new_key)
        return member

    async def host(self, *changes: str) -> Member:
        """A new worker."""
        return await asyncio.to_thread(self.house.work, *changes)

    async def order(self, replica: Member, clips: int) -> None:
        """Submit as many, each with a callback."""
        hook, first = f"{self.receiver.base}/hook", len(self.accepted)
        async with asyncio.TaskGroup() as group:
            for number in range(first, first + clips):
                group.create_task(ordered([replica], self.key, hook, number, self.accepted))

    async def under_way(self, hosts: int, clips: int) -> tuple[Member, Sequence[Member]]:
        """A server, and so many workers, each of which renders one of the clips that are ordered."""
        replica = await self.replica()
        workers = [await self.host() for _ in range(hosts)]
        await self.order(replica, clips)
        await self.rendering(hosts)
        return replica, workers

    async def until(self, query: str, seconds: float = 60.0) -> float:
        """Wait until the query has a row; the seconds that it took. Raises `TimeoutError`."""
        return await self.until_true(lambda: bool(self.house.rows(query)), seconds)

    async def until_true(self, look: Callable[[], bool], seconds: float = 60.0) -> float:
        """Wait until the look is true; the seconds that it took. Raises `TimeoutError`."""
        began = time.monotonic()
        while not await asyncio.to_thread(look):
            if time.monotonic() - began > seconds:
                raise TimeoutError(f"{self.house.states()} after {seconds:g} s")
            await asyncio.sleep(0.1)
        return time.monotonic() - began

    async def rendering(self, clips: int) -> None:
        """Wait until as many render at once."""
        await self.until_true(lambda: len(self.house.rows(RENDERING)) >= clips)

    async def polled(self, replica: Member, seconds: float) -> Counter[str]:
        """Answers to polls, one after another for so long."""
        answers: Counter[str] = Counter()
        ids, until, number = list(self.accepted.values()), time.monotonic() + seconds, 0
        async with aiohttp.ClientSession(timeout=PATIENCE) as http:
            while not answers or time.monotonic() < until:
                body, number = {"task_id": ids[number % len(ids)]}, number + 1
                async with http.post(replica.said + POLL_PATH, json=body, headers={KEY_HEADER: self.key}) as answer:
                    is_retry = answer.status == 503 and "Retry-After" in answer.headers
                    answers[RETRY if is_retry else str(answer.status)] += 1
                await asyncio.sleep(min(POLL_EVERY, max(0.0, until - time.monotonic())))
        return answers

    async def outcome(self, *, has_time: bool = True) -> Outcome:
        """Every promise, once all has ended. Without `has_time` it is looked at as it is."""
        clips = len(self.accepted)
        if has_time:
            await settled(self.house, clips)
        nemesis = Nemesis(self.house, [], [], Random(0))
        nemesis.times += self.faults
        seconds = time.monotonic() - self.began
        return await outcome_of(self.house, self.accepted, self.receiver, nemesis, seconds, clips)


@asynccontextmanager
async def scene(
    server: Durable, s3: SeaweedFS, render_seconds: float, answers_after: float = 0.0, store: str = "", **more: str
) -> AsyncIterator[Scene]:
    """A fleet without members yet, for the length of the block. `more` are settings of all members."""
    receiver = Receiver(answers_after)
    with TemporaryDirectory(prefix="stillmotion-scene-", ignore_cleanup_errors=True) as folder:
        async with receiver.running():
            reach = {"fetch_allow_cidrs": "127.0.0.0/8", "fetch_allowed_ports": receiver.base.rpartition(":")[2]}
            house = FleetHouse(Path(folder), server, s3, render_seconds, FREE | reach | more, store)
            try:
                yield Scene(house, receiver)
            finally:
                await asyncio.to_thread(house.end)


def figures_of(name: str, outcome: Outcome, clips: int, most_attempts: int, note: str) -> Sequence[Figure]:
    """The figures of a scene. Every broken promise is printed."""
    for sentence in outcome.broken[:40]:
        print(f"BROKEN  {name}: {sentence}")
    completed, broken = float(outcome.completed_once), float(len(outcome.broken))
    return [
        Figure(f"{name}: completed of {clips}", spread([completed]), Sense.AT_LEAST, clips, "", note),
        Figure(f"{name}: broken promises", spread([broken]), Sense.AT_MOST, 0, ""),
        Figure(
            f"{name}: renders of one, the most",
            spread([float(outcome.most_attempts)]),
            Sense.AT_MOST,
            most_attempts,
            "",
        ),
    ]
