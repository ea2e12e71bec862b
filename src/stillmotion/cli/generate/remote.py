"""Remote maker: clips on a server, with a key."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stillmotion.cli.generate.progress_bars import standing
from stillmotion.cli.generate.targets import Asked, ClipOrder, Made, Report, put_in_place
from stillmotion.cli.server_address import address
from stillmotion.client import AsyncClient, ClientError, Generation, NoAnswer, Options, ServerTrouble
from stillmotion.config import Settings
from stillmotion.domain.errors import StillmotionError
from stillmotion.outputs import OutputRefused, OutputUnwritable

AT_ONCE = 4
"""Concurrent generations of one call; the server's own limits decide how many of them render."""

CANCEL_SECONDS = 5.0
"""Deadline for cancelling on the server after Ctrl-C, in seconds."""


class NoClip(StillmotionError):
    """The server's file is not a playable clip."""


@asynccontextmanager
async def there(asked: Asked, settings: Settings) -> AsyncIterator["There"]:
    """Yield a maker over the server that the settings name. Raises `NoServer`."""
    yield There(address(settings), asked)


class There:
    """Maker of clips on a server, a few at a time."""

    at_once = AT_ONCE

    def __init__(self, address: tuple[str, str], asked: Asked) -> None:
        self._address = address
        self._asked = asked

    async def make(self, order: ClipOrder, report: Report) -> Made:
        """Make one clip and download it. A cancelled call cancels the generation. Raises `ClientError`."""
        async with AsyncClient(*self._address, on_wait=report.waiting) as client:
            return await self._made(client, order, report)

    async def _made(self, client: AsyncClient, order: ClipOrder, report: Report) -> Made:
        began = time.monotonic()
        report("sending", 0.0)
        submitted = await client.submit(
            order.image, self._asked.prompt, end_image=self._asked.end, **_options(self._asked)
        )

        def follow(generation: Generation) -> None:
            report(standing(generation), generation.progress, generation.preview_url)

        try:
            try:
                done = await client.wait(submitted, on_progress=follow)
            except (NoAnswer, ServerTrouble) as error:
                there = f"The clip may still be made there: stillmotion generations watch {submitted.id}"
                raise NoClip(f"{str(error).rstrip('.')}. {there}") from error
            return await self._fetched(client, order, done, began)
        except asyncio.CancelledError:
            with suppress(ClientError, TimeoutError):
                async with asyncio.timeout(CANCEL_SECONDS):
                    await client.delete(submitted.id)
            raise

    async def _fetched(self, client: AsyncClient, order: ClipOrder, done: Generation, began: float) -> Made:
        """Download the clip, check that it plays, and put it at its place."""
        from stillmotion.media.input.probe import BrokenClip, probe

        plan = ""
        with suppress(ClientError):
            plan = json.dumps(await client.plan(done.id))
        with TemporaryDirectory(prefix="stillmotion-") as folder:
            again = f"The clip is on the server: stillmotion generations download {done.id}"
            try:
                came = await client.download(done, Path(folder, "clip.mp4"))
            except NoAnswer as error:
                raise NoClip(f"{error} {again}") from error
            try:
                clip = await asyncio.to_thread(probe, came)
            except BrokenClip as broken:
                raise NoClip(
                    f"What {self._address[0]} gives as the clip of {done.id} cannot be played: {broken}."
                ) from broken
            size = came.stat().st_size
            try:
                out = await put_in_place(came, order.out)
            except (OutputRefused, OutputUnwritable) as error:
                raise type(error)(f"{error} {again}") from error
        engine = done.engine or "an engine that the server does not name"
        seconds = time.monotonic() - began
        return Made(out, size, engine, seconds, clip.size.width, clip.size.height, clip.frame_count, plan, done.id)


def _options(asked: Asked) -> Options:
    given: dict[str, Any] = {
        "loop": asked.loop or None,
        "camera": asked.camera or None,
        "aspect_ratio": asked.aspect,
        "seconds": asked.seconds,
        "resolution": asked.resolution,
        "seed": asked.seed,
        "model": asked.model,
        "codec": asked.codec,
    }
    chosen: Any = {name: value for name, value in given.items() if value is not None}
    options: Options = chosen
    return options
