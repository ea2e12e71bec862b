"""A server whose data lies on a small disk in a mount namespace of its own. The disk can be full or read-only."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.conftest import COMMAND, Running

MOUNT = 'mount -t tmpfs -o size=%dm stillmotion "$1" && cp -a "$2/." "$1/" && shift 2 && exec "$@"'


def can_mount() -> bool:
    words = ["unshare", "-Urm", "sh", "-c", "mount -t tmpfs -o size=1m stillmotion /mnt"]
    return (
        shutil.which("nsenter") is not None and subprocess.run(words, capture_output=True, check=False).returncode == 0
    )


@dataclass
class OnSmallDisk(Running):
    """A server over a copy of `directory`. The files on the disk are seen under `inside`."""

    megabytes: int = 64

    def command(self) -> list[str]:
        self._place.mkdir(exist_ok=True)
        mounting = ("unshare", "-Urm", "sh", "-c", MOUNT % self.megabytes, "sh", str(self._place), str(self.directory))
        return [*mounting, *COMMAND, "serve", "--port", "0", "--data-dir", str(self._place)]

    @property
    def _place(self) -> Path:
        return self.directory.with_name("disk")

    @property
    def inside(self) -> Path:
        return Path(f"/proc/{self.process.pid}/root{self._place}")

    def fill(self) -> Path:
        """Fill the disk. Returns the file that takes the room."""
        filler = self.inside / "filler"
        with filler.open("wb", buffering=0) as file:
            for size in (1 << 20, 4096):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue
        return filler
