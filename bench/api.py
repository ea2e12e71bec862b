"""`python -m bench.api`: the cost of the HTTP API and its queue, held against bars in one run.

Every server runs in a process of its own. Compared servers take turns in one run, because machines are noisy.
"""

import argparse
import os
import platform
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

import uvloop

from bench import api_application, api_idle, api_latency, api_polling, api_reads, api_submits
from bench.table import Figure, as_text, exit_code, write_json


@dataclass(frozen=True, slots=True)
class Extent:
    """The amount of work: rounds of each kind, and the contents of a round."""

    big_store: int
    rounds: int
    polls: int
    submits: int
    generations: int
    starts: int
    renders: int


FULL = Extent(big_store=1_000_000, rounds=9, polls=20_000, submits=10_000, generations=30, starts=7, renders=15)
QUICK = Extent(big_store=100_000, rounds=3, polls=5_000, submits=3_000, generations=8, starts=3, renders=3)

Measure = Callable[[Path, Extent], Awaitable[Sequence[Figure]]]

MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "reads": lambda folder, extent: api_reads.measure(
            folder, api_reads.Plan(1_000, extent.big_store, extent.rounds, extent.polls)
        ),
        "application": lambda folder, extent: api_application.measure(folder, extent.rounds, extent.submits),
        "submits": lambda folder, extent: api_submits.measure(folder, extent.rounds, extent.submits),
        "latency": lambda folder, extent: api_latency.measure(folder, extent.generations),
        "idle": lambda folder, extent: api_idle.measure(folder, extent.starts),
        "polling": lambda folder, extent: api_polling.measure(folder, extent.renders),
    }
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and answer with the exit code."""
    parser = argparse.ArgumentParser(prog="bench.api", description=(__doc__ or "").split("\n\n", 1)[1].strip())
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    parser.add_argument("--only", choices=list(MEASURES), action="append", help="measure this alone; may be repeated")
    parser.add_argument("--quick", action="store_true", help="a smaller store and fewer rounds: a first look")
    asked = parser.parse_args(arguments)
    extent = QUICK if asked.quick else FULL
    figures = uvloop.run(_measure(asked.only or list(MEASURES), extent))
    extent_words = "quick look: a smaller store, fewer rounds" if asked.quick else "full run"
    print(f"\n{extent_words}; {machine()}\n\n{as_text(figures)}")
    if asked.json is not None:
        write_json(figures, asked.json, {"extent": extent_words, "machine": machine()})
    return exit_code(figures)


async def _measure(names: Sequence[str], extent: Extent) -> Sequence[Figure]:
    figures: list[Figure] = []
    for name in names:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        with TemporaryDirectory(prefix="stillmotion-bench-") as folder:
            figures += await MEASURES[name](Path(folder), extent)
    return figures


def machine() -> str:
    """Processor cores, how busy they were of late, system and Python, in a line."""
    busy = f"load average {os.getloadavg()[1]:.1f} over five minutes"
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {busy}, {system}"


if __name__ == "__main__":
    sys.exit(main())
