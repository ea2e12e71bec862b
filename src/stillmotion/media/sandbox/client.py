"""Client of the decoder process: sends a file, receives pixels, and survives anything that the file does."""

import fcntl
import os
import select
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import msgspec

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.failures import FailureKind
from stillmotion.domain.file_types.pictures import MAX_PICTURE_PIXELS
from stillmotion.domain.rendering import DepthMap, Frame, Picture, checkpoint
from stillmotion.domain.request import FrameSize
from stillmotion.media.excerpts import MOST_FRAMES, excerpt_size
from stillmotion.media.input.clip_facts import MAX_CLIP_FRAMES, MAX_CLIP_PIXELS, ClipFacts, Surveyed
from stillmotion.media.sandbox.protocol import (
    LENGTH_BYTES,
    MAX_HEAD_BYTES,
    NOT_BEGUN,
    STATUS_BYTES,
    Confined,
    DecodeOrder,
    DecodeTask,
    End,
    Facts,
    Head,
    Nearness,
    Pixels,
    Planes,
    Size,
    Survey,
    Undecodable,
    pack,
)

DECODER_COMMAND = (sys.executable, "-m", "stillmotion.media.sandbox.decoder")

PATIENCE_SECONDS = 30.0
"""Seconds without a byte after which a decoder is killed."""
PICTURE_SECONDS, CLIP_SECONDS = 60.0, 900.0
"""Seconds for one file in all: a decoder that sends a byte now and then is killed too."""
END_SECONDS = 2.0
"""Seconds for a decoding to end after its last message."""
STOP_SECONDS = 0.05
"""Seconds for a decoding to notice that its answer is no longer wanted: a cancel must not wait longer."""
LOOK_MILLISECONDS = 20
"""Milliseconds between checkpoints while a decoder is waited for."""
PIPE_BYTES = 1 << 20
"""Size of the pipe: about one frame of a clip (Linux permits this much to any user)."""

_Head = TypeVar("_Head", bound=Head)


class DecoderDied(Exception):
    """A decoding ended without an answer. `signal_number` is 0 if no signal ended it."""

    def __init__(self, why: str, signal_number: int = 0) -> None:
        super().__init__(why)
        self.signal_number = signal_number


