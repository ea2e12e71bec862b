"""`python3 dev.py bench smuggling`: requests that parsers read differently, alone and behind reverse proxies.

First every vector goes to the server itself, followed by a canary on the same connection, whole and cut in pieces:
one request in, one answer out, and no byte of a body is ever a request. Then attackers send those with an upgrade, an
encoding or two lengths through nginx, HAProxy and Caddy, from the lines of docs/howto/reverse-proxy.md and with the
usual WebSocket lines, while bystanders ask for their own on the same connections to the server: none may get another's
answer. A proxy that is not installed is left out by name.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import uvloop

from bench.history import History, write_history
from bench.load import Address
from bench.service import serving
from bench.smuggling.bystanders import Tally, beside_attackers
from bench.smuggling.proxies import PROXIES, before, installed
from bench.smuggling.speaking import at_random, at_the_body, byte_by_byte, fault, spoken, whole
from bench.smuggling.vectors import Vector, vectors
from bench.table import Figure, Sense, as_text, exit_code, spread

AT_ONCE = 64
GENERATIONS, SUBSCRIPTIONS = 500, 50


def main() -> int:
    """Attack, print, and answer 1 where a bar is missed."""
    parser = argparse.ArgumentParser(prog="bench smuggling", description=__doc__)
    parser.add_argument("--bystanders", type=int, default=50_000, help="requests beside each attack")
    parser.add_argument("--only", default="", metavar="WORD", help="only proxies with this word, or `vectors`")
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="stillmotion-smuggling-") as folder:
        history = asyncio.run(write_history(Path(folder) / "data", GENERATIONS, SUBSCRIPTIONS))
        with serving(history.data_dir, {"renderers": "0"}) as server:
            figures = _measured(server.address, history, asked.bystanders, asked.only)
    print(as_text(figures))
    return exit_code(figures)


def _measured(server: Address, history: History, bystanders: int, only: str) -> list[Figure]:
    listed = list(vectors(history.key_of(0)))
    figures = []
    if only in "vectors":
        faults = uvloop.run(tried(server, listed))
        for sentence in faults:
            print(sentence, file=sys.stderr)
        note = f"{len(listed)} vectors, each whole, cut at the body, at random and byte by byte"
        figures.append(Figure("vectors read wrongly", spread([len(faults)]), Sense.AT_MOST, 0, "", note))
    attacks = [each for each in listed if "upgrade" in each.name or "Encoding" in each.name or "Length" in each.name]
    for proxy in PROXIES:
        if only not in proxy.name:
            continue
        if installed(proxy.program) is None:
            print(f"left out: {proxy.name} (apt-get install {proxy.program})", file=sys.stderr)
            continue
        with before(proxy, server) as address:
            figures += _figures(proxy.name, uvloop.run(beside_attackers(address, history, attacks, bystanders)))
        print(as_text(figures[-2:]), file=sys.stderr, flush=True)
    return figures


def _figures(name: str, tally: Tally) -> list[Figure]:
    note = f"of {tally.answered}, beside {tally.attacks} attacks"
    if tally.wrong:
        note += f"; the first: {tally.wrong[0]}"
    failed = f"{tally.failed[0]}" if tally.failed else ""
    return [
        Figure(f"{name}: bystanders with another's answer", spread([len(tally.wrong)]), Sense.AT_MOST, 0, "", note),
        Figure(f"{name}: hidden requests that were run", spread([tally.hidden]), Sense.AT_MOST, 0, "", failed),
    ]


async def tried(server: Address, listed: Sequence[Vector]) -> list[str]:
    """Each vector in every way of sending it: a sentence for each wrong reading."""
    random, faults, places = Random(1), [], asyncio.Semaphore(AT_ONCE)

    async def one(vector: Vector, way: str, pieces: list[bytes]) -> None:
        async with places:
            found = fault(vector, await spoken(server, pieces, is_head=vector.is_head))
        if found is not None:
            faults.append(f"{vector.name}, {way}: {found}")

    async with asyncio.TaskGroup() as group:
        for vector in listed:
            group.create_task(one(vector, "whole", whole(vector)))
            group.create_task(one(vector, "cut at the body", at_the_body(vector)))
            group.create_task(one(vector, "cut at random", at_random(vector, random)))
            group.create_task(one(vector, "byte by byte", byte_by_byte(vector)))
    return faults


if __name__ == "__main__":
    raise SystemExit(main())
