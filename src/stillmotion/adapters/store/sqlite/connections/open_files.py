"""Check that an open database still has its files: they may be removed, replaced or moved."""

import os
from pathlib import Path
from typing import Final

_ENDINGS: Final = ("", "-wal", "-shm")


class OpenFiles:
    """Device and inode of the database's files as they were opened: the database, its log, its shared memory.

    SQLite goes on writing to a file that was removed, replaced or moved, and the writes are lost with the process.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        names = [f"{database}{ending}" for ending in _ENDINGS]
        self._opened = [(name, found) for name in names if (found := _identity(name)) is not None]

    def trouble(self) -> str | None:
        """A sentence about a file that is not in its place, with the remedy; None if all are. Takes microseconds."""
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