class DecoderProcess:
    """One decoder process, started on first use or by `start`, and again after it was killed.

    One file at a time: an iterator over a clip's frames is closed before the next request. To be used in the process's
    first thread only, because the kernel ends a decoder with the thread that started it. `command` gets this process's
    id as its last argument.

    Methods pass checkpoints while a decoder works; an exception raised there ends it. All raise `GenerationFailed` if
    the file is to blame, also for the decoder's death, and `OSError` if this machine is.
    """

    def __init__(
        self,
        command: Sequence[str] = DECODER_COMMAND,
        patience: float = PATIENCE_SECONDS,
        picture_seconds: float = PICTURE_SECONDS,
    ) -> None:
        self._command = (*command, str(os.getpid()))
        self._patience, self._picture_seconds = patience, picture_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        """The decoder's process id, if it runs; the child for each file has its own."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process without waiting for it; no effect if it runs."""
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        self._control, theirs = socket.socketpair()
        # OpenBLAS' threads would not survive a fork.
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # noqa: TID251 - ours, handed on
        with theirs:
            self._process = subprocess.Popen(
                self._command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env=environment, start_new_session=True
            )

    def close(self) -> None:
        """Kill the decoder and its children."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            # The decoder leads a process group, so this reaches the children too.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            self._process.wait()
        self._process = self._control = None

    def confinement(self) -> tuple[str, ...]:
        """Restrictions that a file's child is really under on this system (`confinement.confine`)."""
        with self._asked(DecodeOrder(DecodeTask.CONFINEMENT), Path(os.devnull)) as answer:
            return answer.head(Confined).to

    def size(self, picture: Path) -> FrameSize:
        """The upright picture's size in pixels."""
        with self._asked(DecodeOrder(DecodeTask.SIZE), picture) as answer:
            head = answer.head(Size)
            return _believed(head.width, head.height, MAX_PICTURE_PIXELS)

    def picture(self, picture: Path, cover: FrameSize | None = None) -> Picture:
        """The picture, as `pictures.decode` gives it."""
        order = DecodeOrder(DecodeTask.PICTURE, None if cover is None else (cover.width, cover.height))
        with self._asked(order, picture) as answer:
            head = answer.head(Pixels)
            area = _area(_believed(head.width, head.height, MAX_PICTURE_PIXELS))
            return Picture(
                head.width, head.height, answer.buffer(3 * area), answer.buffer(area) if head.alpha else None
            )

    def depth(self, picture: Path, *, bright_is_far: bool = False) -> DepthMap:
        """The depth map, as `depth_images.decode_depth` gives it."""
        with self._asked(DecodeOrder(DecodeTask.DEPTH, bright_is_far=bright_is_far), picture) as answer:
            head = answer.head(Nearness)
            nearness = answer.buffer(4 * _area(_believed(head.width, head.height, MAX_PICTURE_PIXELS)))
            import numpy as np  # noqa: PLC0415 - large, and not needed before the decoder is started

            if not np.isfinite(np.frombuffer(nearness, np.float32)).all():
                raise DecoderDied("it answered with what is no number")
            return DepthMap(head.width, head.height, nearness)

    def facts(self, clip: Path) -> ClipFacts:
        """Facts about a clip of ours, as `clips.facts` gives them."""
        with self._asked(DecodeOrder(DecodeTask.FACTS), clip) as answer:
            head = answer.head(Facts)
            _believed(head.width, head.height, MAX_CLIP_PIXELS)
            if not (0 < head.frame_count <= MAX_CLIP_FRAMES and min(head.fps) > 0):
                raise DecoderDied("it answered with a length that cannot be")
            return head.as_facts()

    def frames(self, clip: Path) -> Iterator[Frame]:
        """Every frame in order, one in memory at a time."""
        return self._frames(DecodeTask.FRAMES, clip)

    def _frames(self, task: DecodeTask, clip: Path) -> Generator[Frame]:
        with self._asked(DecodeOrder(task), clip) as answer:
            for _ in range(MAX_CLIP_FRAMES):
                head = answer.next_head()
                if isinstance(head, End):
                    return
                yield answer.frame(head)

    def survey(self, clip: Path) -> Surveyed:
        """Facts about a foreign clip, every frame decoded, as `foreign_clips.survey` gives them."""
        with self._asked(DecodeOrder(DecodeTask.SURVEY), clip) as answer:
            head = answer.head(Survey)
            size = _believed(head.width, head.height, MAX_CLIP_PIXELS)
            if not (0 < head.frame_count <= MAX_CLIP_FRAMES and min(head.fps) > 0):
                raise DecoderDied("it answered with a length that cannot be")
            telling = answer.frame(answer.next_head())
            small = tuple(_excerpt(answer, head.small, size))
            return Surveyed(size, Fraction(*head.fps), head.frame_count, head.is_played, telling, small)

    def converted(self, clip: Path) -> Generator[Frame]:
        """Every frame of a foreign clip, converted as `foreign_clips.frames` does."""
        return self._frames(DecodeTask.CONVERTED, clip)

    def first(self, clip: Path) -> Frame:
        """The clip's first frame."""
        with self._asked(DecodeOrder(DecodeTask.FIRST), clip) as answer:
            return answer.frame(answer.next_head())

    def last(self, clip: Path) -> Frame:
        """The clip's last frame."""
        with self._asked(DecodeOrder(DecodeTask.LAST), clip) as answer:
            return answer.frame(answer.next_head())

    @contextmanager
    def _asked(self, order: DecodeOrder, path: Path) -> "Iterator[_Answer]":
        """Send the order, and wait for the decoding's end when the block is done with the answer."""
        with open(self._sent(order, path), "rb", buffering=0) as pipe:  # noqa: PTH123 - it is a file number
            in_all = CLIP_SECONDS if order.task.of_a_clip else self._picture_seconds
            answer = _Answer(pipe.fileno(), self._patience, in_all)
            try:
                yield answer
            except DecoderDied as sign:
                pipe.close()
                ended = self._status(STOP_SECONDS if sign.signal_number else END_SECONDS)
                # A decoder given up on may also die of the closed pipe; the first cause counts.
                death = sign if sign.signal_number or ended is None else ended
                raise _blame(order, death) from death
            except GenerationFailed:
                pipe.close()
                self._status(END_SECONDS)
                raise
            except BaseException:
                pipe.close()
                self._status(STOP_SECONDS)
                raise
        self._status(END_SECONDS)

    def _sent(self, order: DecodeOrder, path: Path) -> int:
        """Send order and file handles; returns the pipe's end to read the answer from."""
        # Non-blocking, since opening a FIFO would otherwise wait for a writer.
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode) and order.task is not DecodeTask.CONFINEMENT:
                raise _blame(order, DecoderDied("it is no file"))
            ours, theirs = os.pipe()
            try:
                _widen(ours)
                self._send(pack(order), [file, theirs])
            except BaseException:
                os.close(ours)
                raise
            finally:
                os.close(theirs)
            return ours
        finally:
            os.close(file)

    def _send(self, message: bytes, handles: Sequence[int]) -> None:
        """Send a message; to a new decoder if this one has been killed."""
        self.start()
        try:
            socket.send_fds(self._ours(), [message], handles)
        except (BrokenPipeError, ConnectionError):
            self.close()
            self.start()
            socket.send_fds(self._ours(), [message], handles)

    def _ours(self) -> socket.socket:
        assert self._control is not None
        return self._control

    def _status(self, patience: float) -> DecoderDied | None:
        """The decoding's exit status, None for success. A decoder that does not report it in time is killed."""
        control = self._control
        if control is None:
            return None  # closed meanwhile, together with its child
        control.settimeout(patience)
        try:
            said = control.recv(STATUS_BYTES, socket.MSG_WAITALL)
        except TimeoutError:
            self.close()
            self.start()  # so that the next file need not wait
            return None
        except ConnectionError:
            said = b""
        if len(said) < STATUS_BYTES:
            self.close()
            return _death(-signal.SIGKILL)
        status = int.from_bytes(said, "big", signed=True)
        if status >= NOT_BEGUN:
            raise OSError(status - NOT_BEGUN, os.strerror(status - NOT_BEGUN))
        return None if status == 0 else _death(status)


