"""Places of workers in a data directory: any number of processes that render beside its server."""

import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from stillmotion.adapters.private_files import FILE_MODE, FOLDER_MODE

_NAME_BYTES = 8
_NAME = re.compile(f"[0-9a-f]{{{2 * _NAME_BYTES}}}")
"""Name of a worker's folder. What else lies there is not ours to remove."""


@dataclass(frozen=True, slots=True)
class WorkerPlace:
    """Folder of one worker, which lives as long as the worker."""

    folder: Path

    @property
    def scratch(self) -> Path:
        """Files of the worker's renders under way."""
        return self.folder / "scratch"

    @property
    def is_taken(self) -> bool:
        """True while the process that took the place runs."""
        try:
            descriptor = os.open(self.folder / "lock", os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(descriptor)
        return False

    @property
    def is_able(self) -> bool:
        """True while the worker runs and has said that it can make clips."""
        return (self.folder / "able").exists() and self.is_taken

    def tell(self, *, able: bool) -> None:
        """Record the worker's readiness for the server's readiness check."""
        mark = self.folder / "able"
        with suppress(OSError):  # An unwritten mark counts as not ready; the folder may be gone with the directory.
            mark.touch(FILE_MODE) if able else mark.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class WorkerPlaces:
    """Folder of the workers' folders."""

    folder: Path

    @property
    def any_taken(self) -> bool:
        """True while any worker runs."""
        return any(place.is_taken for place in self._all())

    async def able(self) -> list[bool]:
        """For each running worker, True while it can make clips."""
        return [place.is_able for place in self._all() if place.is_taken]

    @contextmanager
    def join(self) -> Iterator[WorkerPlace]:
        """Work beside the others; yields the place of this process alone.

        Folders of killed workers are removed. Raises `OSError` if nothing can be written.
        """
        place, descriptor = self._take_one()
        try:
            yield place
        finally:
            shutil.rmtree(place.folder, ignore_errors=True)
            os.close(descriptor)

    def _take_one(self) -> tuple[WorkerPlace, int]:
        """A place for one worker, and its open lock, which marks the worker as running."""
        self.folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
        entrance = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(
                entrance, fcntl.LOCK_EX
            )  # One process at a time: a new folder without a lock would look abandoned.
            for left in self._all():
                if not left.is_taken:
                    shutil.rmtree(left.folder, ignore_errors=True)
            place = WorkerPlace(self.folder / secrets.token_hex(_NAME_BYTES))
            place.folder.mkdir(mode=FOLDER_MODE)
            descriptor = os.open(place.folder / "lock", os.O_RDWR | os.O_CREAT, FILE_MODE)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            return place, descriptor
        finally:
            os.close(entrance)

    def _all(self) -> list[WorkerPlace]:
        try:
            return [WorkerPlace(each) for each in self.folder.iterdir() if _NAME.fullmatch(each.name) and each.is_dir()]
        except FileNotFoundError:
            return []
