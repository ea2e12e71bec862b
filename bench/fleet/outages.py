"""Outages, one at a time: the database away, the bucket away, a host frozen, the holder of a duty frozen."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from bench.fleet.house import Member
from bench.fleet.scene import RETRY, Scene, figures_of, scene
from bench.fleet.servers import Durable, pooler_of, standby_of
from bench.table import Figure, Sense, spread
from tests.seaweedfs import SeaweedFS

STOPS, LONG_STOP = (0.4, 8.0, 45.0), 300.0
AWAY_SECONDS, FROZEN_SECONDS = 60.0, 60.0
HOLDER: Final = "SELECT holder FROM duties WHERE name = 'callbacks'"
TAKEN_OVER_SECONDS = 15
HOSTS, CLIPS = 2, 4
"""Each host makes one clip of a model at a time."""


async def measure(server: Durable, s3: SeaweedFS, *, quick: bool) -> Sequence[Figure]:
    """Every outage."""
    figures: list[Figure] = []
    for seconds in STOPS if quick else (*STOPS, LONG_STOP):
        figures += await database_stopped(server, s3, seconds)
    figures += await bucket_away(server, s3)
    figures += await host_frozen(server, s3)
    figures += await holder_frozen(server, s3)
    figures += await failed_over(server, s3)
    figures += await failed_over_behind_a_pooler(server, s3)
    return figures


async def database_stopped(server: Durable, s3: SeaweedFS, seconds: float) -> Sequence[Figure]:
    """PostgreSQL stopped as in a crash while clips render, and started again."""
    name, clips = f"PostgreSQL stopped {seconds:g} s", 2 * CLIPS
    async with scene(server, s3, 4.0) as at:
        replica, _ = await at.under_way(HOSTS, clips)
        began = time.monotonic()
        await asyncio.to_thread(server.stop, signal.SIGQUIT)
        answers = await at.polled(replica, seconds)
        await asyncio.to_thread(server.start)
        back = time.monotonic()
        at.faults.append((began, back))
        outcome = await at.outcome()
        note = f"all over {time.monotonic() - back:.1f} s after; {outcome.losses} losses"
        return [*figures_of(name, outcome, clips, 2, note), _polls(name, answers, {"200", RETRY})]


def _polls(name: str, answers: Counter[str], meant: set[str]) -> Figure:
    others = float(sum(number for answer, number in answers.items() if answer not in meant))
    note = ", ".join(f"{number} × {answer}" for answer, number in sorted(answers.items()))
    return Figure(f"{name}: polls not {' or '.join(sorted(meant))}", spread([others]), Sense.AT_MOST, 0, "", note)


async def failed_over(server: Durable, s3: SeaweedFS) -> Sequence[Figure]:
    """The server gone for good while clips render, and its standby promoted. Members know both addresses."""
    with standby_of(server) as standby:
        store = server.new_database().replace(str(server.folder), f"{server.folder},{standby.folder}")

        def promote() -> None:
            server.stop(signal.SIGQUIT)
            standby.promote()

        async with scene(server, s3, 4.0, store=store) as at:
            return await _failed_over("failover to a standby", at, promote)


async def failed_over_behind_a_pooler(server: Durable, s3: SeaweedFS) -> Sequence[Figure]:
    """The same where members know the pooler alone, which is led to the standby. They hear nothing and look."""
    with standby_of(server) as standby, pooler_of(server) as pooler:

        def promote() -> None:
            server.stop(signal.SIGQUIT)
            standby.promote()
            pooler.lead_to(standby)

        async with scene(server, s3, 4.0, store=pooler.url(server.new_database()), signals="poll") as at:
            return await _failed_over("failover behind a pooler", at, promote)


async def _failed_over(name: str, at: Scene, promote: Callable[[], None]) -> Sequence[Figure]:
    clips = 2 * CLIPS
    replica, _ = await at.under_way(HOSTS, clips)
    began = time.monotonic()
    await asyncio.to_thread(promote)
    answers = await at.polled(replica, 5.0)
    at.faults.append((began, time.monotonic()))
    outcome = await at.outcome()
    seen = sum(_logged(each, "database_failed_over") > 0 for each in at.house.members)
    note = f"all over {time.monotonic() - began:.1f} s after; {outcome.losses} losses"
    return [
        *figures_of(name, outcome, clips, 2, note),
        Figure(f"{name}: processes that saw it", spread([float(seen)]), Sense.AT_LEAST, 1 + HOSTS, ""),
        _polls(name, answers, {"200", RETRY}),
    ]


async def bucket_away(server: Durable, s3: SeaweedFS) -> Sequence[Figure]:
    """The bucket killed while clips render: their ends wait under their leases, and polls go on."""
    name = f"S3 away {AWAY_SECONDS:g} s"
    async with scene(server, s3, 8.0) as at:
        replica, _ = await at.under_way(HOSTS, HOSTS)
        began = time.monotonic()
        await asyncio.to_thread(s3.kill)
        answers = await at.polled(replica, AWAY_SECONDS)
        await asyncio.to_thread(s3.start)
        back = time.monotonic()
        at.faults.append((began, back))
        outcome = await at.outcome()
        note = f"all over {time.monotonic() - back:.1f} s after"
        return [*figures_of(name, outcome, HOSTS, 1, note), _polls(name, answers, {"200"})]


async def host_frozen(server: Durable, s3: SeaweedFS) -> Sequence[Figure]:
    """One host frozen beyond its leases, and woken after another has made its clips. No callback may come twice."""
    async with scene(server, s3, 6.0) as at:
        _, hosts = await at.under_way(HOSTS, HOSTS)
        hosts[0].send(signal.SIGSTOP)
        await asyncio.sleep(FROZEN_SECONDS)
        made = at.house.states().get("completed", 0)
        hosts[0].send(signal.SIGCONT)
        await at.until_true(lambda: _logged(hosts[0], "lease_lost") > 0)
        outcome = await at.outcome()
        note = f"{made} made while it was frozen; {outcome.losses} losses"
        return figures_of(f"host frozen {FROZEN_SECONDS:g} s", outcome, HOSTS, 2, note)


def _logged(member: Member, name: str) -> int:
    return sum(event.get("event") == name for event in member.events())


async def holder_frozen(server: Durable, s3: SeaweedFS) -> Sequence[Figure]:
    """The server that delivers callbacks frozen while clips end, and woken after another has told of them."""
    async with scene(server, s3, 2.0) as at:
        replicas = [await at.replica(), await at.replica()]
        await at.host()
        await at.until(HOLDER)
        holder = at.house.rows(HOLDER)[0]["holder"]
        frozen = next(each for each in replicas if f":{each.process.pid}-" in holder)
        other = next(each for each in replicas if each is not frozen)
        frozen.send(signal.SIGSTOP)
        began = time.monotonic()
        await at.order(other, CLIPS)
        taken = await _taken_over(at, holder, began)
        await at.until("SELECT 1 FROM generations WHERE state = 'completed' HAVING count(*) >= 4")
        frozen.send(signal.SIGCONT)
        await at.order(frozen, CLIPS)
        outcome = await at.outcome()
        return [
            *figures_of("holder of callbacks frozen", outcome, 2 * CLIPS, 1, "no callback came twice"),
            Figure("holder of callbacks frozen → another", spread([taken]), Sense.AT_MOST, TAKEN_OVER_SECONDS, "s"),
        ]


async def _taken_over(at: Scene, holder: str, began: float) -> float:
    await at.until_true(lambda: at.house.rows(HOLDER)[0]["holder"] != holder)
    return time.monotonic() - began
