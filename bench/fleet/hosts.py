"""Many processes over one PostgreSQL: how they scale, and how long they take to get over a loss."""

import asyncio
import base64
import json
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from bench.fleet.house import FleetHouse, Member
from bench.fleet.servers import Durable
from bench.gateway import KEY_HEADER, SUBMIT_PATH
from bench.table import Figure, Sense, spread
from stillmotion.cli.sample_picture import draw_sample
from tests.seaweedfs import SeaweedFS

PICTURE = "data:image/jpeg;base64," + base64.b64encode(draw_sample()).decode()
BODY = {"url": PICTURE, "prompt": "slow push in", "duration": 1, "resolution": "540p"}
PATIENCE = aiohttp.ClientTimeout(total=30)
FREE = {"submits_per_minute": "100000", "concurrent_generations": "100000"}
"""Settings without limits."""

SHORT_RENDER, LONG_RENDER = 2.0, 6.0
LIMIT, ASKED = 100, 480


@contextmanager
def bucket(folder: Path) -> Iterator[SeaweedFS]:
    """A running S3 server."""
    server = SeaweedFS(folder / "bucket").start()
    try:
        yield server
    finally:
        server.kill()


async def submitted(bases: Sequence[str], key: str, count: int, at_once: int = 24) -> list[tuple[int, Any]]:
    """Status and body of as many submits, spread over the servers."""
    turn = iter(range(count))
    answers: list[tuple[int, Any]] = []

    async def caller(http: aiohttp.ClientSession) -> None:
        for number in turn:
            url = bases[number % len(bases)] + SUBMIT_PATH
            async with http.post(url, json=BODY, headers={KEY_HEADER: key}) as answer:
                answers.append((answer.status, await answer.json()))

    async with aiohttp.ClientSession(timeout=PATIENCE) as http, asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(caller(http))
    return answers


def scaling(server: Durable, s3: SeaweedFS, clips: int) -> Figure:
    """Clips a second of four workers ÷ one, with an engine that waits."""
    with _fleet(server, s3, SHORT_RENDER, FREE) as house:
        api = house.serve()
        key = house.new_key()
        workers = [house.work()]
        alone = _rate(house, api, key, clips)
        workers += [house.work() for _ in range(3)]
        together = _rate(house, api, key, 4 * clips)
    note = f"{alone:.2f} and {together:.2f} clips/s; a clip waits {SHORT_RENDER:g} s"
    return Figure("4 workers ÷ 1, an engine that waits", spread([together / alone]), Sense.AT_LEAST, 3.8, "×", note)


def _rate(house: FleetHouse, api: Member, key: str, clips: int) -> float:
    """Clips a second from the first completed to the last, so that the start of the work does not count."""
    before = house.states().get("completed", 0)
    accepted = asyncio.run(submitted([api.said], key, clips))
    assert all(status == 200 for status, _ in accepted), accepted
    house.until_completed(before + clips, 60 + 4 * clips * SHORT_RENDER)
    ended = [row["finished_at"] for row in house.rows("SELECT finished_at FROM generations ORDER BY finished_at")]
    of_these = ended[before:]
    # The first of each lane waits as long as every other: they are left out as the beginning.
    lanes = len([each for each in house.members if each is not api])
    counted = of_these[lanes - 1 :]
    return float((len(counted) - 1) / ((counted[-1] - counted[0]) / 1e6))


def recovery(server: Durable, s3: SeaweedFS, kills: int) -> Figure:
    """Seconds from the kill of a worker host in a render to the same generation's next start elsewhere."""
    taken = []
    with _fleet(server, s3, LONG_RENDER, FREE) as house:
        api = house.serve()
        key = house.new_key()
        house.work()
        for _ in range(kills):
            house.work()
            ((status, body),) = asyncio.run(submitted([api.said], key, 1))
            assert status == 200, body
            name = body["id"]
            first = _claimed(house, name, 1)
            host = house.rows("SELECT worker FROM attempts WHERE generation_id = %s AND number = 1", name)[0]["worker"]
            victim = next(each for each in house.members if each.runs and f":{each.process.pid}-" in host)
            killed = time.time()
            victim.kill()
            taken.append(_claimed(house, name, 2) - killed)
            assert first < killed
            house.until_completed(len(taken), 60)
    note = f"median {spread(taken).median:.1f} s of {kills} kills"
    worst = spread([max(taken)])
    return Figure("worker killed → running elsewhere, the worst", worst, Sense.AT_MOST, 20, "s", note)


def _claimed(house: FleetHouse, generation_id: str, number: int) -> float:
    """Wait for an attempt; the time of its start, in seconds since 1970."""
    until = time.monotonic() + 90
    query = "SELECT started_at FROM attempts WHERE generation_id = %s AND number >= %s ORDER BY number"
    while time.monotonic() < until:
        found = house.rows(query, generation_id, number)
        if found:
            return float(found[0]["started_at"]) / 1e6
        time.sleep(0.05)
    raise AssertionError(f"{generation_id} has no attempt {number}: {house.states()}")


def one_limit(server: Durable, s3: SeaweedFS) -> Figure:
    """Submits that three replicas accept under one limit a minute."""
    limits = FREE | {"submits_per_minute": str(LIMIT)}
    with _fleet(server, s3, SHORT_RENDER, limits) as house:
        replicas = [house.serve() for _ in range(3)]
        key = house.new_key()
        # All of it in one window: a minute that has just begun.
        answers = asyncio.run(submitted([each.said for each in replicas], key, ASKED))
    statuses = [status for status, _ in answers]
    assert set(statuses) <= {200, 429}, next(answer for answer in answers if answer[0] not in (200, 429))
    accepted = spread([float(abs(statuses.count(200) - LIMIT))])
    return Figure(f"accepted beyond or short of a limit of {LIMIT}, 3 replicas", accepted, Sense.AT_MOST, 0, "")


def orderly_ends(server: Durable, s3: SeaweedFS, ends: int = 6) -> list[Figure]:
    """Failures and losses that are counted where workers are ended in order with a second of grace."""
    with _fleet(server, s3, SHORT_RENDER, FREE | {"shutdown_grace": "1"}) as house:
        api = house.serve()
        key = house.new_key()
        workers = [house.work(), house.work()]
        asyncio.run(submitted([api.said], key, 4 * ends))
        for number in range(ends):
            time.sleep(1.3)
            workers[number % 2].send(signal.SIGTERM)
            workers[number % 2].process.wait(60)
            workers[number % 2] = house.work()
        house.until_completed(4 * ends, 120)
        counted = house.rows("SELECT sum(failures) AS failures, sum(losses) AS losses FROM generations")[0]
    name = f"SIGTERM × {ends} with 1 s of grace"
    return [
        Figure(f"{name}: failures", spread([float(counted["failures"])]), Sense.AT_MOST, 0, ""),
        Figure(f"{name}: losses", spread([float(counted["losses"])]), Sense.AT_MOST, 0, ""),
    ]


@contextmanager
def _fleet(server: Durable, s3: SeaweedFS, seconds: float, settings: dict[str, str]) -> Iterator[FleetHouse]:
    with TemporaryDirectory(prefix="stillmotion-fleet-house-", ignore_cleanup_errors=True) as folder:
        house = FleetHouse(Path(folder), server, s3, seconds, settings)
        try:
            yield house
        except BaseException:
            for each in house.members:
                lines = [json.dumps(event) for event in each.events() if event.get("level") not in ("info", "debug")]
                print("\n".join([each.log.name, *lines[-5:]]), flush=True)
            raise
        finally:
            house.end()
