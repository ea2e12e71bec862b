"""Previews of a running render: whole pictures at intervals, made only if they are taken."""

import logging
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stillmotion.domain.rendering import Frame, Picture
from stillmotion.domain.request import FrameSize, GenerationRequest
from stillmotion.media.frames import rgb
from stillmotion.media.output.stills import SIDE, reduced
from stillmotion.worker.renderer.handle import RENDERER_COMMAND, RendererProcess
from stillmotion.worker.renderer.previews import Previews, shown
from stillmotion.worker.renderer.protocol import KeyframeFile, Render
from tests.media.clips import frame_of, texture
from tests.worker.conftest import png

GREY = Picture(64, 36, bytes([128]) * (64 * 36 * 3))


class Watched:
    """Previews in a folder, with a clock that tests set."""

    def __init__(self, folder: Path, every: float = 1.0) -> None:
        self.time, self.told = 100.0, []
        self.previews = Previews(folder, self.told.append, every, lambda: self.time)

    def offer(self, at: float, picture=lambda: GREY) -> int:
        """The number of previews after an offer at this time."""
        self.time = 100.0 + at
        self.previews.show(picture)
        return len(self.told)


def refuse() -> Picture:
    raise AssertionError("a picture was made that nobody takes")


def test_a_picture_is_taken_once_a_second_and_no_other_is_made(tmp_path):
    watched = Watched(tmp_path)
    assert watched.offer(0.9, refuse) == 0
    assert watched.offer(1.0) == 1
    assert watched.offer(1.9, refuse) == 1
    assert watched.offer(2.0) == 2
    assert watched.offer(10.0) == 3
    assert watched.offer(10.5, refuse) == 3


def test_what_is_told_of_is_one_whole_file_until_it_is_removed(tmp_path):
    watched = Watched(tmp_path)
    watched.offer(1)
    first = (tmp_path / "preview.jpg").stat().st_ino
    watched.offer(2)
    assert [path.name for path in tmp_path.iterdir()] == ["preview.jpg"]
    assert watched.told == [str(tmp_path / "preview.jpg")] * 2
    assert (tmp_path / "preview.jpg").stat().st_ino != first, "it was not written over"
    with Image.open(watched.told[0]) as picture:
        picture.load()
        assert (picture.format, picture.size) == ("JPEG", (SIDE, SIDE * 36 // 64))
    watched.previews.remove()
    assert list(tmp_path.iterdir()) == []


def broken() -> Picture:
    raise ZeroDivisionError


@pytest.mark.parametrize("folder", ["gone", ""])
def test_what_goes_wrong_is_logged_once_and_asked_for_no_more(tmp_path, folder, caplog):
    watched = Watched(tmp_path / folder)
    with caplog.at_level(logging.WARNING):
        watched.offer(1, broken if folder == "" else lambda: GREY)
        assert watched.offer(9, refuse) == 0
    assert len(caplog.records) == 1
    watched.previews.remove()


def test_with_no_time_between_them_there_are_none(tmp_path):
    assert Watched(tmp_path, every=0).offer(1e9, refuse) == 0


def test_the_frames_are_the_same_whoever_looks():
    frames = [frame_of(texture(FrameSize(64, 48))) for _ in range(3)]
    seen = []
    assert list(shown(iter(frames), lambda picture: seen.append(picture()))) == frames
    assert [(each.width, each.height) for each in seen] == [(64, 48)] * 3


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (720, 1280), (3840, 2160), (514, 512)])
def test_a_frame_is_reduced_to_what_it_shows(width, height):
    left, right = (63, 102, 240), (173, 42, 26)  # Red and green in BT.709.
    planes = []
    for plane, (w, h) in enumerate([(width, height), (width // 2, height // 2), (width // 2, height // 2)]):
        values = np.full((h, w), left[plane], np.uint8)
        values[:, w // 2 :] = right[plane]
        planes.append(values.ravel())
    frame = Frame(width, height, np.concatenate(planes))
    small = reduced(frame)
    assert max(small.width, small.height) == SIDE
    assert small.width / small.height == pytest.approx(width / height, rel=0.02)
    pixels = np.frombuffer(small.pixels, np.uint8).reshape(small.height, small.width, 3)
    for part in (slice(0, small.width // 3), slice(2 * small.width // 3, None)):
        whole = rgb(frame)[:, slice(0, width // 3) if part.start == 0 else slice(2 * width // 3, None)]
        assert pixels[:, part].mean((0, 1)) == pytest.approx(whole.mean((0, 1)), abs=3)


async def test_a_renderer_shows_what_it_is_at_and_makes_the_same_clip(tmp_path):
    (tmp_path / "picture.png").write_bytes(png(320, 180))
    digests, seen = [], []

    def look(path: Path) -> None:
        # A busy machine may read of a preview after the clip's end, which removes it.
        with suppress(FileNotFoundError), Image.open(path) as picture:
            picture.load()
            seen.append(picture.size)

    # On a quick machine a second of the clip takes little more than a tenth of a second.
    for every in ("0.02", "0"):
        renderer = RendererProcess((*RENDERER_COMMAND, "--preview-every", every))
        try:
            await renderer.start()
            picture = KeyframeFile(str(tmp_path / "picture.png"))
            request = GenerationRequest("orbit left", seconds=3.0)
            order = Render(renderer.ticket(), "parallax/1", str(tmp_path), request, picture)
            done = await renderer.render(order, lambda _: None, look)
            digests.append(done.video.digest)
        finally:
            await renderer.stop()
        if every == "0.02":
            assert len(seen) >= 2
            assert set(seen) == {(SIDE, 288)}
            seen.clear()
        assert not (tmp_path / "preview.jpg").exists()
    assert seen == []
    assert digests[0] == digests[1]
