"""The sandbox of the decoder: its limits, and the failures that the child's death leads to."""

import ast
import errno
import io
import os
import signal
import socket
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stillmotion.domain.errors import GenerationFailed, RenderCancelled
from stillmotion.domain.rendering import cancellable_by
from stillmotion.domain.request import FrameSize, VideoCodec
from stillmotion.media.input import clips, pictures
from stillmotion.media.input.clip_facts import ONE_FILE
from stillmotion.media.input.depth_images import decode_depth
from stillmotion.media.sandbox.client import DecoderDied, DecoderProcess
from tests.media.clips import luma_of, texture, write_clip
from tests.media.input.test_pictures import ACCEPTED, PICTURES, REFUSED
from tests.timing import tries

HOSTILE = (sys.executable, str(Path(__file__).with_name("hostile_decoder.py")))
LINUX = sys.platform == "linux"


@pytest.fixture(scope="module")
def decoder():
    process = DecoderProcess()
    process.start()
    yield process
    process.close()


@pytest.fixture
def canary(tmp_path, monkeypatch):
    """Resources that a decoder must not reach, in its environment. Yields the socket that would see a connection."""
    (tmp_path / "secret").write_text("hush")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        monkeypatch.setenv("CANARY_PORT", str(server.getsockname()[1]))
        monkeypatch.setenv("CANARY_FILE", str(tmp_path / "written"))
        monkeypatch.setenv("CANARY_SECRET", str(tmp_path / "secret"))
        monkeypatch.setenv("CANARY_PID", str(os.getpid()))
        yield server


@pytest.fixture
def hostile(canary):
    process = DecoderProcess(HOSTILE, patience=5)
    yield process
    process.close()


def told(folder: Path, deed: str) -> Path:
    """A valid picture with a command to the hostile decoder at its end."""
    file = io.BytesIO()
    Image.new("RGB", (64, 36), "teal").save(file, "PNG")
    path = folder / "picture"
    path.write_bytes(file.getvalue() + b"DO:" + deed.encode())
    return path


def refused(decoder: DecoderProcess, path: Path) -> GenerationFailed:
    with pytest.raises(GenerationFailed) as refusal:
        decoder.picture(path)
    return refusal.value


def test_linux_holds_a_decoder_to_all_five_limits(decoder):
    held = decoder.confinement()
    assert {"processor", "files"} <= set(held)
    if LINUX:
        assert set(held) == {"memory", "processor", "files", "privileges", "system calls"}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_confined_decoder_sees_what_an_unconfined_one_does(decoder, name):
    confined, free = decoder.picture(PICTURES / name), pictures.decode(PICTURES / name)
    assert (confined.width, confined.height) == (free.width, free.height) == ACCEPTED[name]
    assert confined.pixels == free.pixels
    assert confined.alpha == free.alpha


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_travels(decoder, name):
    assert refused(decoder, PICTURES / name).code == REFUSED[name]


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_deflate", "jpeg", "group4", "packbits"])
def test_every_way_to_compress_a_tiff_is_read_without_opening_files(decoder, tmp_path, compression):
    path = tmp_path / "picture.tiff"
    Image.new("1" if compression == "group4" else "RGB", (40, 30)).save(path, compression=compression)
    picture = decoder.picture(path)
    assert (picture.width, picture.height) == (40, 30)


