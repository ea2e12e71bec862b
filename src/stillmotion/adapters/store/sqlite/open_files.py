"""Whether the files of an open database are still the ones that have its name."""

import os
from pathlib import Path
from typing import Final

_ENDINGS: Final = ("", "-wal", "-shm")


class OpenFiles:
    """The database, its log and its shared memory as they were when they were opened, told by device and inode.

    A process goes on writing to a file that was removed, replaced or moved, and all of it is gone with the process.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        names = [f"{database}{ending}" for ending in _ENDINGS]
        self._opened = [(name, found) for name in names if (found := _identity(name)) is not None]

    def trouble(self) -> str | None:
        """Which file is not where it was, and what to do; None where all are. A few microseconds."""
        for name, opened in self._opened:
            found = _identity(name)
            if found != opened:
                what = "was removed or moved away" if found is None else "was replaced by another file"
                return (
                    f"{name} {what} while it is in use: put the same file back, or stop, restore the data directory "
                    "from a backup and start again"
                )
        return None


def _identity(name: str) -> tuple[int, int] | None:
    try:
        found = os.stat(name)  # noqa: PTH116 - for every transaction: half of what a Path takes
    except OSError:
        return None
    return found.st_dev, found.st_ino
