"""Draft of an output: a temporary file that gets its name once it is whole (atomic rename or link)."""

import errno
import os
import secrets
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO, Final, cast

from stillmotion.domain.errors import StillmotionError
from stillmotion.outputs.places import IfThere, Output, OutputRefused
from stillmotion.outputs.write_through import pour

_REMEDIES: Final[Mapping[int, str]] = {
    errno.ENOSPC: "Make room, or give",
    errno.EDQUOT: "Make room, or give",
    errno.EPIPE: "Whoever read it has hung up: let it read to the end, or give",
}


class OutputUnwritable(StillmotionError):
    """The output could not be written: the message names the place and the remedy. An older file is unchanged."""


def _aside() -> BinaryIO:
    return cast("BinaryIO", tempfile.TemporaryFile())


class Draft:
    """Temporary file of an output. `file` may be written, read and sought in up to `publish` or `abandon`.

    Killed at any moment it leaves nothing behind where the file system has files without a name, else a hidden
    `.stillmotion-….part`. Raises `OutputUnwritable` where it cannot be begun.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._made: list[Path] = []
        self._part: Path | None = None
        with self.trouble():
            self.file = self._open() if output.is_file else _aside()

    @contextmanager
    def trouble(self) -> Iterator[None]:
        """Translate an `OSError` of the file into a sentence."""
        try:
            yield
        except OSError as error:
            self.abandon()
            remedy = f"{_REMEDIES.get(error.errno or 0, 'Give')} {self._output.words.another}."
            raise OutputUnwritable(f"{self._output} cannot be written: {error.strerror or error}. {remedy}") from error

    def publish(self, stop: Callable[[], bool] = lambda: False) -> Path | None:
        """Publish the file at its place, and return that place; None for one of this process's own open files.

        `stop` is asked now and then while somebody has to read it first. Raises `OutputUnwritable`, `OutputRefused`.
        """
        try:
            with self.trouble():
                self.file.flush()
                if self._output.is_file:
                    return self._named()
                self.file.seek(0)
                pour(self.file, self._output, stop)
                return self._output.path
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Discard the draft. After `publish` this does nothing."""
        with suppress(AttributeError, OSError):
            self.file.close()
        if self._part is not None:
            self._part.unlink(missing_ok=True)
            self._part = None
        for folder in reversed(self._made):
            with suppress(OSError):  # Something is in it by now.
                folder.rmdir()
        self._made = []

    def _open(self) -> BinaryIO:
        folder = self._output.real.parent
        for each in reversed([each for each in (folder, *folder.parents) if not each.exists()]):
            with suppress(FileExistsError):
                each.mkdir()
                self._made.append(each)
        mode = 0o600 if self._output.kind.is_private else 0o666
        nameless = getattr(os, "O_TMPFILE", 0)
        if nameless and Path("/proc/self/fd").exists():
            with suppress(OSError):  # Not every file system has them.
                return os.fdopen(os.open(folder, nameless | os.O_RDWR, mode), "w+b")
        return self._hidden(folder, mode)

    def _hidden(self, folder: Path, mode: int) -> BinaryIO:
        part = folder / f".stillmotion-{secrets.token_hex(8)}.part"
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        self._part = part
        return os.fdopen(descriptor, "w+b")

    def _named(self) -> Path:
        os.fsync(self.file.fileno())
        self._output.check()
        place = self._output.real
        if self._output.if_there is IfThere.REPLACE:
            self._replace(place)
            return self._shown(self._output)
        for number in count(1):
            wanted = self._output if number == 1 else self._output.numbered(number)
            if self._link(wanted.real if number > 1 else place):
                return self._shown(wanted)
            if self._output.if_there is not IfThere.NUMBER:
                break
        words = self._output.words
        raise OutputRefused(
            f"{self._output} is there by now, and was not when this began; it is as it was: {words.overwrite} replaces "
            f"it, or give {words.another}."
        )

    @staticmethod
    def _shown(output: Output) -> Path:
        assert output.path is not None
        return output.path

    def _link(self, place: Path) -> bool:
        """Link the file to its name. Returns False where the name is taken."""
        try:
            os.link(self._source(), place, src_dir_fd=0, follow_symlinks=True)
        except FileExistsError:
            return False
        except OSError:
            return self._claim(place)
        return True

    def _source(self) -> str:
        return f"/proc/self/fd/{self.file.fileno()}" if self._part is None else str(self._part)

    def _claim(self, place: Path) -> bool:
        """As `_link` on a file system without hard links: an empty file claims the name, and is then replaced."""
        try:
            os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            return False
        try:
            self._rename(place)
        except OSError:
            place.unlink()
            raise
        return True

    def _replace(self, place: Path) -> None:
        """Replace the existing file, keeping its permissions."""
        with suppress(FileNotFoundError):
            there = place.stat()
            with suppress(PermissionError):
                os.fchown(self.file.fileno(), there.st_uid, there.st_gid)
            os.fchmod(self.file.fileno(), stat.S_IMODE(there.st_mode) & 0o777)
        self._rename(place)

    def _rename(self, place: Path) -> None:
        if self._part is None:
            part = place.with_name(f".stillmotion-{secrets.token_hex(8)}.part")
            os.link(self._source(), part, src_dir_fd=0, follow_symlinks=True)
            self._part = part
        self._part.replace(place)
        self._part = None
