"""Files that only the service's user may read, independent of the umask and of their folder's owner."""

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
    """Make an empty private file unless the file exists. Errors are left to the code that opens it."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        try:
            os.fchmod(descriptor, FILE_MODE)
        finally:
            os.close(descriptor)


def keep_private(path: Path) -> None:
    """Remove the permissions of others. A file that is missing, or another user's, stays as it is."""
    with suppress(OSError):
        if is_open_to_others(path):
            path.chmod(FILE_MODE)


def is_open_to_others(path: Path) -> bool:
    """True if the mode gives the group or others any permission. False for a missing file."""
    try:
        return bool(stat.S_IMODE(path.stat().st_mode) & _OTHERS)
    except OSError:
        return False
