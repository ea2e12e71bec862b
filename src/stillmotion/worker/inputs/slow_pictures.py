"""Slow pictures: decoded outside of any lane, by processes of the lowest priority."""

import asyncio
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

from stillmotion.domain.errors import RenderCancelled
from stillmotion.domain.rendering import Picture, cancellable_by
from stillmotion.domain.request import FrameSize
from stillmotion.media.sandbox.client import DECODER_COMMAND, DecoderProcess

COVER = FrameSize(3840, 2160)
"""Size that the new picture still covers: the largest clip's."""

GIVE_WAY = ("nice", "-n", "15")


def slow_decoder(command: Sequence[str] = DECODER_COMMAND) -> tuple[str, ...]:
    """Command of a decoder with the lowest priority, where the system has `nice`."""
    return (*GIVE_WAY, *command) if shutil.which(GIVE_WAY[0]) else tuple(command)


async def make_plain(path: Path, command: Sequence[str]) -> None:
    """Replace the file by a quickly decoded PNG of the same picture.

    A cancelled call stops. Raises `GenerationFailed` as `input.pictures.decode` does, and `OSError` if this machine is
    to blame.
    """
    given_up = Event()
    # A thread of its own: it may take half a minute, and the others are for what is short.
    thread = ThreadPoolExecutor(1, "slow-picture")
    try:
        await asyncio.get_running_loop().run_in_executor(thread, _make_plain, path, command, given_up)
    finally:
        given_up.set()
        thread.shutdown(wait=False)


def _make_plain(path: Path, command: Sequence[str], given_up: Event) -> None:
    def check() -> None:
        if given_up.is_set():
            raise RenderCancelled

    decoder = DecoderProcess(command)
    try:
        with cancellable_by(check):
            picture = decoder.picture(path, COVER)
    finally:
        decoder.close()
    plain = path.with_name(f"{path.name}.plain")
    _write(picture, plain)
    plain.replace(path)


def _write(picture: Picture, path: Path) -> None:
    from PIL import Image  # noqa: PLC0415 - not needed before there is such a picture

    size = picture.width, picture.height
    image = Image.frombuffer("RGB", size, picture.pixels)
    if picture.alpha is not None:
        image.putalpha(Image.frombuffer("L", size, picture.alpha))
    image.save(path, "PNG", compress_level=1)