class _Answer:
    """Reader of an untrusted answer. Raises `DecoderDied` for anything malformed."""

    def __init__(self, handle: int, patience: float, in_all: float) -> None:
        self._handle, self._patience = handle, patience
        self._left = in_all
        self._poll = select.poll()
        self._poll.register(handle, select.POLLIN)

    def head(self, kind: type[_Head]) -> _Head:
        """The next head, which must be of the given type."""
        head = self.next_head()
        if not isinstance(head, kind):
            raise DecoderDied("it answered something else")
        return head

    def next_head(self) -> Head:
        """The next head. Raises `GenerationFailed` if it is a refusal."""
        length = int.from_bytes(self.buffer(LENGTH_BYTES), "big")
        if length > MAX_HEAD_BYTES:
            raise DecoderDied("it answered with a head that is too long")
        try:
            head: Head = msgspec.msgpack.decode(self.buffer(length), type=Head)
        except msgspec.MsgspecError as error:
            raise DecoderDied("it answered with something that is no message") from error
        if isinstance(head, Undecodable):
            raise GenerationFailed(head.code, head.reason)
        return head

    def frame(self, head: Head) -> Frame:
        """The frame announced by a head."""
        if not isinstance(head, Planes) or head.width % 2 or head.height % 2:
            raise DecoderDied("it answered something else")
        area = _area(_believed(head.width, head.height, MAX_CLIP_PIXELS))
        return Frame(head.width, head.height, self.buffer(area * 3 // 2))

    def buffer(self, size: int) -> bytearray:
        """Exactly `size` bytes."""
        filled, whole = 0, bytearray(size)
        with memoryview(whole) as view:
            while filled < size:
                self._wait()
                count = os.readv(self._handle, [view[filled:]])
                if count == 0:
                    raise DecoderDied("it ended")
                filled += count
        return whole

    def _wait(self) -> None:
        """Wait until there is something to read."""
        began = time.monotonic()
        until = began + min(self._patience, self._left)
        while not self._poll.poll(LOOK_MILLISECONDS):
            if time.monotonic() > until:
                raise DecoderDied("it took too long", signal.SIGXCPU)
            checkpoint()
        self._left -= time.monotonic() - began


def _excerpt(answer: _Answer, count: int, size: FrameSize) -> Iterator[Frame]:
    """The small frames of a clip of that size."""
    if not 0 <= count <= MOST_FRAMES:
        raise DecoderDied("it answered with an excerpt that cannot be")
    for _ in range(count):
        frame = answer.frame(answer.next_head())
        if FrameSize(frame.width, frame.height) != excerpt_size(size):
            raise DecoderDied("it answered with an excerpt of another size")
        yield frame


def _believed(width: int, height: int, most: int) -> FrameSize:
    if width <= 0 or height <= 0 or width * height > most:
        raise DecoderDied("it answered with a size that cannot be")
    return FrameSize(width, height)


def _area(size: FrameSize) -> int:
    return size.width * size.height


def _widen(pipe: int) -> None:
    if sys.platform == "linux":
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _death(status: int) -> DecoderDied:
    if status < 0:
        return DecoderDied(f"it was ended by {signal.strsignal(-status) or 'a signal'} ({-status})", -status)
    return DecoderDied(f"it ended with code {status}")


def _blame(order: DecodeOrder, death: DecoderDied) -> GenerationFailed:
    """The failure that a decoder's death means for the generation. A kill from outside is worth another attempt."""
    is_clip = order.task.of_a_clip
    match death.signal_number:
        case signal.SIGKILL:
            kind = FailureKind.CLIP_DECODER_KILLED if is_clip else FailureKind.IMAGE_DECODER_KILLED
        case signal.SIGXCPU if not is_clip:
            kind = FailureKind.IMAGE_TAKES_TOO_LONG
        case _:
            kind = FailureKind.CLIP_UNREADABLE if is_clip else FailureKind.IMAGE_CRASHED_DECODER
    return kind.error()
