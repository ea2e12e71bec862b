"""Publication checks: a result must play, and storage must give back the same bytes."""

import dataclasses
from pathlib import Path

import pytest

from stillmotion.adapters.objects import LocalObjects
from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.generation import MAX_FAILURES
from stillmotion.domain.lifecycle import State
from stillmotion.domain.rendering import Rendering
from stillmotion.media.output.encoder import encode
from stillmotion.worker.renderer.jobs import _prove
from tests.media.clips import SIZE, frame_of, texture
from tests.worker.conftest import running


class Forgetful(LocalObjects):
    """A store that acknowledges a put and then damages the file by `harm`, for the given number of times."""

    def __init__(self, directory: Path, harm, times: int) -> None:
        super().__init__(directory)
        self.folder, self.harm, self.times = directory, harm, times

    async def put_file(self, key: str, path: str) -> None:
        await super().put_file(key, path)
        if self.times:
            self.times -= 1
            self.harm(self.folder / key)


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def lose(path: Path) -> None:
    path.unlink()


def forgetful(workshop, harm, times):
    objects = Forgetful(workshop.scratch.parent / "objects", harm, times)
    return dataclasses.replace(workshop, objects=objects, work=dataclasses.replace(workshop.work, objects=objects))


@pytest.mark.parametrize("harm", [flip_a_bit, cut_off, lose])
async def test_what_storage_gives_back_otherwise_is_made_again(workshop, harm):
    async with running(forgetful(workshop, harm, times=1)) as bench:
        done = await bench.ended(await bench.submit("a walk"))
    assert (done.state, done.attempt, done.failures) == (State.COMPLETED, 2, 1)
    kept = [path for path in (workshop.scratch.parent / "objects").rglob("*") if path.is_file()]
    assert sorted(path.name for path in kept) == sorted(key.rpartition("/")[2] for key in done.objects)


async def test_storage_that_never_gives_it_back_is_a_reason_and_not_a_loop(workshop):
    async with running(forgetful(workshop, flip_a_bit, times=100)) as bench:
        failed = await bench.ended(await bench.submit("a walk"))
    assert (failed.state, failed.failures, failed.failure_code) == (
        State.FAILED,
        MAX_FAILURES,
        "storage_damaged_result",
    )
    assert [path for path in (workshop.scratch.parent / "objects").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("left", [0, 30, 2000])
def test_a_clip_that_does_not_play_is_not_published(tmp_path, left):
    frames = (frame_of(texture(shift=index)) for index in range(8))
    clip = encode(Rendering(SIZE, 24, 8, frames, "{}"), tmp_path / "clip.mp4")
    _prove(clip)
    clip.path.write_bytes(clip.path.read_bytes()[:left])
    with pytest.raises(GenerationFailed) as refusal:
        _prove(clip)
    assert (refusal.value.code, refusal.value.permanent) == ("video_encode_failed", False)
