"""The renderer process of a device: its loaded model survives a cancel."""

import asyncio
import json
from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="needs torch and diffusers: python3 dev.py test --all")

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.request import GenerationRequest
from stillmotion.worker.devices import devices_for
from stillmotion.worker.renderer.handle import RendererUnfit
from stillmotion.worker.renderer.protocol import KeyframeFile, Render
from tests.engines.diffusers.models import DEVICE, TINY
from tests.worker.conftest import png

pytestmark = pytest.mark.slow


def order(renderer, output, engine, seed=1) -> Render:
    picture = output / "picture.png"
    picture.write_bytes(png())
    request = GenerationRequest("a boat", seconds=1.0, seed=seed)
    return Render(renderer.ticket(), engine, str(output), request, KeyframeFile(str(picture)))


async def test_a_cancel_keeps_the_process_and_its_model(folder_of, tmp_path):
    quick = TINY["wan21"].entry("wan21", folder_of("wan21"))
    slow = replace(quick, name="slow", steps=5000)
    renderer = devices_for([quick, slow], [DEVICE])[0].new_renderer()
    try:
        ready = await renderer.start()
        assert ready.engines == ("diffusers/wan21", "diffusers/slow")
        first = await renderer.render(order(renderer, tmp_path, "diffusers/wan21"), lambda _: None)
        pid, told = renderer.pid, asyncio.Event()
        rendering = asyncio.create_task(
            renderer.render(
                order(renderer, tmp_path, "diffusers/slow"),
                lambda progress: told.set() if progress.fraction > 0 else None,
            )
        )
        await asyncio.wait_for(told.wait(), 60)
        rendering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await rendering
        assert (renderer.alive, renderer.pid) == (True, pid)
        again = await renderer.render(order(renderer, tmp_path, "diffusers/wan21"), lambda _: None)
        assert again.video.digest == first.video.digest
        assert json.loads(again.plan)["seed"] == 1
        with pytest.raises(GenerationFailed, match="no engine called parallax/1"):
            await renderer.render(order(renderer, tmp_path, "parallax/1"), lambda _: None)
    finally:
        await renderer.stop()


async def test_a_device_that_is_not_there_is_said_at_the_start(folder_of):
    renderer = devices_for([TINY["wan21"].entry("wan21", folder_of("wan21"))], ["cuda:7"])[0].new_renderer()
    try:
        with pytest.raises(RendererUnfit, match="devices names cuda:7, which cannot be used here"):
            await renderer.start()
    finally:
        await renderer.stop()
