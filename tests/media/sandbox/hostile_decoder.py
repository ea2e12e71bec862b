"""A real decoder whose child obeys commands at the end of a file, as a child under an attacker's control."""

import ctypes
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from stillmotion.media.sandbox import decoder
from stillmotion.media.sandbox.confinement import Limits
from stillmotion.media.sandbox.protocol import DecodeOrder, Pixels, Planes, Size, Undecodable


def loop() -> None:
    while True:
        pass


def allocate() -> None:
    bytearray(3 << 30)[::4096] = b"x" * (3 << 18)


def allocate_little_by_little() -> None:
    kept = []
    while True:
        kept.append(bytes(1 << 24))


def connect() -> None:
    with socket.socket() as out:
        out.connect(("127.0.0.1", int(os.environ["CANARY_PORT"])))


def write() -> None:
    Path(os.environ["CANARY_FILE"]).write_text("was here")


def read() -> None:
    Path(os.environ["CANARY_SECRET"]).read_text()


def program() -> None:
    os.execv("/bin/sh", ["/bin/sh", "-c", "touch $CANARY_FILE"])


def fork() -> None:
    os.fork()


def signal_the_renderer() -> None:
    os.kill(int(os.environ["CANARY_PID"]), signal.SIGTERM)


def trace() -> None:
    """PTRACE_ATTACH to the parent."""
    if ctypes.CDLL(None, use_errno=True).ptrace(16, os.getppid(), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def gain_a_namespace() -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(0x10000000) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def dawdle() -> None:
    time.sleep(0.4)


DEEDS: Mapping[str, Callable[[], object]] = {
    "loop": loop,
    "allocate": allocate,
    "allocate-little-by-little": allocate_little_by_little,
    "segfault": lambda: ctypes.string_at(0),
    "abort": os.abort,
    "be-killed": lambda: signal.raise_signal(signal.SIGKILL),
    "connect": connect,
    "write": write,
    "read": read,
    "program": program,
    "fork": fork,
    "signal": signal_the_renderer,
    "trace": trace,
    "namespace": gain_a_namespace,
    "sleep": lambda: threading.Event().wait(),
    "dawdle": dawdle,
    "linger": lambda: time.sleep(1.5),
}
LIES: Mapping[str, decoder.Part] = {
    "lie-about-the-size": (Pixels(1 << 20, 1 << 20, False), ()),
    "lie-about-a-side": (Pixels(-1, -1, False), (b"",)),
    "answer-something-else": (Size(2, 2), ()),
    "answer-with-frames": (Planes(2, 2), (bytes(6),)),
    "refuse-at-length": (Undecodable("image_decode_failed", "x" * 100_000), ()),
}


def drops() -> Iterator[bytes]:
    """Chunks that fill the pipe again and again, but never add up to the promised size."""
    for _ in range(1000):
        time.sleep(0.1)
        yield bytes(20_000)


def obey(order: DecodeOrder, file: BinaryIO) -> Iterable[decoder.Part]:
    """Obey the command of a file. The answer to a denied permission is the errno of the system."""
    deed = file.read().rpartition(b"DO:")[2].decode("latin-1")
    file.seek(0)
    if deed == "drip":
        yield Pixels(4096, 4096, False), drops()
        return
    if deed in LIES:
        yield LIES[deed]
        return
    try:
        DEEDS.get(deed, lambda: None)()
    except OSError as error:
        yield Undecodable("refused_by_the_system", str(error.errno)), ()
        return
    except MemoryError:
        yield Undecodable("image_decode_failed", "out of memory"), ()
        return
    yield from decoder.read(order, file)


if __name__ == "__main__":
    decoder.main(obey, Limits(decoder.PICTURE.memory, processor_seconds=1))
