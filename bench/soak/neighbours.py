"""`python3 dev.py soak --neighbours`: the wait for a customer's first clip, alone and beside a troublemaker.

Each line of the table is an attacker of another kind, in rounds of its own: the neighbour alone, then beside it.
Ends with 1 where a bar is missed. With `--json FILE` the table goes there too; `--only WORD` takes some of the lines.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from bench.gateway import KEY_HEADER, POLL_PATH, SUBMIT_PATH
from bench.processes import resident_bytes
from bench.soak.elsewhere import GONE, PICTURES, SILENT, DrippingServer, name_server
from bench.soak.house import House
from bench.table import Figure, Sense, as_text, exit_code, spread, write_json

ROUNDS = 5
MINUTE = 60
"""Submits a minute of a default subscription, and so the attacker's."""
MOMENTS = (1.0, 6.0, 12.0, 19.0, 22.0)
"""The neighbour's arrivals in seconds after the attacker's start, a round each; some follow the end of a fetch."""
UPLOADS, UPLOAD_BYTES = 200, 20 * 1024 * 1024 - 4096
SETTLE_SECONDS = 120.0
"""Seconds between the uploads and the look at memory."""
QUEUED = 10_000
SMALL = {"prompt": "slow push in", "duration": 1, "resolution": "540p"}
LOOK_SECONDS = 0.02
CLIP_SECONDS = 180.0
"""The longest wait in seconds; beyond it there is no clip."""
MANY = {"STILLMOTION_SUBMITS_PER_MINUTE": "1000000", "STILLMOTION_CONCURRENT_GENERATIONS": "1000000"}


class NoClip(Exception):
    """The neighbour's clip failed, or never came."""


@dataclass(slots=True)
class Customer:
    """A customer: a subscription of its own, and a patient client."""

    house: House
    http: aiohttp.ClientSession
    key: str
    made: list[str] = field(default_factory=list)

    async def submit(self, **body: Any) -> str | None:
        """The id of a submit; None where it was refused."""
        address, headers = self.house.base + SUBMIT_PATH, {KEY_HEADER: self.key}
        async with self.http.post(address, json=SMALL | body, headers=headers) as answer:
            if answer.status != 200:
                return None
            self.made.append((await answer.json())["id"])
            return self.made[-1]

    async def state(self, generation_id: str) -> tuple[str, str]:
        """The state, and the reason of a failure."""
        address, headers = self.house.base + POLL_PATH, {KEY_HEADER: self.key}
        async with self.http.post(address, json={"task_id": generation_id}, headers=headers) as answer:
            said = await answer.json()
            return said.get("state", f"answered {answer.status}"), str(said.get("failure_reason"))

    async def first_clip(self, url: str) -> float:
        """Seconds from a submit to its clip. Raises `NoClip`."""
        began = time.monotonic()
        generation_id = await self.submit(url=url)
        while generation_id is None:
            await asyncio.sleep(0.2)
            generation_id = await self.submit(url=url)
        while time.monotonic() - began < CLIP_SECONDS:
            state, why = await self.state(generation_id)
            if state == "completed":
                return time.monotonic() - began
            if state == "failed":
                raise NoClip(why)
            await asyncio.sleep(LOOK_SECONDS)
        raise NoClip(f"it did not come within {CLIP_SECONDS:.0f} seconds")

    async def leave(self) -> None:
        """Delete everything."""
        headers = {"Authorization": f"Bearer {self.key}"}
        for generation_id in self.made:
            address = f"{self.house.base}/dream-machine/v1/generations/{generation_id}"
            async with self.http.delete(address, headers=headers):
                pass
        self.made.clear()


@dataclass(slots=True)
class Street:
    """A running service, the servers elsewhere, and the service's customers."""

    house: House
    http: aiohttp.ClientSession
    port: int
    neighbour: Customer
    failures: list[str] = field(default_factory=list)

    @property
    def picture(self) -> str:
        """The address of the neighbour's picture, by name rather than number."""
        return f"http://{PICTURES}:{self.port}/picture.jpg"

    @property
    def server_memory(self) -> float:
        """The resident memory of the server's own process, in MB."""
        assert self.house.process is not None
        return resident_bytes(self.house.process.pid) / 1e6

    def moves_in(self) -> Customer:
        """Another subscription."""
        return Customer(self.house, self.http, self.house.new_key()[0])

    async def clip(self) -> float:
        """The neighbour's first clip; what fails is kept, and taken for the longest wait."""
        try:
            return await self.neighbour.first_clip(self.picture)
        except NoClip as error:
            self.failures.append(str(error))
            return CLIP_SECONDS


