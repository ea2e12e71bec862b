"""Inputs: files that a call reads, and therefore must not overwrite."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

Named: TypeAlias = str | os.PathLike[str]

Identity: TypeAlias = tuple[int, int]
"""A file's device and inode: the same for every name that it has, through links of both kinds and in any case."""


def identity(status: os.stat_result) -> Identity:
    """Identity of a file, whatever its name."""
    return status.st_dev, status.st_ino


class InputPaths:
    """Input files, and folders with everything below them. A missing one is reported by its reader."""

    def __init__(self, files: Iterable[Named] = (), folders: Iterable[Named] = ()) -> None:
        self._files = _identified(files)
        self._folders = _identified(folders)
        self._paths = {os.path.realpath(each): str(each) for each in self._files.values()}

    def named(self, path: Path, status: os.stat_result | None) -> str | None:
        """Name of the input that a path leads to, or of the input folder that it lies in; else None.

        `status` is what `os.stat` says of the path, None where it is not there yet. Devices that any number of
        programs read and write at once, such as a terminal, are nobody's input.
        """
        if status is not None and stat.S_ISCHR(status.st_mode):
            return None
        real = os.path.realpath(path)
        if status is not None and identity(status) in self._files:
            return self._files[identity(status)]
        return self._paths.get(real) or self._folder_of(Path(real))

    def _folder_of(self, path: Path) -> str | None:
        if not self._folders:
            return None
        for folder in (path, *path.parents):
            try:
                found = self._folders.get(identity(folder.stat()))
            except OSError:
                continue
            if found is not None:
                return found
        return None


def _identified(named: Iterable[Named]) -> dict[Identity, str]:
    found: dict[Identity, str] = {}
    for each in named:
        try:
            found.setdefault(identity(os.stat(each)), os.fspath(each))  # noqa: PTH116 - it may be no path at all
        except (OSError, ValueError):
            continue
    return found
