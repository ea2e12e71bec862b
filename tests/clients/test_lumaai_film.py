"""A film through the official SDK, really rendered: created, upscaled, reframed and extended."""

import urllib.request

import lumaai
import pytest
from lumaai import LumaAI

from stillmotion.media.input.probe import probe
from tests.end_to_end.conftest import small_picture

CLIENT, VERSION = "lumaai (Python)", lumaai.__version__


@pytest.mark.slow
@pytest.mark.methods("generations.create", "generations.get", "generations.upscale", "generations.video.reframe")
def test_a_picture_becomes_a_film_through_the_sdk(running, tmp_path):
    """The whole journey: create, wait, download, then upscale, reframe and extend."""
    with LumaAI(base_url=f"{running.base}/dream-machine/v1", auth_token=running.key) as luma:
        picture = {"frame0": {"type": "image", "url": small_picture()}}
        asked = {"model": "ray-2", "prompt": "push in", "duration": "1s", "resolution": "540p"}
        first = luma.generations.create(**asked, keyframes=picture)
        running.wait_for(first.id, "completed")
        video = luma.generations.get(first.id).assets.video
        larger = luma.generations.upscale(first.id, resolution="720p")
        shaped = luma.generations.video.reframe(
            aspect_ratio="9:16", generation_type="reframe_video", media={"url": video}, model="ray-2"
        )
        further = luma.generations.create(**asked, keyframes={"frame0": {"type": "generation", "id": first.id}})
        sizes = {}
        for name, made in {"first": first, "larger": larger, "shaped": shaped, "further": further}.items():
            running.wait_for(made.id, "completed")
            path = tmp_path / f"{name}.mp4"
            urllib.request.urlretrieve(luma.generations.get(made.id).assets.video, path)
            found = probe(path)
            sizes[name] = (found.size.width, found.size.height)
        assert sizes["first"] == sizes["further"]
        assert sizes["larger"][0] > sizes["first"][0]
        assert sizes["shaped"][0] < sizes["shaped"][1]
