"""Encoder: frames to an MP4 that every browser plays, while later frames are still being drawn."""

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from queue import Empty, Full, Queue
from typing import Any

import av
import numpy as np
from av.container import OutputContainer

from stillmotion.domain.failures import FailureKind
from stillmotion.domain.rendering import Frame, Rendering, checkpoint
from stillmotion.domain.request import FrameSize, VideoCodec
from stillmotion.media.frames import BT709, LIMITED_RANGE

MORE = 1.5
"""Bit rate factor of the clip's two ends, over what x264 would give them. The first frame is the keyframe that its
owner knows. No later frame refers to the last ones, so x264 takes bits from them; but a loop leads from them into the
first frame, and another clip may continue from them."""

ENDING = 8
"""Frames that count as the clip's end."""

SVT_AV1 = "lookahead=0:hierarchical-levels=3:enable-tf=0"
"""SVT-AV1 without look-ahead, with mini-GOPs of 8 frames and no temporal filter: it takes the memory that x264 takes,
70 MB less than by default at 720p. The filter would blend neighbours into the keyframe, the owner's picture."""

X264_CPU = "MMX2,SSE2Fast,LZCNT,SSSE3,SSE4.2,AVX,FMA3,BMI1,BMI2,AVX2"
"""Instruction sets that x264 may use on a processor with AVX-512. With AVX-512 its macroblock tree reads uninitialised
memory if 16 macroblocks do not divide a row (core 165): equal frames gave different bytes each time. It is as fast
without."""

HAS_ALL_OF_IT = frozenset({"avx512vl", "avx2", "bmi1", "bmi2", "fma", "abm"})
"""Linux's flags for AVX-512 and for the sets of `X264_CPU`."""

ASKS_EVERY = 0.05
"""Seconds between checkpoints while the encoder is waited for."""

ENCODERS: Mapping[VideoCodec, str] = {VideoCodec.H264: "libx264", VideoCodec.AV1: "libsvtav1"}
"""FFmpeg's encoder by codec."""


@dataclass(frozen=True, slots=True)
class EncodeOptions:
    """Encoder settings. `queue` is the number of frames that may wait, and so bounds memory.

    `most_kbit` limits H.264's bit rate, in kbit/s over any second; 0 is no limit.
    """

    codec: VideoCodec = VideoCodec.H264
    crf: int = 20
    preset: str = "veryfast"
    threads: int = 3
    queue: int = 6
    keyframe_seconds: float = 2.0
    most_kbit: int = 0


OPTIONS: Mapping[VideoCodec, EncodeOptions] = {
    VideoCodec.H264: EncodeOptions(),
    VideoCodec.AV1: EncodeOptions(VideoCodec.AV1, crf=28, preset="10", threads=1, keyframe_seconds=5.0),
}
"""Settings by codec. SVT-AV1's preset 9 takes a third more time than 10, which softens snow a little; a second thread
costs a fifth more in all, and 35 MB. Keyframes every 2 s would cost a third more bytes."""


def can_encode(codec: VideoCodec) -> bool:
    """True if the installed PyAV has the codec's encoder."""
    return ENCODERS[codec] in av.codecs_available


@dataclass(frozen=True, slots=True)
class EncodedClip:
    """A finished file: size in pixels, frames a second, frames, bytes, and the frame for the thumbnail.

    `small` are the frames of its excerpt, where somebody kept them.
    """

    path: Path
    size: FrameSize
    fps: int
    frame_count: int
    byte_count: int
    telling: Frame
    small: tuple[Frame, ...] = ()


def encode(rendering: Rendering, path: Path, options: EncodeOptions | None = None) -> EncodedClip:
    """Draw every frame of `rendering` and write them to `path`, completely or not at all.

    Encoding runs in a thread of its own; checkpoints are passed while waiting for it. An exception from there or from
    the frames' iterator (a cancel, a failure) is raised again after the thread has ended and the file is gone. Raises
    `GenerationFailed` with code `video_encode_failed` if the file cannot be written, and with `codec_missing` if this
    machine has no encoder for the codec.
    """
    options = options or OPTIONS[VideoCodec.H264]
    if not can_encode(options.codec):
        raise FailureKind.CODEC_MISSING.error(codec=options.codec, encoder=ENCODERS[options.codec])
    writer = _Writer(path, rendering, options)
    telling: Frame | None = None
    count = 0
    try:
        for frame in rendering.frames:
            if count == rendering.telling_frame or telling is None:
                telling = frame
            count += 1
            if not writer.take(frame):
                break
        writer.finish()
    except BaseException:
        writer.abandon()
        raise
    if telling is None:
        path.unlink(missing_ok=True)
        raise FailureKind.NO_FRAME_DRAWN.error()
    return EncodedClip(path, rendering.size, rendering.fps, count, path.stat().st_size, telling)


