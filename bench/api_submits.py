"""Durable submits over HTTP: how many a second, against the raw server's ceiling for the same request."""

from collections.abc import Sequence
from itertools import repeat
from pathlib import Path

from bench.gateway import submit_request, whole
from bench.history import write_history
from bench.load import check, connected, drive
from bench.service import Server, answering, serving
from bench.table import Figure, Sense, spread

CONNECTIONS = 32
WARM_UP = 320


async def measure(folder: Path, rounds: int, submits: int) -> Sequence[Figure]:
    """The ratio of the two servers, which take turns; no renderer consumes the queue."""
    history = await write_history(folder / "submits", 1_000)
    request = submit_request(history.keys[0])
    with serving(history.data_dir, {"renderers": "0"}) as service:
        async with connected(service.address, 1) as (connection,):
            answer = whole(check(await connection.ask(request)))
        with answering(answer) as raw:
            pairs = [
                (await _per_second(service, request, submits), await _per_second(raw, request, submits))
                for _ in range(rounds)
            ]
    rates, ceilings = (spread(each) for each in zip(*pairs, strict=True))
    note = (
        f"{rates.median:,.0f} submits/s on disk against {ceilings.median:,.0f} raw answers/s, {CONNECTIONS} connections"
    )
    ratios = spread([rate / ceiling for rate, ceiling in pairs])
    return [Figure("submits/s over HTTP ÷ raw server's ceiling", ratios, Sense.AT_LEAST, 0.10, "×", note)]


async def _per_second(server: Server, request: bytes, count: int) -> float:
    async with connected(server.address, CONNECTIONS) as connections:
        await drive(connections, repeat(request, WARM_UP))
        return count / await drive(connections, repeat(request, count))
