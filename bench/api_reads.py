"""getStatus over a small and a big store, and what the same answers cost a server that has them in memory."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice, repeat
from pathlib import Path
from random import Random

from bench.gateway import poll_request, whole
from bench.history import History, write_history
from bench.load import check, connected, drive, wide_awake
from bench.processes import cpu_seconds
from bench.service import Server, answering, serving
from bench.table import Figure, Sense, spread

CONNECTIONS = 16
WARM_UP = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    small: int
    big: int
    rounds: int
    requests: int


@dataclass(slots=True)
class _Polls:
    """getStatus requests for random generations of a history, never the same round twice."""

    history: History
    random: Random

    def take(self, count: int) -> list[bytes]:
        chosen = self.random.choices(range(len(self.history.ids)), k=count)
        return [poll_request(self.history.key_of(number), self.history.ids[number]) for number in chosen]


async def measure(folder: Path, plan: Plan) -> Sequence[Figure]:
    """Both figures: the three servers take turns, and each round gives one ratio."""
    small = _Polls(await write_history(folder / "small", plan.small), Random(1))
    big = _Polls(await write_history(folder / "big", plan.big), Random(2))
    with ExitStack() as servers:
        of_small = servers.enter_context(serving(small.history.data_dir))
        of_big = servers.enter_context(serving(big.history.data_dir))
        raw = servers.enter_context(answering(await _one_answer(of_big, big)))
        over_raw, over_big, big_us, raw_us = [], [], [], []
        for _ in range(plan.rounds):
            _read_through(folder)
            for_small = await _cpu_per_request(of_small, small.take(plan.requests))
            for_big = await _cpu_per_request(of_big, big.take(plan.requests))
            for_raw = await _cpu_per_request(raw, list(islice(repeat(big.take(1)[0]), plan.requests)))
            over_raw.append(for_big / for_raw)
            over_big.append(for_small / for_big)
            big_us.append(for_big * 1e6)
            raw_us.append(for_raw * 1e6)
    costs = (
        f"{spread(big_us).median:.1f} µs against {spread(raw_us).median:.1f} µs of the server's CPU a request; "
        f"{plan.big:,} generations (built in {big.history.seconds_to_build:.0f} s)"
    )
    return [
        Figure("getStatus CPU ÷ raw server", spread(over_raw), Sense.AT_MOST, 2.0, "×", costs),
        Figure(f"getStatus CPU, {plan.small:,} ÷ {plan.big:,} rows", spread(over_big), Sense.AT_LEAST, 0.9, "×"),
    ]


def _read_through(folder: Path) -> None:
    """Have the system hold the databases in memory: a disk that is waited for says nothing about the server."""
    for database in folder.glob("*/*.db"):
        with database.open("rb") as file:
            while file.read(1 << 20):
                pass


async def _one_answer(server: Server, polls: _Polls) -> bytes:
    async with connected(server.address, 1) as (connection,):
        return whole(check(await connection.ask(polls.take(1)[0])))


async def _cpu_per_request(server: Server, requests: Sequence[bytes]) -> float:
    """Seconds of the server process's own CPU time for each request."""
    async with connected(server.address, CONNECTIONS) as connections:
        with wide_awake():
            await drive(connections, requests[:WARM_UP])
            before = cpu_seconds(server.pid)
            await drive(connections, requests)
            return (cpu_seconds(server.pid) - before) / len(requests)
