"""`python3 dev.py soak`: a random storm against the real service, and a check of all its promises.

Seeded: the same seed gives the same orders and the same troubles in the same order, not at the same microsecond.
Ends with 1 where a promise is broken. Where the system allows it (Linux, `unshare`), the data lies on a small disk
of its own in memory, so that it can be full; elsewhere that trouble is left out. With `--neighbours` it measures
the cost of one customer's trouble to another (`bench.soak.neighbours`).
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from urllib.request import urlopen

from bench.soak import neighbours
from bench.soak.house import House
from bench.soak.invariants import Holdings, read, violations
from bench.soak.ledger import Ledger
from bench.soak.nemesis import Nemesis
from bench.soak.storm import DELETE_PATH, Elsewhere, Storm

DISK_MEGABYTES = 1024
IN_A_NAMESPACE, NEIGHBOURS = "--in-a-namespace", "--neighbours"
CALLERS, SUBSCRIPTIONS = 6, 2
SETTLE_SECONDS, SETTLE_SECONDS_EACH = 90, 6
WINDOW_SECONDS = 12.0
"""Seconds after a trouble in which a callback may still come twice: a receipt that was not stored is sent again."""
AGE_SECONDS = 2 * 3600
"""The age that everything is given before the collector runs, since it leaves young objects alone."""


def main() -> int:
    """Parse the command line, find a disk, let the storm loose; or have the neighbours measured."""
    if NEIGHBOURS in sys.argv[1:]:
        return neighbours.main([word for word in sys.argv[1:] if word != NEIGHBOURS])
    parser = argparse.ArgumentParser(prog="dev.py soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep the server's log in out/soak.log")
    parser.add_argument(IN_A_NAMESPACE, action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if not asked.in_a_namespace and _can_mount():
        command = ["unshare", "-Urm", sys.executable, "-m", "bench.soak", *sys.argv[1:], IN_A_NAMESPACE]
        os.execvp(command[0], command)
    with TemporaryDirectory(prefix="stillmotion-soak-") as folder:
        disk = Path(folder, "disk")
        disk.mkdir()
        if asked.in_a_namespace:
            size = f"size={DISK_MEGABYTES}m"
            subprocess.run(["mount", "-t", "tmpfs", "-o", size, "stillmotion", str(disk)], check=True)
        try:
            broken = asyncio.run(_soak(asked.seconds, asked.seed, disk, small=asked.in_a_namespace))
        finally:
            if asked.keep:
                Path("out").mkdir(exist_ok=True)
                shutil.copy(disk / "serve.log", "out/soak.log")
            if asked.in_a_namespace:
                subprocess.run(["umount", str(disk)], check=False)
    return 1 if broken else 0


def _can_mount() -> bool:
    words = ["unshare", "-Urm", "sh", "-c", "mount -t tmpfs -o size=1m stillmotion /mnt"]
    return (
        shutil.which("unshare") is not None and subprocess.run(words, capture_output=True, check=False).returncode == 0
    )


async def _soak(seconds: float, seed: int, folder: Path, *, small: bool) -> bool:
    ledger = Ledger()
    elsewhere = Elsewhere(ledger)
    async with elsewhere.running():
        house = House(folder, _settings(elsewhere.base.rpartition(":")[2]))
        keys = tuple(house.new_key()[0] for _ in range(SUBSCRIPTIONS))
        await house.start()
        await house.start_worker()
        storm = Storm(house, ledger, elsewhere, keys, seed, can_delete=_can_delete(house))
        nemesis = Nemesis(house, ledger, Random(seed), disk=small)
        began = time.monotonic()
        await _rage(storm, nemesis, began + seconds)
        await _calm(house)
        await storm.settle(SETTLE_SECONDS + SETTLE_SECONDS_EACH * len(ledger.open))
        await _until_told(folder / "data")
        await house.end_worker(signal.SIGTERM)
        await house.end(signal.SIGTERM)
        collects = _collect(house)
    return _report(ledger, nemesis, house, read(house.data_dir), time.monotonic() - began, collects)


def _settings(port: str) -> dict[str, str]:
    return {
        "STILLMOTION_FETCH_ALLOW_CIDRS": "127.0.0.0/8",
        "STILLMOTION_FETCH_ALLOWED_PORTS": port,
        "STILLMOTION_SUBMITS_PER_MINUTE": "100000",
        "STILLMOTION_CONCURRENT_GENERATIONS": "100000",
        "STILLMOTION_SHUTDOWN_GRACE": "2",
    }


async def _rage(storm: Storm, nemesis: Nemesis, until: float) -> None:
    """Run callers and troubles together; the callers end last, since they finish their orders."""
    keeping = asyncio.create_task(nemesis.keep_running())
    telling = asyncio.create_task(_tell(storm.ledger, nemesis, until))
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(storm.rage(CALLERS, until))
            group.create_task(nemesis.rage(until))
    finally:
        for task in (keeping, telling):
            task.cancel()
        await asyncio.gather(keeping, telling, return_exceptions=True)


async def _tell(ledger: Ledger, nemesis: Nemesis, until: float) -> None:
    while True:
        await asyncio.sleep(10)
        over = sum(order.is_over for order in ledger.accepted)
        left, troubles = max(0.0, until - time.monotonic()), sum(nemesis.did.values())
        words = f"{left:.0f} s left: {len(ledger.accepted)} accepted, {over} over, {troubles} troubles"
        print(f"{words}, {len(ledger.wrong)} contradictions", file=sys.stderr, flush=True)


async def _calm(house: House) -> None:
    """Start the service a last time, with no fault to come."""
    if house.runs:
        with suppress(Exception):
            await house.end(signal.SIGTERM)
    await house.start()


async def _until_told(data_dir: Path) -> None:
    """Wait until no callback is pending, half a minute at most."""
    for _ in range(60):
        if not any(state == "pending" for *_, state, _ in read(data_dir).deliveries):
            return
        await asyncio.sleep(0.5)


def _can_delete(house: House) -> bool:
    with urlopen(f"{house.base}/openapi.json", timeout=10) as answer:
        document = json.load(answer)
    return "delete" in document["paths"].get(DELETE_PATH, {})


def _collect(house: House) -> bool:
    """Make everything old and have the collector run, where this build has one."""
    if not house.has_command("gc"):
        return False
    past = time.time() - AGE_SECONDS
    for path in (house.data_dir / "objects").rglob("*"):
        if path.is_file():
            os.utime(path, (past, past))
    house.command("gc")
    return True


def _report(ledger: Ledger, nemesis: Nemesis, house: House, holdings: Holdings, seconds: float, collects: bool) -> bool:
    deleting = {order.id for order in ledger.accepted if order.deleting}
    stored = {row.id for row in holdings.rows}
    gone = {str(each): 1.0 for each in deleting - stored}
    broken = [*ledger.wrong, *violations(holdings, {str(order.id) for order in ledger.accepted}, gone)]
    broken += [f"never told: {name} is {state}" for name, _, _, state, _ in holdings.deliveries if state != "delivered"]
    repeated = ledger.repeated_for_nothing(WINDOW_SECONDS)
    orphans = holdings.orphans()
    unexplained = orphans if collects else _unexplained(holdings, orphans)
    states = Counter(row.state for row in holdings.rows)
    counts = {
        "accepted": len(ledger.accepted),
        "completed": states["completed"],
        "failed with a reason": sum(row.state == "failed" and bool(row.reason) for row in holdings.rows),
        "deleted": len(gone),
        "of those not over as far as their owner knew": sum(
            order.unfinished for order in ledger.accepted if order.id in gone
        ),
        "lost": _count(broken, "lost"),
        "stuck": _count(broken, "stuck"),
        "duplicated results": _count(broken, "duplicated"),
        "duplicate callbacks beyond a crash window": len(repeated),
        "orphans" if collects else "orphans that no kill explains": len(unexplained),
        "other promises broken": len(broken) - sum(_count(broken, each) for each in ("lost", "stuck", "duplicated")),
    }
    print(f"\n{seconds:.0f} s, {house.starts} starts of the server, {sum(nemesis.did.values())} troubles:")
    for name, count in sorted(_merged(nemesis.did).items()):
        print(f"  {name}: {count}")
    hit = Counter(re.findall(r"event\W+fault\W+point\W+([a-z_.]+)", house.log.read_text("utf-8", "replace")))
    print(f"  fault points reached: {', '.join(f'{name} {count}' for name, count in sorted(hit.items())) or 'none'}")
    print("answers: " + ", ".join(f"{name} {count}" for name, count in sorted(ledger.answers.items())))
    print(f"callbacks received: {sum(map(len, ledger.received.values()))} for {len(ledger.received)} ids")
    if not collects:
        print(f"objects that nobody names, left by kills for a collector that this build has not: {len(orphans)}")
    for name, count in counts.items():
        print(f"{name}: {count}")
    for sentence in [*broken, *repeated, *(f"orphan: {key}" for key in unexplained)][:40]:
        print(f"BROKEN  {sentence}")
    return bool(broken or repeated or unexplained)


def _unexplained(holdings: Holdings, orphans: Sequence[str]) -> list[str]:
    """Orphans of a generation that succeeded at its first attempt, where nothing was cut off."""
    first = {row.id for row in holdings.rows if row.attempt <= 1}
    return [key for key in orphans if key.startswith("generations/") and key.split("/")[1] in first]


def _count(sentences: Sequence[str], kind: str) -> int:
    return sum(sentence.startswith(kind) for sentence in sentences)


def _merged(did: Counter[str]) -> Counter[str]:
    merged: Counter[str] = Counter()
    for name, count in did.items():
        merged["fault point armed" if name.startswith("armed ") else name] += count
    return merged


if __name__ == "__main__":
    sys.exit(main())
