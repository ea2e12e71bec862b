"""A server whose data lies on a small disk of its own, in a mount namespace of its own: it can be full or read-only."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.conftest import COMMAND, Running, clean_environment

MOUNT = 'mount -t tmpfs -o size=%dm stillmotion "$1" && cp -a "$2/." "$1/" && shift 2 && exec "$@"'


def can_mount() -> bool:
    words = ["unshare", "-Urm", "sh", "-c", "mount -t tmpfs -o size=1m stillmotion /mnt"]
    return (
        shutil.which("nsenter") is not None and subprocess.run(words, capture_output=True, check=False).returncode == 0
    )


@dataclass
class OnSmallDisk(Running):
    """Starts over a copy of `directory`; what is on the disk is seen under `inside`."""

    megabytes: int = 64

    def start(self) -> "OnSmallDisk":
        place = self.directory.with_name("disk")
        place.mkdir(exist_ok=True)
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [
                    *("unshare", "-Urm", "sh", "-c", MOUNT % self.megabytes, "sh", str(place), str(self.directory)),
                    *(*COMMAND, "serve", "--port", "0", "--data-dir", str(place)),
                ],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=clean_environment(**self.settings),
            )
        line = self.process.stdout.readline()
        assert line.startswith("Listening on "), line + self.log.read_text()
        self.base = line.split()[2]
        self._place = place
        return self

    @property
    def inside(self) -> Path:
        return Path(f"/proc/{self.process.pid}/root{self._place}")

    def fill(self) -> Path:
        """Leave no room; the file that takes it."""
        filler = self.inside / "filler"
        with filler.open("wb", buffering=0) as file:
            for size in (1 << 20, 4096):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue
        return filler
