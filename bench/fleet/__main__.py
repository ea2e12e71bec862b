"""`python3 dev.py bench fleet`: many processes over one PostgreSQL, as ratios of bare statements in the same run.

Every process, the database and the S3 server are real, on loopback and in a temporary folder. `--only` measures a part
alone; `--quick` does less of everything. Chaos runs three seeds. `--only exact` is for CI: counts, which a busy machine
does not change.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from bench.api import machine
from bench.fleet import chaos, forecasts, guards, hosts, moving, outages, polls, statements
from bench.fleet.servers import Durable, durable
from bench.table import Figure, Sense, as_text, exit_code, spread, write_json

COUNTED = frozenset({"HOT share of renewals", "deadlocks"})
"""Figures of the statements that are counts."""


class _Run:
    """A run: its server, its folder, its extent. The costs that the model takes come from the statements."""

    def __init__(self, server: Durable, folder: Path, *, quick: bool, seeds: Sequence[int]) -> None:
        self.server, self.folder, self.quick, self.seeds = server, folder, quick, seeds

    async def statements(self) -> Sequence[Figure]:
        """Submits, claims and renewals against bare statements; the model against the same run."""
        rounds, submits = (2, 1_000) if self.quick else (5, 4_000)
        figures, measured = await statements.measure(self.server, rounds, submits)
        return [*figures, *forecasts.compared(measured, os.cpu_count() or 1)]

    async def polls(self) -> Sequence[Figure]:
        """getStatus over both databases."""
        return await polls.measure(self.server, self.folder, 2_000 if self.quick else 10_000)

    async def move(self) -> Sequence[Figure]:
        """A move from a data directory against bare COPY."""
        return await moving.measure(self.server, self.folder, 10_000 if self.quick else moving.ROWS)

    async def hosts(self) -> Sequence[Figure]:
        """Scaling, recovery, one limit over replicas, orderly ends."""

        def measured() -> Sequence[Figure]:
            with hosts.bucket(self.folder) as s3:
                return [
                    hosts.scaling(self.server, s3, 6 if self.quick else 15),
                    hosts.recovery(self.server, s3, 2 if self.quick else 15),
                    hosts.one_limit(self.server, s3),
                    *hosts.orderly_ends(self.server, s3),
                ]

        return await asyncio.to_thread(measured)

    async def outages(self) -> Sequence[Figure]:
        """Database and bucket away, a host and a duty's holder frozen."""
        with hosts.bucket(self.folder) as s3:
            return await outages.measure(self.server, s3, quick=self.quick)

    async def guards(self) -> Sequence[Figure]:
        """Each guard switched off, and the check that fails then."""
        with hosts.bucket(self.folder) as s3:
            return await guards.measure(self.server, s3)

    async def exact(self) -> Sequence[Figure]:
        """Counts of the statements, one limit, orderly ends and guards: a busy machine does not change them."""

        def ended() -> Sequence[Figure]:
            return [hosts.one_limit(self.server, s3), *hosts.orderly_ends(self.server, s3)]

        figures, _ = await statements.measure(self.server, 1, 400)
        with hosts.bucket(self.folder) as s3:
            counted = [each for each in figures if each.name in COUNTED]
            return [*counted, *await asyncio.to_thread(ended), *await guards.measure(self.server, s3)]

    async def chaos(self) -> Sequence[Figure]:
        """Random faults, seed by seed. Every broken promise is printed."""
        clips, faults = (40, 10) if self.quick else (chaos.CLIPS, chaos.FAULTS)
        figures = []
        with hosts.bucket(self.folder) as s3:
            for seed in self.seeds:
                outcome = await chaos.storm(self.server, s3, seed, clips, faults)
                for sentence in outcome.broken[:40]:
                    print(f"BROKEN  {sentence}")
                did = ", ".join(f"{name} {number}" for name, number in sorted(outcome.faults.items()))
                note = (
                    f"{outcome.seconds:.0f} s; {did}; {outcome.losses} losses, at most {outcome.most_attempts} "
                    f"attempts each, {outcome.orphans_found} orphans collected"
                )
                once = spread([float(outcome.completed_once)])
                figures.append(
                    Figure(f"chaos, seed {seed}: completed once of {clips}", once, Sense.AT_LEAST, clips, "", note)
                )
                broken = spread([float(len(outcome.broken))])
                figures.append(Figure(f"chaos, seed {seed}: broken promises", broken, Sense.AT_MOST, 0, ""))
        return figures


PARTS: Mapping[str, Callable[[_Run], Awaitable[Sequence[Figure]]]] = MappingProxyType(
    {
        "statements": _Run.statements,
        "polls": _Run.polls,
        "move": _Run.move,
        "hosts": _Run.hosts,
        "outages": _Run.outages,
        "guards": _Run.guards,
        "chaos": _Run.chaos,
        "exact": _Run.exact,
    }
)
WHOLE = tuple(name for name in PARTS if name != "exact")
"""The parts of a whole run: `exact` is of others."""


def main() -> int:
    """Measure, print, and answer with the exit code."""
    parser = argparse.ArgumentParser(prog="dev.py bench fleet", description=(__doc__ or "").split("\n\n", 1)[1].strip())
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    parser.add_argument("--only", choices=list(PARTS), action="append", help="measure this alone; may be repeated")
    parser.add_argument("--quick", action="store_true", help="less of everything: a first look")
    parser.add_argument("--seed", type=int, action="append", help="a seed of chaos; may be repeated (1, 2 and 3)")
    parser.add_argument("--postgresql", type=int, metavar="MAJOR", help="the major version (the newest that is here)")
    asked = parser.parse_args()
    figures = asyncio.run(_measured(asked))
    print(f"\n{machine()}\n\n{as_text(figures)}")
    if asked.json is not None:
        write_json(figures, asked.json, {"machine": machine()})
    return exit_code(figures)


async def _measured(asked: argparse.Namespace) -> Sequence[Figure]:
    figures: list[Figure] = []
    for name in asked.only or WHOLE:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        with TemporaryDirectory(prefix="stillmotion-bench-fleet-") as folder, durable(asked.postgresql) as server:
            run = _Run(server, Path(folder), quick=asked.quick, seeds=asked.seed or (1, 2, 3))
            figures += await PARTS[name](run)
    return figures


if __name__ == "__main__":
    sys.exit(main())
