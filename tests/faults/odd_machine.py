"""The service on a machine with faults: `python -m tests.faults.odd_machine CONTROL serve …`.

The file CONTROL holds JSON, and is read again at every use. `clock` is the error of the clock in seconds.
`sync_seconds` is the duration of a sync by SQLite. `fails` names the operation that the disk refuses with EIO, "sync"
or "write".
"""

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw

from stillmotion.adapters.clock import SystemClock
from stillmotion.cli.main import main


class Oddity:
    """The faults in the file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._said().get("clock", 0))

    def trouble(self, deed: str) -> None:
        said = self._said()
        if deed == "sync":
            time.sleep(said.get("sync_seconds", 0))
        if deed in said.get("fails", ()):
            raise apsw.IOError(f"the disk refuses to {deed}")

    def _said(self) -> dict[str, float | str]:
        return dict(json.loads(self._path.read_text("utf-8")))


def odd_disk(oddity: Oddity) -> apsw.VFS:
    """A VFS over the system's, with the faults of `oddity`. It is SQLite's default for as long as it is referenced."""
    systems = apsw.vfs_names()[0]

    class File(apsw.VFSFile):
        def xSync(self, flags):  # noqa: N802 - SQLite's name
            oddity.trouble("sync")
            return super().xSync(flags)

        def xWrite(self, data, offset):  # noqa: N802
            oddity.trouble("write")
            return super().xWrite(data, offset)

    class Disk(apsw.VFS):
        def __init__(self) -> None:
            super().__init__("odd", systems, makedefault=True)

        def xOpen(self, name, flags):  # noqa: N802
            return File(systems, name, flags)

    return Disk()


if __name__ == "__main__":
    odd = Oddity(Path(sys.argv.pop(1)))
    SystemClock.now = lambda clock: odd.now()
    disk = odd_disk(odd)
    main()