@pytest.fixture
def heic(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif", reason="HEIC is read by the extra heif")
    path = tmp_path / "picture.heic"
    image = Image.new("RGB", (64, 40), (200, 30, 30))
    image.paste((20, 40, 200), (32, 0, 64, 40))
    pillow_heif.from_pillow(image).save(path, quality=90)
    return path


def test_a_picture_of_a_telephone_is_read(decoder, heic):
    assert decoder.size(heic) == FrameSize(64, 40)
    picture = decoder.picture(heic)
    rows = np.frombuffer(picture.pixels, np.uint8).reshape(40, 64, 3)
    assert np.abs(rows[20, 8].astype(int) - (200, 30, 30)).max() < 12
    assert np.abs(rows[20, 56].astype(int) - (20, 40, 200)).max() < 12


def test_half_a_picture_of_a_telephone_is_refused(decoder, heic):
    whole = heic.read_bytes()
    heic.write_bytes(whole[: len(whole) // 2])
    assert refused(decoder, heic).code == "image_decode_failed"


def test_without_its_extra_a_picture_of_a_telephone_is_refused_by_name(heic):
    """The decoder runs in this process, which has not loaded the extra."""
    with pytest.raises(GenerationFailed, match="is a HEIC image, which is not read here"):
        pictures.decode(heic)


def test_a_picture_is_measured_and_reduced_as_asked(decoder, tmp_path):
    Image.new("RGB", (4000, 2000), "teal").save(tmp_path / "large.jpg")
    assert decoder.size(tmp_path / "large.jpg") == FrameSize(4000, 2000)
    assert decoder.picture(tmp_path / "large.jpg", FrameSize(640, 360)).width <= 1100


@pytest.mark.parametrize("far", [False, True])
def test_a_depth_image_travels_with_all_of_its_bits(decoder, tmp_path, far):
    rows = np.arange(120 * 80, dtype=np.uint16).reshape(80, 120) * 6
    Image.fromarray(rows).save(tmp_path / "depth.png")
    confined, free = (read(tmp_path / "depth.png", bright_is_far=far) for read in (decoder.depth, decode_depth))
    assert (confined.width, confined.height) == (free.width, free.height) == (120, 80)
    assert bytes(confined.nearness) == bytes(free.nearness)


@pytest.mark.parametrize("codec", list(VideoCodec))
def test_a_clip_is_read_frame_by_frame(decoder, tmp_path, codec):
    clip = write_clip(tmp_path / "clip.mp4", lambda index: texture(shift=5 * index), 30, codec=codec)
    free = list(clips.frames(clip))
    confined = list(decoder.frames(clip))
    assert len(confined) == len(free) == decoder.facts(clip).frame_count == 30
    assert decoder.facts(clip) == clips.facts(clip)
    for one, other in zip(
        [*confined, decoder.first(clip), decoder.last(clip)], [*free, free[0], free[-1]], strict=True
    ):
        assert np.array_equal(luma_of(one), luma_of(other))


def test_a_clip_that_is_left_half_read_does_not_disturb_the_next(decoder, tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", lambda index: texture(shift=5 * index), 30)
    took = []
    for _ in tries(took, 0.5):
        frames = decoder.frames(clip)
        next(frames)
        began = time.monotonic()
        frames.close()
        took.append(time.monotonic() - began)
    assert took[-1] < 0.5
    assert decoder.first(clip).width == 320


@pytest.mark.skipif(not LINUX, reason="seccomp is Linux's")
@pytest.mark.parametrize("deed", ["connect", "read", "write", "program", "fork", "signal", "trace", "namespace"])
def test_the_system_refuses_a_decoder_that_was_taken_over(hostile, canary, tmp_path, deed):
    refusal = refused(hostile, told(tmp_path, deed))
    assert (refusal.code, refusal.reason) == ("refused_by_the_system", str(errno.EPERM))
    assert not (tmp_path / "written").exists()
    with pytest.raises(BlockingIOError):
        canary.accept()


@pytest.mark.parametrize("deed", ["segfault", "abort", "allocate", "allocate-little-by-little"])
def test_a_decoder_that_dies_is_a_refusal_for_good_and_the_next_picture_is_decoded(hostile, tmp_path, deed):
    if deed.startswith("allocate") and not LINUX:
        pytest.skip("only Linux limits a process's memory")
    refusal = refused(hostile, told(tmp_path, deed))
    assert (refusal.code, refusal.permanent) == ("image_decode_failed", True)
    before = hostile.pid
    assert hostile.picture(told(tmp_path, "nothing")).width == 64
    assert hostile.pid == before, "the process that forks them lives on"


def test_how_it_died_is_kept_for_the_log(hostile, tmp_path):
    death = refused(hostile, told(tmp_path, "segfault")).__cause__
    assert isinstance(death, DecoderDied)
    assert death.signal_number == signal.SIGSEGV


def test_a_decoder_that_never_comes_to_an_end_is_ended_by_the_system(hostile, tmp_path):
    refusal = refused(hostile, told(tmp_path, "loop"))
    assert "takes too long" in refusal.reason
    assert refusal.permanent
    assert refusal.__cause__.signal_number == signal.SIGXCPU, "by its processor time, not by our patience"


def test_a_decoder_that_waits_for_nothing_is_ended_by_us(canary, tmp_path):
    hostile = DecoderProcess(HOSTILE, patience=2)
    hostile.start()
    hostile.confinement()
    try:
        assert "takes too long" in refused(hostile, told(tmp_path, "sleep")).reason
        assert hostile.picture(told(tmp_path, "nothing")).width == 64
    finally:
        hostile.close()


def test_a_decoder_that_always_gives_a_little_is_ended_by_us(canary, tmp_path):
    hostile = DecoderProcess(HOSTILE, picture_seconds=4)
    hostile.start()
    hostile.confinement()
    try:
        assert "takes too long" in refused(hostile, told(tmp_path, "drip")).reason
        assert hostile.picture(told(tmp_path, "nothing")).width == 64
    finally:
        hostile.close()


@pytest.mark.parametrize("deed", ["sleep", "loop"])
def test_a_cancel_ends_a_decoder_that_does_not_listen(hostile, tmp_path, deed):
    """A render ends within a quarter second of its cancel, so a decoder has less time."""
    hostile.confinement()

    def cancelled() -> float:
        began = time.monotonic()

        def check():
            if time.monotonic() - began > 0.1:
                raise RenderCancelled

        with pytest.raises(RenderCancelled), cancellable_by(check):
            hostile.picture(told(tmp_path, deed))
        return time.monotonic() - began

    took = []
    for _ in tries(took, 0.3):
        took += [cancelled()]
    assert took[-1] < 0.3
    assert hostile.picture(told(tmp_path, "nothing")).width == 64


def test_a_decoder_killed_from_outside_is_worth_another_attempt(hostile, tmp_path):
    assert not refused(hostile, told(tmp_path, "be-killed")).permanent


def test_where_the_forking_process_was_killed_another_is_started(hostile, tmp_path):
    assert hostile.picture(told(tmp_path, "nothing")).width == 64
    os.kill(hostile.pid, signal.SIGKILL)
    os.waitid(os.P_PID, hostile.pid, os.WEXITED | os.WNOWAIT)
    assert hostile.picture(told(tmp_path, "nothing")).width == 64


@pytest.mark.parametrize(
    "lie",
    ["lie-about-the-size", "lie-about-a-side", "answer-something-else", "answer-with-frames", "refuse-at-length"],
)
def test_what_a_decoder_says_is_not_believed(hostile, tmp_path, lie):
    refusal = refused(hostile, told(tmp_path, lie))
    assert refusal.code == "image_decode_failed"
    assert len(refusal.reason) < 200


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_refused_unread(decoder, tmp_path, make):
    make(tmp_path / "odd")
    assert refused(decoder, tmp_path / "odd").code == "image_decode_failed"


def test_no_decoder_is_left_when_the_renderer_closes_it(tmp_path):
    process = DecoderProcess()
    process.start()
    pid = process.pid
    process.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_large_pictures_fit_in_a_decoders_memory(decoder, tmp_path):
    """The most expensive kinds, at the limit of 2^26 pixels."""
    Image.new("RGBA", (8192, 8192), (1, 2, 3, 4)).save(tmp_path / "large.png", compress_level=1)
    Image.new("CMYK", (8192, 8192), (1, 2, 3, 4)).save(tmp_path / "large.jpg")
    Image.new("L", (16_384, 4096)).save(tmp_path / "panorama.jpg")
    for name in ("large.png", "large.jpg", "panorama.jpg"):
        assert decoder.picture(tmp_path / name, FrameSize(1280, 720)).height < 2000


def test_whatever_ffmpeg_reads_it_may_open_nothing_else():
    """FFmpeg's demuxers always get a whitelist of protocols and a single format."""
    source = Path(pictures.__file__).parents[2]
    opened = {}
    for path in source.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(call, ast.Call)
                and ast.unparse(call.func) == "av.open"
                and ast.unparse(call.args[1]) == "'r'"
            ):
                opened[path.name] = {each.arg: ast.unparse(each.value) for each in call.keywords}
    assert set(opened) == {"clips.py", "foreign_clips.py", "probe.py"}
    assert {given["options"] for given in opened.values()} == {"dict(ONE_FILE)"}
    # The first bytes of a stranger's clip decide its format, of a few.
    formats = {"clips.py": "'mp4'", "foreign_clips.py": "_container(clip)", "probe.py": "'mp4'"}
    assert {name: given["format"] for name, given in opened.items()} == formats
    assert ONE_FILE == {"protocol_whitelist": "file"}
