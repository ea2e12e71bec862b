"""Cancels at 4k: within a quarter of a second the renderer is free for others, or gone."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from bench.engine_photos import photo_file
from stillmotion.domain.request import GenerationRequest, Resolution
from stillmotion.worker.renderer.handle import RendererProcess
from stillmotion.worker.renderer.protocol import KeyframeFile, Render
from tests.timing import tries

MOMENTS = (0.1, 0.4, 0.8, 1.3, 2.0, 3.0, 4.5)
"""Seconds before the cancel. They fall into decoding, analysis, drawing, and the encoder's last frames."""


@pytest.mark.slow
@pytest.mark.parametrize("prompt", ["pull out", "orbit left, she leans, mist, snow"])
async def test_a_cancel_at_4k_takes_effect_within_a_quarter_second(tmp_path: Path, prompt):
    Image.open(photo_file("coffee")).resize((4160, 2773)).save(tmp_path / "picture.jpg")
    renderer = RendererProcess()
    for moment in MOMENTS:
        took = []
        for _ in tries(took, 0.25):
            if not renderer.alive:
                renderer = RendererProcess()
                await renderer.start()
            took.append(await cancelled(renderer, order(renderer, tmp_path, prompt), moment))
        assert took[-1] < 0.25, moment
    await renderer.kill()


def order(renderer: RendererProcess, folder: Path, prompt: str) -> Render:
    """A render from the last frame of an earlier clip, for which a pull out must invent a border."""
    return Render(
        renderer.ticket(),
        "parallax/1",
        str(folder),
        GenerationRequest(prompt, resolution=Resolution.P2160, seconds=2.0),
        KeyframeFile(str(folder / "picture.jpg"), plan='{"moves": []}'),
    )


async def cancelled(renderer: RendererProcess, message: Render, moment: float) -> float:
    """Seconds from a cancel until the renderer is idle or gone. The cancel comes `moment` seconds after the start."""
    clock = asyncio.get_running_loop()
    render = asyncio.create_task(renderer.render(message, lambda _: None))
    await asyncio.wait([render], timeout=moment)
    asked_at = clock.time()
    render.cancel()
    with suppress(asyncio.CancelledError):
        await render
    return clock.time() - asked_at
