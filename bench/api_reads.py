"""getStatus over a small and a big store, and over servers that hold the same answers in memory."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import astuple, dataclass
from pathlib import Path
from random import Random
from statistics import fmean

from bench.gateway import poll_request, whole
from bench.history import History, write_history
from bench.load import check, connected, drive, wide_awake
from bench.processes import cpu_seconds
from bench.service import Server, answering, serving
from bench.table import Figure, Sense, spread

CONNECTIONS = 16
WARM_UP = 200
RECENT = 1000
"""Generations that people still look at."""
TURNS = 10
"""Turns of the servers in a round: a shared machine is faster in one second than in the next."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The amount of work."""

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
        return self._of(range(len(self.history.ids)), count)

    def take_recent(self, count: int) -> list[bytes]:
        """Requests for the latest generations alone, as people poll: a clip that is being made, or was just now."""
        return self._of(range(len(self.history.ids))[-RECENT:], count)

    def _of(self, numbers: Sequence[int], count: int) -> list[bytes]:
        chosen = self.random.choices(numbers, k=count)
        return [poll_request(self.history.key_of(number), self.history.ids[number]) for number in chosen]


async def measure(folder: Path, plan: Plan) -> Sequence[Figure]:
    """The figures of reads. The servers take turns, and each round gives one ratio a figure."""
    small = _Polls(await write_history(folder / "small", plan.small), Random(1))
    big = _Polls(await write_history(folder / "big", plan.big), Random(2))
    rounds: list[_Round] = []
    with ExitStack() as servers:
        of_small = servers.enter_context(serving(small.history.data_dir))
        of_big = servers.enter_context(serving(big.history.data_dir))
        answer = await _one_answer(of_big, big)
        raw = servers.enter_context(answering(answer))
        ready = servers.enter_context(answering(answer, fastapi="bytes"))
        documented = servers.enter_context(answering(answer, fastapi="dict"))
        for _ in range(plan.rounds):
            _read_through(folder)
            turns = [
                _Round(
                    small=await _cpu_per_request(of_small, small.take(plan.requests // TURNS)),
                    big=await _cpu_per_request(of_big, big.take(plan.requests // TURNS)),
                    recent=await _cpu_per_request(of_big, big.take_recent(plan.requests // TURNS)),
                    raw=await _cpu_per_request(raw, big.take(1) * (plan.requests // TURNS)),
                    fastapi_bytes=await _cpu_per_request(ready, big.take(1) * (plan.requests // TURNS)),
                    fastapi_dict=await _cpu_per_request(documented, big.take(1) * (plan.requests // TURNS)),
                )
                for _ in range(TURNS)
            ]
            rounds.append(_mean(turns))
    return _figures(rounds, plan, big.history.seconds_to_build)


@dataclass(frozen=True, slots=True)
class _Round:
    """Seconds of CPU a request of each server, which take turns. `recent` are polls of the big store's latest rows."""

    small: float
    big: float
    recent: float
    raw: float
    fastapi_bytes: float
    fastapi_dict: float


def _mean(turns: Sequence[_Round]) -> _Round:
    return _Round(*(fmean(values) for values in zip(*(astuple(each) for each in turns), strict=True)))


def _figures(rounds: Sequence[_Round], plan: Plan, seconds_to_build: float) -> Sequence[Figure]:
    def microseconds(values: Iterable[float]) -> str:
        return f"{spread([value * 1e6 for value in values]).median:.1f}"

    note = (
        f"{microseconds(each.big for each in rounds)} µs of the server's CPU a request against "
        f"{microseconds(each.fastapi_bytes for each in rounds)} µs of FastAPI's with the bytes ready, "
        f"{microseconds(each.fastapi_dict for each in rounds)} µs where it returns a dictionary, and "
        f"{microseconds(each.raw for each in rounds)} µs of plain uvicorn's with nothing behind it "
        f"({spread([each.big / each.raw for each in rounds]).median:.2f} ×); over {plan.big:,} generations, "
        f"built in {seconds_to_build:.0f} s"
    )
    over_bytes = spread([each.big / each.fastapi_bytes for each in rounds])
    of_recent = spread([each.recent / each.fastapi_bytes for each in rounds])
    over_dict = spread([each.big / each.fastapi_dict for each in rounds])
    over_big = spread([each.small / each.big for each in rounds])
    return [
        Figure("getStatus CPU ÷ FastAPI's hello of the same bytes", over_bytes, Sense.AT_MOST, 1.1, "×", note),
        Figure(f"the same, of the latest {RECENT:,} generations", of_recent, Sense.AT_MOST, 1.1, "×"),
        Figure("getStatus CPU ÷ FastAPI's hello of a dictionary", over_dict, Sense.AT_MOST, 1.1, "×"),
        Figure(f"getStatus CPU, {plan.small:,} ÷ {plan.big:,} rows", over_big, Sense.AT_LEAST, 0.9, "×"),
    ]


def _read_through(folder: Path) -> None:
    """Have the system hold the databases in memory: time spent on the disk says nothing about the server."""
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
