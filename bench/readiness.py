"""Waiting for a server to say that it is ready."""

import asyncio
import time

from bench.load import connected, get
from bench.service import Server, ServerTrouble

ASK_AGAIN_SECONDS = 0.005
GIVE_UP_SECONDS = 60.0


async def until_ready(server: Server) -> float:
    """Seconds from the start of the server's process until `/readyz` answers 200."""
    async with connected(server.address, 1) as (connection,):
        while True:
            answer = await connection.ask(get("/readyz"))
            passed = time.perf_counter() - server.started_at
            if answer.status == 200:
                return passed
            if passed > GIVE_UP_SECONDS:
                raise ServerTrouble(f"/readyz answers {answer.status} after {passed:.0f} s: {answer.body[:500]!r}")
            await asyncio.sleep(ASK_AGAIN_SECONDS)
