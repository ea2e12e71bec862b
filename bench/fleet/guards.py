"""Guards switched off by hand, one at a time: the check that sees it must fail, or it would see nothing."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Final

import aiohttp
import psycopg

from bench.fleet.hosts import PATIENCE
from bench.fleet.house import Member
from bench.fleet.scene import Scene, scene
from bench.fleet.servers import Durable
from bench.table import Figure, Sense, spread
from tests.seaweedfs import SeaweedFS

TAKEN_AGAIN: Final = "SELECT 1 FROM attempts WHERE number = 2"
WAITING: Final = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
CANCEL_PATH: Final = "/generations/{}/cancel"
LET_GO_SECONDS, LONG_RENDER = 5.0, 40.0


async def measure(server: Durable, s3: SeaweedFS) -> Sequence[Figure]:
    """Each check with its guard on, and with it off at the same time: they wait for most of it."""
    checks: Sequence[tuple[str, str, Callable[..., Awaitable[int]], str]] = (
        ("ends of another's attempt, frozen before the commit", "the fence", ends_of_another, "fence"),
        ("renders that a woken host keeps on", "the looks at the lease", kept_renders, "looks"),
        ("callbacks told twice by two servers", "the duty's clock check", callbacks_twice, "duty"),
        ("counts that two cancels of one clip at once leave wrong", "the holds", miscounted, "holds"),
        ("claims that a change forgets, with no holds", "the fence in SQL", forgotten_claims, "sql"),
    )
    figures = []
    for name, guard, check, change in checks:
        guarded, unguarded = await asyncio.gather(check(server, s3), check(server, s3, change))
        figures += [_kept(name, guarded), _seen(f"the same without {guard}", unguarded)]
    return figures


def _kept(name: str, wrong: int) -> Figure:
    return Figure(name, spread([float(wrong)]), Sense.AT_MOST, 0, "")


def _seen(name: str, wrong: int) -> Figure:
    return Figure(name, spread([float(wrong)]), Sense.AT_LEAST, 1, "", "the check must fail")


async def ends_of_another(server: Durable, s3: SeaweedFS, *without: str) -> int:
    """A host that freezes between upload and commit, and is woken while another makes the clip.

    The answer counts rows that are completed by another attempt than the one whose end was logged.
    """
    async with scene(server, s3, 8.0) as at:
        replica, first = await at.replica(), await at.host("stops", *without)
        await at.order(replica, 1)
        await at.until_true(lambda: _is_frozen(first))
        await at.host()
        await at.until(TAKEN_AGAIN)
        first.send(signal.SIGCONT)
        await at.until("SELECT 1 FROM generations WHERE state = 'completed'")
        await asyncio.sleep(3)
        rows = {(row["id"], row["attempt"]) for row in at.house.rows("SELECT id, attempt FROM generations")}
        ends = {
            (event["generation"], event["attempt"])
            for member in at.house.members for event in member.events() if event.get("event") == "generation_completed"
        }  # fmt: skip
        return len(rows ^ ends)


def _is_frozen(member: Member) -> bool:
    # The state follows the name, which is in brackets and may hold anything.
    return Path(f"/proc/{member.process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] == "T"


async def kept_renders(server: Durable, s3: SeaweedFS, *without: str) -> int:
    """A host frozen early in a long render, and woken once another makes the clip: it has to drop its own."""
    async with scene(server, s3, LONG_RENDER) as at:
        replica, first = await at.replica(), await at.host(*without)
        await at.order(replica, 1)
        await at.rendering(1)
        first.send(signal.SIGSTOP)
        await at.host()
        await at.until(TAKEN_AGAIN)
        first.send(signal.SIGCONT)
        woken = monotonic()
        while monotonic() - woken < LET_GO_SECONDS:
            if any(event.get("event") == "lease_lost" for event in first.events()):
                return 0
            await asyncio.sleep(0.1)
        return 1


async def callbacks_twice(server: Durable, s3: SeaweedFS, *without: str) -> int:
    """Two servers, one of them perhaps without a look at its clock, and a receiver that takes its time."""
    async with scene(server, s3, 2.0, answers_after=0.5) as at:
        replica, _, _ = await at.replica(), await at.replica(*without), await at.host()
        await at.order(replica, 4)
        await at.outcome()
        return sum(len(times) - 1 for times in at.receiver.received.values())


async def miscounted(server: Durable, s3: SeaweedFS, *without: str) -> int:
    """Two cancels of one clip, both of which are under way before either can change its row.

    The answer is by how much its subscription's counts are wrong.
    """
    async with scene(server, s3, 2.0) as at:
        replica = await at.replica(*without)
        await at.order(replica, 2)
        (first, _) = at.accepted.values()
        with psycopg.connect(at.house.store) as beside:
            beside.execute("SELECT 1 FROM generations WHERE id = %s FOR UPDATE", (first,))
            cancels = [asyncio.create_task(_cancelled(at, replica, first)) for _ in range(2)]
            await at.until_true(lambda: len(at.house.rows(WAITING)) == len(cancels))
        await asyncio.gather(*cancels)
        (counts,) = at.house.rows("SELECT unfinished, queued FROM limits")
        queued = at.house.states()["queued"]
        return abs(int(counts["unfinished"]) - queued) + abs(int(counts["queued"]) - queued)


async def forgotten_claims(server: Durable, s3: SeaweedFS, *without: str) -> int:
    """A cancel that has read its row, and cannot write it before another transaction has kept a claim of it.

    Nobody comes that far where rows are held first, so that the holds are off both times. The answer counts attempts
    that were given out and that the row does not know.
    """
    async with scene(server, s3, 2.0) as at:
        replica = await at.replica("holds", *without)
        await at.order(replica, 1)
        (first,) = at.accepted.values()
        with psycopg.connect(at.house.store) as beside:
            beside.execute("UPDATE generations SET state = 'dreaming', attempt = 1 WHERE id = %s", (first,))
            cancel = asyncio.create_task(_cancelled(at, replica, first))
            await at.until_true(lambda: len(at.house.rows(WAITING)) == 1)
        await cancel
        (row,) = at.house.rows("SELECT attempt FROM generations")
        return 1 - int(row["attempt"])


async def _cancelled(at: Scene, replica: Member, generation_id: str) -> None:
    url, headers = f"{replica.said}{CANCEL_PATH.format(generation_id)}", {"Authorization": f"Bearer {at.key}"}
    async with aiohttp.ClientSession(timeout=PATIENCE) as http, http.post(url, json={}, headers=headers) as answer:
        await answer.read()
