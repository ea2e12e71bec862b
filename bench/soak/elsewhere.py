"""Other people's servers for the neighbours: prompt and dripping pictures, answered and silent names."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiohttp import web

from bench.soak.name_server import NameServer, Reply
from stillmotion.cli.sample_picture import draw_sample

PICTURES, SILENT = "pictures.neighbours.com", "silent.neighbours.com"
"""Names of the name server here alone; below the second one nothing is ever answered."""
GONE = "/gone.jpg"
DRIP_SECONDS = 0.5


def name_server() -> NameServer:
    """Knows the pictures' name, and says nothing of those below the silent one."""
    return NameServer({PICTURES: ["127.0.0.1"], f"*.{SILENT}": Reply.NOTHING}, ttl=60)


@dataclass(slots=True)
class DrippingServer:
    """`/picture.jpg` comes at once, `/drip.jpg` a byte each half second; any other path is a 404."""

    picture: bytes = field(default_factory=draw_sample)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[int]:
        """Serve on a free port of loopback, which is yielded."""
        app = web.Application()
        app.router.add_get("/picture.jpg", self._give)
        app.router.add_get("/drip.jpg", self._drip)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()

    async def _give(self, request: web.Request) -> web.Response:
        del request
        return web.Response(body=self.picture, content_type="image/jpeg")

    async def _drip(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": str(len(self.picture))})
        await answer.prepare(request)
        with suppress(ConnectionError):
            for byte in self.picture:
                await answer.write(bytes([byte]))
                await asyncio.sleep(DRIP_SECONDS)
        return answer