@asynccontextmanager
async def street(**settings: str) -> AsyncIterator[Street]:
    """A service of its own for one line of the table."""
    with TemporaryDirectory(prefix="stillmotion-neighbours-") as folder:
        async with AsyncExitStack() as stack:
            names = await stack.enter_async_context(name_server().running())
            port = await stack.enter_async_context(DrippingServer().running())
            given = {
                "STILLMOTION_FETCH_ALLOW_CIDRS": "127.0.0.0/8",
                "STILLMOTION_FETCH_ALLOWED_PORTS": str(port),
                "STILLMOTION_NAME_SERVERS": names.address,
            }
            house = House(Path(folder), given | settings)
            neighbour_key = house.new_key()[0]
            await house.start()
            connector = aiohttp.TCPConnector(limit=64)
            timeout = aiohttp.ClientTimeout(total=120)
            http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, timeout=timeout))
            lives = Street(house, http, port, Customer(house, http, neighbour_key))
            await lives.clip()  # The first clip loads all that is loaded on first use.
            try:
                yield lives
            finally:
                await house.end(signal.SIGTERM)


Attack = Callable[[Street, int], Awaitable[list[Customer]]]
"""The start of a round's trouble; it answers with the troublemaker once the neighbour may come."""


async def drip(lives: Street, number: int) -> list[Customer]:
    """A minute's submits at once, of pictures that come a byte each half second."""
    attacker = lives.moves_in()
    address = f"http://{PICTURES}:{lives.port}/drip.jpg"
    await asyncio.gather(*(attacker.submit(url=address) for _ in range(MINUTE)))
    await asyncio.sleep(MOMENTS[number % len(MOMENTS)])
    return [attacker]


async def never_resolve(lives: Street, number: int) -> list[Customer]:
    """Three subscriptions, a minute's submits each, that fail at once and whose callbacks nobody can look up."""
    del number
    attackers = [lives.moves_in() for _ in range(3)]
    gone = f"http://{PICTURES}:{lives.port}{GONE}"
    for attacker in attackers:
        hooks = [f"http://{attacker.key[:8].lower()}-{each}.{SILENT}:{lives.port}/hook" for each in range(MINUTE)]
        await asyncio.gather(*(attacker.submit(url=gone, callback_url=each) for each in hooks))
    for attacker in attackers:
        await _until_over(attacker)
    return attackers


async def _until_over(customer: Customer) -> None:
    for generation_id in customer.made:
        while (await customer.state(generation_id))[0] in {"queued", "dreaming"}:
            await asyncio.sleep(0.1)


async def beside(name: str, attack: Attack, bar: float, rounds: int) -> list[Figure]:
    """The neighbour's wait for its first clip beside an attacker, as a multiple of its wait alone."""
    alone, together = [], []
    async with street() as lives:
        for number in range(rounds):
            alone.append(await lives.clip())
            attackers = await attack(lives, number)
            together.append(await lives.clip())
            tell(f"{name}: {alone[-1]:.2f} s alone, {together[-1]:.2f} s beside")
            for each in attackers:
                await each.leave()
    return [_times(name, alone, together, bar), _failed(name, lives)]


def _times(name: str, alone: Sequence[float], together: Sequence[float], bar: float) -> Figure:
    usual = median(alone)
    note = f"{usual:.2f} s alone, {median(together):.2f} s beside"
    return Figure(name, spread([each / usual for each in together]), Sense.AT_MOST, bar, "×", note)


def _failed(name: str, lives: Street) -> Figure:
    note = "; ".join(lives.failures)
    return Figure(f"{name}: clips that failed", spread([len(lives.failures)]), Sense.AT_MOST, 0, "", note)


async def drips(rounds: int) -> list[Figure]:
    """The line of pictures that drip."""
    return await beside("pictures that drip", drip, 2.0, rounds)


