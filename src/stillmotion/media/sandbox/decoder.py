"""Decoder process: `python -m stillmotion.media.sandbox.decoder PARENT_PID`. Orders come on standard input, a socket.

It opens no file itself. For each order it forks a child that gives up all rights but to read that one file and to
answer (`confinement`), decodes it, and ends. So a file that takes over its process cannot reach the next file.
The decoder has no threads, as a fork would copy only one of them.
"""

import functools
import gc
import importlib
import os
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, BinaryIO

import msgspec

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.rendering import Frame
from stillmotion.domain.request import FrameSize
from stillmotion.media.input import pictures
from stillmotion.media.sandbox.confinement import Limits, be_first_to_go, confine, die_with_parent
from stillmotion.media.sandbox.protocol import (
    LENGTH_BYTES,
    MAX_ORDER_BYTES,
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

PICTURE = Limits(memory=2_000_000_000, processor_seconds=30)
"""Limits for a picture: room for 67 megapixels with alpha, and for the copies of the conversion to sRGB."""
CLIP = Limits(memory=1_500_000_000, processor_seconds=600)

CLIP_LIBRARIES = (
    "stillmotion.media.input.clips",
    "stillmotion.media.input.foreign_clips",
    "numpy",
    "av.subtitles.stream",
)
DEPTH_LIBRARIES = ("stillmotion.media.input.depth_images",)
"""Large libraries, loaded with the first order that needs them. They must be loaded before the fork: the confined child
can open no file."""

Part = tuple[Head, Sequence[Any]]
"""A head and the buffers after it."""
Read = Callable[[DecodeOrder, BinaryIO], Iterable[Part]]
"""Answer to an order about an open file. Raises `GenerationFailed` if the file is to blame."""


def serve(control: socket.socket, read: Read, picture: Limits) -> None:
    """Carry out orders, one after the other, until the renderer closes the socket. `picture`: the limits for one."""
    pictures.load_formats()
    while (received := _receive(control)) is not None:
        order, handles = received
        _load(order.task)
        # Objects alive now are never collected in the child, so their pages stay shared.
        gc.freeze()
        limits = CLIP if order.task.of_a_clip else picture
        status = _forked(functools.partial(_carry_out, order, handles, read, limits))
        for handle in handles:
            os.close(handle)
        control.sendall(status.to_bytes(STATUS_BYTES, "big", signed=True))


def _load(task: DecodeTask) -> None:
    libraries = CLIP_LIBRARIES if task.of_a_clip else DEPTH_LIBRARIES if task is DecodeTask.DEPTH else ()
    for name in libraries:
        importlib.import_module(name)


def _receive(control: socket.socket) -> tuple[DecodeOrder, Sequence[int]] | None:
    """The next order and its two file handles. One read has it whole, as the renderer waits for each answer."""
    packet, handles, _, _ = socket.recv_fds(control, MAX_ORDER_BYTES, 2)
    return (msgspec.msgpack.decode(packet[LENGTH_BYTES:], type=DecodeOrder), handles) if packet else None


def _forked(work: Callable[[], None]) -> int:
    """Do the work in a forked child. Returns its exit status, or `NOT_BEGUN` and more if the fork failed."""
    parent = os.getpid()
    try:
        child = os.fork()
    except OSError as error:
        return NOT_BEGUN + (error.errno or 0)
    if child == 0:
        # Anything but a normal return counts as failure.
        code = 1
        try:
            die_with_parent(parent)
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _carry_out(order: DecodeOrder, handles: Sequence[int], read: Read, limits: Limits) -> None:
    """Answer into the pipe, in the child, with nothing else open."""
    with open(os.devnull, "r+b", buffering=0) as nothing:  # noqa: PTH123 - a file number is wanted, not a path
        for number in (0, 1, 2):
            os.dup2(nothing.fileno(), number)
    with os.fdopen(handles[0], "rb") as file, os.fdopen(handles[1], "wb") as answer:
        held = confine(limits)
        parts = [(Confined(held), ())] if order.task is DecodeTask.CONFINEMENT else read(order, file)
        try:
            for head, buffers in parts:
                answer.write(pack(head))
                for buffer in buffers:
                    answer.write(buffer)
            answer.write(pack(End()))
        except GenerationFailed as failure:
            answer.write(pack(Undecodable(failure.code, failure.reason)))


def read(order: DecodeOrder, file: BinaryIO) -> Iterator[Part]:
    """The answer to any order about a picture or a clip (`Read`)."""
    match order.task:
        case DecodeTask.SIZE:
            size = pictures.measure(file)
            yield Size(size.width, size.height), ()
        case DecodeTask.PICTURE:
            picture = pictures.decode(file, cover=order.cover and FrameSize(*order.cover))
            alpha = () if picture.alpha is None else (picture.alpha,)
            yield Pixels(picture.width, picture.height, bool(alpha)), (picture.pixels, *alpha)
        case DecodeTask.DEPTH:
            from stillmotion.media.input.depth_images import decode_depth  # noqa: PLC0415 - see DEPTH_LIBRARIES

            depth = decode_depth(file, bright_is_far=order.bright_is_far)
            yield Nearness(depth.width, depth.height), (depth.nearness,)
        case _:
            yield from _read_clip(order, file)


def _read_clip(order: DecodeOrder, file: BinaryIO) -> Iterator[Part]:
    from stillmotion.media.input import clips, foreign_clips  # noqa: PLC0415 - see CLIP_LIBRARIES

    match order.task:
        case DecodeTask.FACTS:
            yield Facts.of(clips.facts(file)), ()
        case DecodeTask.FIRST:
            yield _planes(clips.first(file))
        case DecodeTask.LAST:
            yield _planes(clips.last(file))
        case DecodeTask.SURVEY:
            found = foreign_clips.survey(file)
            fps = found.fps.as_integer_ratio()
            told = found.size.width, found.size.height, fps, found.frame_count, found.is_played
            yield Survey(*told, len(found.small)), ()
            yield from map(_planes, (found.telling, *found.small))
        case DecodeTask.CONVERTED:
            yield from map(_planes, foreign_clips.frames(file))
        case _:
            yield from map(_planes, clips.frames(file))


def _planes(frame: Frame) -> Part:
    return Planes(frame.width, frame.height), (frame.planes,)


def main(read: Read = read, picture: Limits = PICTURE) -> None:
    """Run as a decoder process."""
    die_with_parent(int(sys.argv[1]))
    be_first_to_go()
    serve(socket.socket(fileno=0), read, picture)


if __name__ == "__main__":
    main()
