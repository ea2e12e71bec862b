"""getStatus over PostgreSQL against getStatus over SQLite: the real server, the same rows, in turns."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random

from bench.fleet.house import COMMAND, FleetTrouble
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
    url, secret = server.new_database(), (folder / "history" / "secret").read_bytes().hex()
    copy = folder / "copy"
    shutil.copytree(history.data_dir, copy)
    settings = {"secret": secret, "public_url": "http://127.0.0.1:1"}
    _command(["move", "--data-dir", str(copy), "--to", url], settings)
    random, figures = Random(1), []
    with ExitStack() as servers:
        lite = servers.enter_context(serving(history.data_dir, {"renderers": "0"}))
        post = servers.enter_context(serving(folder / "scratch", {"renderers": "0", "store": url, **settings}))
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


def _command(words: Sequence[str], settings: Mapping[str, str]) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STILLMOTION_")}
    given = {f"STILLMOTION_{name.upper()}": value for name, value in settings.items()}
    done = subprocess.run([*COMMAND, *words], env=kept | given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FleetTrouble(f"{words}: {done.stderr[-2000:]}")


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
