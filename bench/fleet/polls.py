"""getStatus over PostgreSQL against getStatus over SQLite: the real server, the same rows, in turns."""

import asyncio
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random

from bench.fleet.moving import moved
from bench.fleet.servers import Durable
from bench.gateway import poll_request
from bench.history import History, write_history
from bench.load import connected, drive
from bench.processes import cpu_seconds
from bench.service import Server, serving
from bench.table import Figure, Sense, spread

ROWS, CONNECTIONS, TURNS = 20_000, (16, 64), 6
WARM_UP = 400


async def measure(server: Durable, folder: Path, requests: int) -> Sequence[Figure]:
    """The ratios of the two servers' processor time, for few and for many connections."""
    history = await write_history(folder / "history", ROWS)
    copy = folder / "copy"
    shutil.copytree(history.data_dir, copy)
    settings = await asyncio.to_thread(moved, copy, server.new_database())
    random, figures = Random(1), []
    with ExitStack() as servers:
        lite = servers.enter_context(serving(history.data_dir, {"renderers": "0"}))
        post = servers.enter_context(serving(folder / "scratch", {"renderers": "0", **settings}))
        for connections in CONNECTIONS:
            ratios, costs = [], []
            for _ in range(TURNS):
                polls = _polls(history, random, requests)
                cheap = await _cpu(lite, polls, connections)
                dear = await _cpu(post, polls, connections)
                ratios.append(dear / cheap)
                costs.append((cheap * 1e6, dear * 1e6))
            note = f"{costs[-1][0]:.0f} and {costs[-1][1]:.0f} µs of the server's CPU a poll in the last turn"
            name = f"getStatus CPU, PostgreSQL ÷ SQLite, {connections} connections"
            figures.append(Figure(name, spread(ratios), Sense.AT_MOST, 1.5, "×", note))
    return figures


def _polls(history: History, random: Random, count: int) -> list[bytes]:
    chosen = random.choices(range(len(history.ids)), k=count)
    return [poll_request(history.key_of(number), history.ids[number]) for number in chosen]


async def _cpu(server: Server, polls: Sequence[bytes], connections: int) -> float:
    """Seconds of the server's processor for each poll."""
    async with connected(server.address, connections) as opened:
        await drive(opened, iter(polls[:WARM_UP]))
        before = cpu_seconds(server.pid)
        await drive(opened, iter(polls))
        return (cpu_seconds(server.pid) - before) / len(polls)
