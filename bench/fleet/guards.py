"""Guards switched off by hand, one at a time: the check that sees it must fail, or it would see nothing."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Final

from bench.fleet.house import Member
from bench.fleet.scene import scene
from bench.fleet.servers import Durable
from bench.table import Figure, Sense, spread
from tests.seaweedfs import SeaweedFS

TAKEN_AGAIN: Final = "SELECT 1 FROM attempts WHERE number = 2"
LET_GO_SECONDS, LONG_RENDER = 5.0, 40.0


async def measure(server: Durable, s3: SeaweedFS) -> Sequence[Figure]:
    """Each check with its guard on, and with it off at the same time: they wait for most of it."""
    checks: Sequence[tuple[str, str, Callable[..., Awaitable[int]], str]] = (
        ("ends of another's attempt, frozen before the commit", "the fence", ends_of_another, "fence"),
        ("renders that a woken host keeps on", "the looks at the lease", kept_renders, "looks"),
        ("callbacks told twice by two servers", "the duty's clock check", callbacks_twice, "duty"),
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
