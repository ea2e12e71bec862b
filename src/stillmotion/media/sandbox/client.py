"""The renderer's end of its decoder: hand over a file, get pixels, and outlive whatever the file does."""

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
from stillmotion.media.input.clip_facts import MAX_CLIP_FRAMES, MAX_CLIP_PIXELS, ClipFacts, Surveyed
from stillmotion.media.sandbox.protocol import (
    LENGTH_BYTES,
    MAX_HEAD_BYTES,
    NOT_BEGUN,
    STATUS_BYTES,
    Confined,
    DecodeOrder,
    End,
    Facts,
    Head,
    Nearness,
    Pixels,
    Planes,
    Size,
    Survey,
    Undecodable,
    What,
    pack,
)

DECODER_COMMAND = (sys.executable, "-m", "stillmotion.media.sandbox.decoder")

PATIENCE_SECONDS = 30.0
"""A decoder that gives no byte for this long is killed."""
PICTURE_SECONDS, CLIP_SECONDS = 60.0, 900.0
"""How long one file's decoder may be waited for in all: one that gives a byte now and then is killed too."""
END_SECONDS = 2.0
"""How long one may take to end after its last word."""
STOP_SECONDS = 0.05
"""How long one may take to notice that nobody wants the rest: a cancel must not wait longer."""
LOOK_MILLISECONDS = 20
"""Time between checkpoints while it is waited for."""
PIPE_BYTES = 1 << 20
"""A frame of a clip at a time, or nearly (Linux, where a user may ask for this much)."""

_Head = TypeVar("_Head", bound=Head)


class DecoderDied(Exception):
    """A decoding ended without an answer. `signal_number` is 0 where no signal ended it."""

    def __init__(self, why: str, signal_number: int = 0) -> None:
        super().__init__(why)
        self.signal_number = signal_number