class _Writer:
    """The encoding thread and its queue."""

    def __init__(self, path: Path, rendering: Rendering, options: EncodeOptions) -> None:
        self._path, self._options = path, options
        self._size, self._fps, self._count = rendering.size, rendering.fps, rendering.frame_count
        self._waiting: Queue[Frame | None] = Queue(options.queue)
        self._has_ended = False
        self._abandoned = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="encode", daemon=True)
        self._thread.start()

    def take(self, frame: Frame) -> bool:
        """Queue a frame, waiting for room; False once encoding has failed."""
        self._put(frame)
        return self._error is None

    def finish(self) -> None:
        """Wait for the complete file; raises if there is none."""
        self._put(None)
        while self._thread.is_alive():
            self._thread.join(ASKS_EVERY)
            checkpoint()
        if self._error is not None:
            self._path.unlink(missing_ok=True)
            if not isinstance(self._error, av.FFmpegError | OSError | ValueError):
                raise self._error
            raise FailureKind.VIDEO_NOT_WRITTEN.error() from self._error

    def abandon(self) -> None:
        """Stop after the current frame and remove the file."""
        self._abandoned.set()
        with suppress(Empty):
            while True:
                self._waiting.get_nowait()
        self._waiting.put(None)
        self._thread.join()
        self._path.unlink(missing_ok=True)

    def _put(self, frame: Frame | None) -> None:
        while True:
            try:
                return self._waiting.put(frame, timeout=ASKS_EVERY)
            except Full:
                checkpoint()

    def _run(self) -> None:
        try:
            self._write()
        except Exception as error:
            self._error = error
            # The queue is drained, or the drawing thread would wait for room for ever.
            while not self._has_ended:
                self._next()

    def _next(self) -> Frame | None:
        """The next frame of the queue, None once at its end."""
        frame = self._waiting.get()
        self._has_ended = frame is None
        return frame

    def _write(self) -> None:
        # Bit-exact mode omits the muxer's version and clock: equal frames give equal bytes.
        flags = {"movflags": "+faststart", "fflags": "+bitexact"}
        with av.open(str(self._path), "w", format="mp4", options=flags) as container:
            stream = self._stream(container)
            index = 0
            while (frame := self._next()) is not None:
                self._mux(container, stream, _video_frame(frame, index))
                index += 1
            self._mux(container, stream, None)
            if self._abandoned.is_set():
                # The file is discarded anyway: a failing trailer does no harm.
                with suppress(av.FFmpegError):
                    container.close()

    def _mux(self, container: OutputContainer, stream: Any, picture: av.VideoFrame | None) -> None:
        """Mux the packets for a picture, or for the end (None); after `abandon` one packet at most."""
        if self._abandoned.is_set():
            return
        for packet in stream.codec_context.encode_lazy(picture):
            packet.stream = stream
            container.mux(packet)
            if self._abandoned.is_set():
                return

    def _stream(self, container: OutputContainer) -> Any:
        options = self._options
        stream: Any = container.add_stream(ENCODERS[options.codec], rate=self._fps)
        context: Any = stream.codec_context
        context.width, context.height = self._size.width, self._size.height
        context.pix_fmt = "yuv420p"
        # One tick a frame: timestamps are frame indices.
        context.time_base = Fraction(1, self._fps)
        context.framerate = Fraction(self._fps)
        context.gop_size = round(self._fps * options.keyframe_seconds)
        context.color_primaries = context.color_trc = context.colorspace = BT709
        context.color_range = LIMITED_RANGE
        context.options = {"preset": options.preset, "crf": str(options.crf)}
        if options.codec is VideoCodec.H264:
            context.profile, context.thread_count = "High", options.threads
            context.options |= {"x264-params": _x264(self._count, options.most_kbit)}
        else:
            context.options |= {"svtav1-params": f"lp={options.threads}:{SVT_AV1}"}
        return stream


def _x264(count: int, most_kbit: int) -> str:
    """x264's parameters for `count` frames: constant frame rate, more bits for both ends, reproducible bytes."""
    if most_kbit:
        return _on_processor(f"force-cfr=1:vbv-maxrate={most_kbit}:vbv-bufsize={most_kbit}")
    ends = [(0, 0), (max(1, count - ENDING), count - 1)] if count > 1 else [(0, 0)]
    zones = "/".join(f"{first},{last},b={MORE}" for first, last in ends)
    return _on_processor(f"force-cfr=1:zones={zones}")


def _on_processor(parameters: str) -> str:
    return parameters + (f":asm={X264_CPU}" if _processor() >= HAS_ALL_OF_IT else "")


@cache
def _processor() -> frozenset[str]:
    """CPU flags of the first processor in Linux's names; empty on other systems."""
    try:
        with Path("/proc/cpuinfo").open(encoding="ascii", errors="replace") as lines:
            return next((frozenset(line.split()) for line in lines if line.startswith("flags")), frozenset())
    except OSError:
        return frozenset()


def _video_frame(frame: Frame, index: int) -> av.VideoFrame:
    planes = np.frombuffer(frame.planes, np.uint8).reshape(frame.height * 3 // 2, frame.width)
    picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
    picture.pts = index
    picture.color_range = LIMITED_RANGE
    picture.colorspace = BT709
    return picture