async def silent(rounds: int) -> list[Figure]:
    """The line of callbacks to names that never resolve."""
    return await beside("callbacks to names that never resolve", never_resolve, 1.5, rounds)


async def uploads(rounds: int) -> list[Figure]:
    """The line of 200 simultaneous uploads of 20 MiB, repeated, by a client of low priority."""
    alone, together = [], []
    async with street() as lives:
        before = lives.server_memory
        after_some = peak = 0.0
        for number in range(rounds):
            alone.append(await lives.clip())
            sender = await _sender(lives)
            await asyncio.sleep(1.0)
            together.append(await lives.clip())
            said, _ = await sender.communicate()
            peak = max(peak, lives.server_memory)
            tell(f"uploads: {alone[-1]:.2f} s alone, {together[-1]:.2f} s beside; {said.decode().strip()}")
            if number == 0:
                await asyncio.sleep(SETTLE_SECONDS)
                after_some = lives.server_memory - before
        await asyncio.sleep(SETTLE_SECONDS)
        after_all = lives.server_memory - before
    name, many = f"{UPLOADS} uploads of 20 MiB at once", UPLOADS * rounds
    note = f"{before:.0f} MB at the start, {peak:.0f} MB after a round"
    return [
        _times(name, alone, together, 2.0),
        _failed(name, lives),
        Figure(f"memory two minutes after {UPLOADS} uploads", spread([after_some]), Sense.AT_MOST, 150, "MB", note),
        Figure(f"memory two minutes after {many} uploads", spread([after_all]), Sense.AT_MOST, 150, "MB"),
    ]


async def _sender(lives: Street) -> asyncio.subprocess.Process:
    words = ["-m", "bench.soak.uploader", lives.house.base, lives.house.new_key()[0], str(UPLOADS), str(UPLOAD_BYTES)]
    return await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.PIPE)


async def queue(rounds: int) -> list[Figure]:
    """The line of 10,000 queued generations of one subscription."""
    together = []
    async with street(**MANY) as lives:
        alone = [await lives.clip() for _ in range(rounds)]
        attacker = lives.moves_in()
        for _ in range(QUEUED // 100):
            await asyncio.gather(*(attacker.submit(url=lives.picture) for _ in range(100)))
        for _ in range(rounds):
            await asyncio.sleep(2.0)
            together.append(await lives.clip())
            tell(f"queue: {median(alone):.2f} s alone, {together[-1]:.2f} s beside {len(attacker.made)} queued")
        slot = _slot(lives.house.log)
    usual = median(alone)
    note = (
        f"{usual:.2f} s alone, {median(together):.2f} s beside; a slot, from clip to clip of the queue, is {slot:.2f} s"
    )
    waits = spread([(each - usual) / slot for each in together])
    return [Figure(f"{QUEUED:,} queued generations", waits, Sense.AT_MOST, 1.0, "slots", note), _failed("queue", lives)]


def _slot(log: Path) -> float:
    """The usual time between two clips of a lane that is never idle, by the server's log."""
    lines = (line for line in log.read_text("utf-8", "replace").splitlines() if '"generation_completed"' in line)
    ended = [datetime.fromisoformat(json.loads(line)["timestamp"]) for line in lines][-20:]
    return median((later - earlier).total_seconds() for earlier, later in pairwise(ended))


LINES: dict[str, Callable[[int], Awaitable[list[Figure]]]] = {
    "drips": drips,
    "silent": silent,
    "uploads": uploads,
    "queue": queue,
}


def tell(words: str) -> None:
    """Tell the person at the terminal of the progress."""
    print(words, file=sys.stderr, flush=True)


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and say whether the bars are kept."""
    parser = argparse.ArgumentParser(prog="dev.py soak --neighbours", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", choices=list(LINES), action="append")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    figures = asyncio.run(_measured(asked.only or list(LINES), asked.rounds))
    print(as_text(figures))
    if asked.json is not None:
        write_json(figures, asked.json, {"rounds": str(asked.rounds), "processors": str(os.cpu_count())})
    return exit_code(figures)


async def _measured(names: Sequence[str], rounds: int) -> list[Figure]:
    return [figure for name in names for figure in await LINES[name](rounds)]
