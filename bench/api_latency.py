"""The delay of an idle worker, and the service's overhead over a render."""

import asyncio
import base64
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from PIL import Image

from bench.gateway import asked, poll_request, submit_request
from bench.history import write_history
from bench.load import Connection, connected
from bench.readiness import until_ready
from bench.service import Server, ServerTrouble, serving
from bench.table import Figure, Sense, spread

POLL_SECONDS = 0.002
GIVE_UP_SECONDS = 120.0
RENDERED = "rendered"
"""The event that the worker host logs when a renderer is done, with `seconds`: from decoding to digest."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One generation as its caller saw it: seconds since the submit's first byte, and the render as logged."""

    to_dreaming: float
    to_completed: float
    render: float

    @property
    def added(self) -> float:
        """The overhead: all but the render."""
        return self.to_completed - self.render


async def measure(folder: Path, generations: int) -> Sequence[Figure]:
    """Both figures from the same generations: one second of 540p video from a tiny picture, one after the other."""
    history = await write_history(folder / "latency", 1_000)
    pauses = Random(3)
    with serving(history.data_dir) as server:
        await until_ready(server)
        async with connected(server.address, 1) as (connection,):
            request = submit_request(history.keys[0], url=tiny_picture(), duration="1s", resolution="540p", seed=1)
            await observe(server, connection, history.keys[0], request)
            observed = []
            for _ in range(generations):
                await asyncio.sleep(pauses.uniform(0.1, 0.4))
                observed.append(await observe(server, connection, history.keys[0], request))
    render = spread([each.render for each in observed]).median
    return [
        Figure(
            "queued → dreaming, worker idle",
            spread([each.to_dreaming * 1000 for each in observed]),
            Sense.AT_MOST,
            50,
            "ms",
            "from the submit's first byte to the poll that shows it, so the submit is in it; a poll every 2 ms",
        ),
        Figure(
            "submit → completed less the render",
            spread([each.added * 1000 for each in observed]),
            Sense.AT_MOST,
            300,
            "ms",
            f"the render itself was {render * 1000:.0f} ms (1 s of 540p)",
        ),
    ]


async def observe(
    server: Server, connection: Connection, key: str, request: bytes, poll_seconds: float = POLL_SECONDS
) -> Observed:
    """Submit and poll until it is completed."""
    began = time.perf_counter()
    generation_id = (await asked(connection, request))["id"]
    poll = poll_request(key, generation_id)
    to_dreaming: float | None = None
    while (passed := time.perf_counter() - began) < GIVE_UP_SECONDS:
        body = await asked(connection, poll)
        now = time.perf_counter() - began
        if to_dreaming is None and body["state"] != "queued":
            to_dreaming = now
        if body["state"] == "failed":
            raise ServerTrouble(f"a generation failed: {body['failure_reason']}")
        if body["state"] == "completed" and to_dreaming is not None:
            return Observed(to_dreaming, now, await _render_seconds(server, generation_id))
        await asyncio.sleep(poll_seconds)
    raise ServerTrouble(f"{generation_id} was not completed after {passed:.0f} s")


async def _render_seconds(server: Server, generation_id: str) -> float:
    """The worker host's log line of the generation; it may come a moment after the answer."""
    for _ in range(100):
        for event in reversed(server.events(RENDERED)):
            if event["generation"] == generation_id:
                return float(event["seconds"])
        await asyncio.sleep(0.01)
    raise ServerTrouble(f"the log has no {RENDERED} event for {generation_id}")


def tiny_picture() -> str:
    """A PNG of 64 × 36 pixels as a data URI: a gradient, so that there is something to move."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((64, 36)).convert("RGB").save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
