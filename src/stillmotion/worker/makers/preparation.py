"""Renderer process that prepares pictures for other servers and takes over their clips."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from stillmotion.domain.errors import Unavailable
from stillmotion.worker.makers.port import SlowInput
from stillmotion.worker.renderer.handle import OnProgress, RendererDied, RendererProcess
from stillmotion.worker.renderer.protocol import Adopt, Done, Prepare, Prepared


class PreparationProcess:
    """One renderer for all clips that are made elsewhere, one order at a time. It is started when first needed.

    Strangers' pictures and other servers' clips are decoded there, never in the process that holds the keys.
    """

    def __init__(self, new_renderer: Callable[[], RendererProcess]) -> None:
        self._new_renderer = new_renderer
        self._renderer: RendererProcess | None = None
        self._free = asyncio.Lock()

    async def prepare(self, order: Callable[[int], Prepare], within: float | None = None) -> Prepared:
        """Make pictures ready; `order` is given the ticket.

        Raises as `RendererProcess.render` does, and `SlowInput` after `within` seconds.
        """
        async with self._running() as renderer:
            try:
                async with asyncio.timeout(within):
                    return await renderer.prepare(order(renderer.ticket()))
            except TimeoutError as late:
                raise SlowInput("they are decoded elsewhere") from late

    async def adopt(self, order: Callable[[int], Adopt], on_progress: OnProgress) -> Done:
        """Make another server's clip into ours. Raises as `RendererProcess.render` does."""
        async with self._running() as renderer:
            return await renderer.render(order(renderer.ticket()), on_progress)

    async def stop(self) -> None:
        """End the process."""
        if self._renderer is not None:
            await self._renderer.stop()

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[RendererProcess]:
        async with self._free:
            if self._renderer is None or not self._renderer.alive:
                if self._renderer is not None:
                    await self._renderer.kill()
                self._renderer = self._new_renderer()
                try:
                    await self._renderer.start()
                except (RendererDied, OSError) as error:
                    raise Unavailable(f"no renderer can be started: {error}") from error
            yield self._renderer
