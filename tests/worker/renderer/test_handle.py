"""The renderer process, from the host's side: start, cancel, death and silence."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.request import GenerationRequest
from stillmotion.media.input.probe import probe
from stillmotion.worker.renderer.handle import (
    PATIENCE,
    RENDERER_COMMAND,
    RendererDied,
    RendererProcess,
    RendererTimeouts,
    RendererUnfit,
)
from stillmotion.worker.renderer.protocol import KeyframeFile, Progress, Render, RenderStage
from tests.timing import tries
from tests.waiting import eventually
from tests.worker.conftest import FAKE_RENDERER, png


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    path.write_bytes(png())
    return path


def message(renderer: RendererProcess, picture: Path, prompt: str = "a walk", engine: str = "fake/1") -> Render:
    request = GenerationRequest(prompt, seconds=1.0)
    return Render(renderer.ticket(), engine, str(picture.parent), request, KeyframeFile(str(picture)))


async def test_a_render_says_how_far_it_is_and_leaves_two_files(picture):
    renderer, heard = RendererProcess(FAKE_RENDERER), []
    try:
        ready = await renderer.start()
        done = await renderer.render(message(renderer, picture, "slow"), heard.append)
    finally:
        await renderer.stop()
    assert "fake/1" in ready.engines
    fractions = [each.fraction for each in heard]
    assert fractions == sorted(fractions)
    assert {each.stage for each in heard} == {RenderStage.DECODING, RenderStage.RENDERING, RenderStage.FINISHING}
    assert (done.frames, done.fps) == (8, 24)
    assert (done.width, done.height) == (1280, 720)
    assert probe(Path(done.video.path)).codec == "h264"
    assert Path(done.thumbnail.path).stat().st_size == done.thumbnail.size


async def test_the_default_renderer_has_the_embedded_engine(picture):
    renderer = RendererProcess()
    try:
        assert "parallax/1" in (await renderer.start()).engines
        done = await renderer.render(message(renderer, picture, "push in", "parallax/1"), lambda _: None)
    finally:
        await renderer.stop()
    assert done.frames == 24
    assert probe(Path(done.video.path), whole=True).frame_count == 24


async def test_an_engine_that_is_not_there_is_named(picture):
    renderer = RendererProcess(FAKE_RENDERER)
    try:
        await renderer.start()
        with pytest.raises(GenerationFailed, match="no engine called other/9"):
            await renderer.render(message(renderer, picture, engine="other/9"), lambda _: None)
    finally:
        await renderer.stop()


async def test_cancelling_the_wait_cancels_the_render(picture):
    took = []
    for _ in tries(took, PATIENCE.cancel.total_seconds()):
        renderer = RendererProcess(FAKE_RENDERER)
        await renderer.start()
        took.append(await cancelled(renderer, message(renderer, picture, "slow slow")))
        assert not list(picture.parent.glob("video.mp4"))
        if renderer.alive:
            assert (await renderer.render(message(renderer, picture), lambda _: None)).frames == 8
        await renderer.stop()
    assert took[-1] < PATIENCE.cancel.total_seconds(), "it was not killed: it stayed warm"


async def test_a_render_that_does_not_hear_its_cancel_is_killed(picture):
    took = []
    for _ in tries(took, 0.25):
        renderer = RendererProcess(FAKE_RENDERER)
        await renderer.start()
        took.append(await cancelled(renderer, message(renderer, picture, "stubborn")))
        assert not renderer.alive
    assert PATIENCE.cancel.total_seconds() <= took[-1] < 0.25


async def cancelled(renderer: RendererProcess, order: Render) -> float:
    """Seconds that a cancel takes once frames are drawn."""
    drawing = asyncio.Event()

    def note(progress: Progress) -> None:
        if progress.stage is RenderStage.RENDERING:
            drawing.set()

    task = asyncio.create_task(renderer.render(order, note))
    await drawing.wait()
    await asyncio.sleep(0.5)  # The engine is past its first report by now.
    task.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    return time.monotonic() - began


async def test_a_renderer_that_says_nothing_is_given_up(picture):
    renderer = RendererProcess(FAKE_RENDERER, patience=RendererTimeouts(silence=timedelta(seconds=0.3)))
    await renderer.start()
    with pytest.raises(RendererDied) as caught:
        await renderer.render(message(renderer, picture, "stubborn"), lambda _: None)
    assert caught.value.stage is RenderStage.RENDERING
    assert caught.value.exit_code == -signal.SIGKILL
    assert not caught.value.as_failure().permanent


async def test_its_last_words_are_told_when_it_cannot_start():
    renderer = RendererProcess((sys.executable, "-c", "raise SystemExit('no such device')"))
    with pytest.raises(RendererDied) as caught:
        await renderer.start()
    assert (caught.value.stage, caught.value.exit_code) == (RenderStage.STARTING, 1)
    assert caught.value.last_words == ("no such device",)


async def test_a_renderer_that_is_set_up_wrongly_says_the_fix():
    renderer = RendererProcess((*RENDERER_COMMAND, "--depth-model", "/nowhere/midas.onnx"))
    with pytest.raises(RendererUnfit) as caught:
        await renderer.start()
    assert str(caught.value) == (
        "depth_model names /nowhere/midas.onnx, which is not a file: give the path of an ONNX model."
    )
    assert not renderer.alive


async def test_a_renderer_given_a_depth_image_moves_the_picture_by_it(picture):
    depth = picture.with_name("depth.png")
    Image.linear_gradient("L").resize((64, 36)).save(depth)
    renderer = RendererProcess()
    try:
        await renderer.start()
        order = message(renderer, picture, "push in", "parallax/1")
        done = await renderer.render(msgspec.structs.replace(order, depth=str(depth)), lambda _: None)
        broken = msgspec.structs.replace(order, ticket=renderer.ticket(), depth=str(Path(__file__)))
        with pytest.raises(GenerationFailed, match="not an image"):
            await renderer.render(broken, lambda _: None)
    finally:
        await renderer.stop()
    assert json.loads(done.plan)["depth"] == "image"


async def test_a_process_that_speaks_something_else_is_refused():
    renderer = RendererProcess((sys.executable, "-c", "print('hello world, this is no protocol')"))
    with pytest.raises(RendererDied):
        await renderer.start()


async def test_the_child_does_not_inherit_the_services_secrets(monkeypatch):
    monkeypatch.setenv("STILLMOTION_STORAGE_OPTIONS", "secret_access_key=hush")
    renderer = RendererProcess(FAKE_RENDERER, {"CUDA_VISIBLE_DEVICES": "1"})
    try:
        await renderer.start()
        environment = Path(f"/proc/{renderer.pid}/environ")
        if not environment.exists():
            pytest.skip("there is no /proc here to look in")
        assert b"hush" not in environment.read_bytes()
        assert b"CUDA_VISIBLE_DEVICES=1" in environment.read_bytes()
    finally:
        await renderer.stop()


async def test_signals_for_the_whole_group_are_left_to_the_host(picture):
    renderer = RendererProcess(FAKE_RENDERER)
    try:
        await renderer.start()
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(renderer.pid, number)
        assert (await renderer.render(message(renderer, picture), lambda _: None)).frames == 8
    finally:
        await renderer.stop()


PARENT = """
import asyncio, sys
from stillmotion.domain.request import GenerationRequest
from stillmotion.worker.renderer.protocol import KeyframeFile, Render
from stillmotion.worker.renderer.handle import RendererProcess

async def main():
    renderer = RendererProcess(tuple(sys.argv[3:]))
    await renderer.start()
    picture = KeyframeFile(sys.argv[2])
    render = Render(renderer.ticket(), "fake/1", sys.argv[1], GenerationRequest("stubborn"), picture)
    await renderer.render(render, lambda progress: print(renderer.pid, progress.stage, flush=True))

asyncio.run(main())
"""


def test_the_child_dies_with_a_parent_that_is_killed(picture):
    command = [sys.executable, "-c", PARENT, str(picture.parent), str(picture), *FAKE_RENDERER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        for line in parent.stdout:
            child, stage = line.split()
            if stage == RenderStage.RENDERING:
                break
        parent.kill()
    eventually(lambda: not _exists(int(child)))


def _exists(pid: int) -> bool:
    """True if the process runs. A dead one that init has not yet reaped does not count."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")