class DecoderProcess:
    """One decoder, started when it is first needed or by `start`, and again after it was killed.

    One file at a time: an iterator over a clip's frames is closed before anything else is asked. For one thread, the
    process's first: the kernel ends a decoder with the thread that started it. `command` is given this process's id
    as its last argument.

    A decoder at work is waited for with checkpoints: one that raises ends it. All methods raise `GenerationFailed`
    where the file is to blame, for its decoder's death too; `OSError` where this machine is.
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
        """The decoder's process id while there is one; each file's child has one of its own."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Have the process load; nothing waits for it. Does nothing where it runs."""
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        self._control, theirs = socket.socketpair()
        # numpy's threads would not survive a fork.
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # noqa: TID251 - ours, handed on
        with theirs:
            self._process = subprocess.Popen(
                self._command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env=environment, start_new_session=True
            )

    def close(self) -> None:
        """End it, and whatever it is at."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            self._process.wait()
        self._process = self._control = None

    def confinement(self) -> tuple[str, ...]:
        """What a file's child is really held to here (`confinement.confine`)."""
        with self._asked(DecodeOrder(What.CONFINEMENT), Path(os.devnull)) as answer:
            return answer.head(Confined).to

    def size(self, picture: Path) -> FrameSize:
        """The picture's size in pixels as it is looked at."""
        with self._asked(DecodeOrder(What.SIZE), picture) as answer:
            head = answer.head(Size)
            return _believed(head.width, head.height, MAX_PICTURE_PIXELS)

    def picture(self, picture: Path, cover: FrameSize | None = None) -> Picture:
        """The picture, as `intake.decode` says."""
        order = DecodeOrder(What.PICTURE, None if cover is None else (cover.width, cover.height))
        with self._asked(order, picture) as answer:
            head = answer.head(Pixels)
            area = _area(_believed(head.width, head.height, MAX_PICTURE_PIXELS))
            return Picture(
                head.width, head.height, answer.buffer(3 * area), answer.buffer(area) if head.alpha else None
            )

    def depth(self, picture: Path, *, bright_is_far: bool = False) -> DepthMap:
        """How near things are, as `depth_image.decode_depth` says."""
        with self._asked(DecodeOrder(What.DEPTH, bright_is_far=bright_is_far), picture) as answer:
            head = answer.head(Nearness)
            nearness = answer.buffer(4 * _area(_believed(head.width, head.height, MAX_PICTURE_PIXELS)))
            import numpy as np  # noqa: PLC0415 - large, and not needed before the decoder is started

            if not np.isfinite(np.frombuffer(nearness, np.float32)).all():
                raise DecoderDied("it answered with what is no number")
            return DepthMap(head.width, head.height, nearness)

    def facts(self, clip: Path) -> ClipFacts:
        """What the clip holds, as `earlier.facts` says."""
        with self._asked(DecodeOrder(What.FACTS), clip) as answer:
            head = answer.head(Facts)
            _believed(head.width, head.height, MAX_CLIP_PIXELS)
            if not (0 < head.frame_count <= MAX_CLIP_FRAMES and min(head.fps) > 0):
                raise DecoderDied("it answered with a length that cannot be")
            return head.as_facts()

    def frames(self, clip: Path) -> Iterator[Frame]:
        """Every frame in order, one in memory at a time."""
        return self._frames(What.FRAMES, clip)

    def _frames(self, what: What, clip: Path) -> Generator[Frame]:
        with self._asked(DecodeOrder(what), clip) as answer:
            for _ in range(MAX_CLIP_FRAMES):
                head = answer.next_head()
                if isinstance(head, End):
                    return
                yield answer.frame(head)

    def survey(self, clip: Path) -> Surveyed:
        """What a clip that another made holds, every frame of it decoded, as `foreign.survey` says."""
        with self._asked(DecodeOrder(What.SURVEY), clip) as answer:
            head = answer.head(Survey)
            size = _believed(head.width, head.height, MAX_CLIP_PIXELS)
            if not (0 < head.frame_count <= MAX_CLIP_FRAMES and min(head.fps) > 0):
                raise DecoderDied("it answered with a length that cannot be")
            telling = answer.frame(answer.next_head())
            return Surveyed(size, Fraction(*head.fps), head.frame_count, head.is_played, telling)

    def converted(self, clip: Path) -> Generator[Frame]:
        """Every frame of a clip that another made, as ours are, as `foreign.frames` says."""
        return self._frames(What.CONVERTED, clip)

    def first(self, clip: Path) -> Frame:
        """The clip's first frame."""
        with self._asked(DecodeOrder(What.FIRST), clip) as answer:
            return answer.frame(answer.next_head())

    def last(self, clip: Path) -> Frame:
        """The clip's last frame."""
        with self._asked(DecodeOrder(What.LAST), clip) as answer:
            return answer.frame(answer.next_head())

    @contextmanager
    def _asked(self, order: DecodeOrder, path: Path) -> "Iterator[_Answer]":
        """Give the order, and see to the decoder's end when the block is done with the answer."""
        with open(self._sent(order, path), "rb", buffering=0) as pipe:  # noqa: PTH123 - it is a file number
            in_all = CLIP_SECONDS if order.what.of_a_clip else self._picture_seconds
            answer = _Answer(pipe.fileno(), self._patience, in_all)
            try:
                yield answer
            except DecoderDied as sign:
                pipe.close()
                ended = self._status(STOP_SECONDS if sign.signal_number else END_SECONDS)
                # One that was given up may end by itself, at the pipe that is closed: that is not what was the matter.
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
        """The pipe to read the answer from."""
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode) and order.what is not What.CONFINEMENT:
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
        """Send it; to another decoder where this one was killed meanwhile."""
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
        """How the decoding ended, None where it ended well; a decoder that does not say so in time is killed."""
        control = self._control
        if control is None:
            return None  # It was stopped meanwhile, and with it what was decoded.
        control.settimeout(patience)
        try:
            said = control.recv(STATUS_BYTES, socket.MSG_WAITALL)
        except TimeoutError:
            self.close()
            self.start()  # The next file need not wait for it.
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
    """What comes out of the pipe, none of it believed unchecked. Raises `DecoderDied` for what is no answer."""

    def __init__(self, handle: int, patience: float, in_all: float) -> None:
        self._handle, self._patience = handle, patience
        self._left = in_all
        self._poll = select.poll()
        self._poll.register(handle, select.POLLIN)

    def head(self, kind: type[_Head]) -> _Head:
        """The next head, which must be of that kind."""
        head = self.next_head()
        if not isinstance(head, kind):
            raise DecoderDied("it answered something else")
        return head

    def next_head(self) -> Head:
        """The next head. Raises `GenerationFailed` where that is a refusal."""
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
        """The frame that this head announces."""
        if not isinstance(head, Planes) or head.width % 2 or head.height % 2:
            raise DecoderDied("it answered something else")
        area = _area(_believed(head.width, head.height, MAX_CLIP_PIXELS))
        return Frame(head.width, head.height, self.buffer(area * 3 // 2))

    def buffer(self, size: int) -> bytearray:
        """That many bytes."""
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
        """Until there is something to read."""
        began = time.monotonic()
        until = began + min(self._patience, self._left)
        while not self._poll.poll(LOOK_MILLISECONDS):
            if time.monotonic() > until:
                raise DecoderDied("it took too long", signal.SIGXCPU)
            checkpoint()
        self._left -= time.monotonic() - began


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
    """What its death means for the generation. One that was killed from outside is worth another attempt."""
    is_clip = order.what.of_a_clip
    match death.signal_number:
        case signal.SIGKILL:
            kind = FailureKind.CLIP_DECODER_KILLED if is_clip else FailureKind.IMAGE_DECODER_KILLED
        case signal.SIGXCPU if not is_clip:
            kind = FailureKind.IMAGE_TAKES_TOO_LONG
        case _:
            kind = FailureKind.CLIP_UNREADABLE if is_clip else FailureKind.IMAGE_CRASHED_DECODER
    return kind.error()
