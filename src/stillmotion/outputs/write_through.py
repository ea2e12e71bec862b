"""Writing through: copying into a pipe, terminal or device, which no rename could replace."""

import errno
import os
import select
import socket
import stat
import time
from collections.abc import Callable
from typing import BinaryIO, Final

from stillmotion.outputs.places import Output

_PIECE: Final = 4096
"""Bytes that a pipe takes at once when it says that it takes any (PIPE_BUF)."""
_LOOK_SECONDS: Final = 0.05


class Stopped(OSError):
    """The caller asked to stop."""


def pour(file: BinaryIO, output: Output, stop: Callable[[], bool]) -> None:
    """Copy the file from its position to its end, waiting for a reader where the output is a pipe.

    Raises `OSError`, and `Stopped` soon after `stop` says so.
    """
    descriptor = _open(output, stop)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISREG(mode) and output.descriptor is None:
            raise FileExistsError(errno.EEXIST, "a file has taken its place")
        waits = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
        while piece := memoryview(file.read(_PIECE if waits else 256 * _PIECE)):
            while piece:
                if waits:
                    _await_reader(descriptor, stop)
                piece = piece[os.write(descriptor, piece) :]
    finally:
        os.close(descriptor)


def _open(output: Output, stop: Callable[[], bool]) -> int:
    if output.descriptor is not None:
        return os.dup(output.descriptor)
    place = output.real
    mode = place.stat().st_mode
    if stat.S_ISSOCK(mode):
        with socket.socket(socket.AF_UNIX) as connected:
            connected.connect(str(place))
            return connected.detach()
    if not stat.S_ISFIFO(mode):
        return os.open(place, os.O_WRONLY | os.O_NOCTTY)
    while True:
        try:
            return os.open(place, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:  # Nobody reads from it yet.
                raise
        _check(stop)
        time.sleep(_LOOK_SECONDS)


def _await_reader(descriptor: int, stop: Callable[[], bool]) -> None:
    waiting = select.poll()
    waiting.register(descriptor, select.POLLOUT)
    while not waiting.poll(1000 * _LOOK_SECONDS):
        _check(stop)


def _check(stop: Callable[[], bool]) -> None:
    if stop():
        raise Stopped(errno.ECANCELED, "it was stopped")
