"""Files that only the user who runs the service may read, whatever the umask is and whoever made their folder."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
UMASK: Final = 0o077
"""For processes that make files of the service and no others."""

_OTHERS: Final = 0o077


def create_private(path: Path) -> None:
    """Make an empty file where there is none. Whatever keeps it from being made is left to whoever opens it."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        try:
            os.fchmod(descriptor, FILE_MODE)
        finally:
            os.close(descriptor)


def keep_private(path: Path) -> None:
    """Take a file away from others. One that is not there, or is another user's, stays as it is."""
    with suppress(OSError):
        if is_open_to_others(path):
            path.chmod(FILE_MODE)


def is_open_to_others(path: Path) -> bool:
    """Whether the mode of a file or folder lets the group or everybody do anything. False for what is not there."""
    try:
        return bool(stat.S_IMODE(path.stat().st_mode) & _OTHERS)
    except OSError:
        return False
