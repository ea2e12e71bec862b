"""What a user sees of a cancel at 4k: the renderer is free for others, or gone, within a quarter of a second."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from stillmotion.domain.request import Resolution
from stillmotion.worker.messages import Render
from stillmotion.worker.renderer_process import RendererProcess
from tests.worker.conftest import png

MOMENTS = (0.1, 0.4, 0.8, 1.3, 2.0, 3.0, 4.5)
"""Seconds after which it is cancelled: decoding, analysis, drawing, the encoder's last frames."""


@pytest.mark.slow
@pytest.mark.parametrize("prompt", ["pull out", "orbit left, she leans, mist, snow"])
async def test_a_cancel_at_4k_takes_effect_within_a_quarter_second(tmp_path: Path, prompt):
    (tmp_path / "picture.png").write_bytes(png(4160, 2340))
    renderer, took = RendererProcess(), {}
    clock = asyncio.get_running_loop()
    for moment in MOMENTS:
        if not renderer.alive:
            renderer = RendererProcess()
            await renderer.start()
        order = Render(
            renderer.ticket(),
            "parallax/1",
            prompt,
            str(tmp_path),
            str(tmp_path / "picture.png"),
            resolution=Resolution.P2160,
            seconds=2.0,
            frame0_plan='{"moves": []}',
        )
        render = asyncio.create_task(renderer.render(order, lambda _: None))
        await asyncio.wait([render], timeout=moment)
        asked_at = clock.time()
        render.cancel()
        with suppress(asyncio.CancelledError):
            await render
        took[moment] = clock.time() - asked_at
    await renderer.kill()
    assert max(took.values()) < 0.25, took
