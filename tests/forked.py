"""`stillmotion` in processes that are forked from one that has imported it.

A start anew takes half a second of the processor, most of it for imports. Each command here has all else of its own.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

from stillmotion.cli.main import script

COMMANDS = [f"stillmotion.cli.{name}" for name in ("generate.command", "generations", "admin.keys", "doctor.command")]
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload([*COMMANDS, "stillmotion.cli.serve.listening", "stillmotion.composition.service"])
# A start asks each process for its exit code. An exit code can be read once: of two threads that read at once, the
# second would say 255.
ONE_AT_A_TIME = Lock()


class Forked:
    """A command that runs, with the attributes of `subprocess.Popen` that tests use. Its log is appended to a file."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path | None = None):
        ours, theirs = FORKS.Pipe(duplex=False)
        self.stdout = open(os.dup(ours.fileno()), encoding="utf-8")  # noqa: SIM115, PTH123 - a pipe, closed by the test
        ours.close()
        given = (list(words), dict(environment), folder or Path.cwd(), theirs, log)
        self._process = FORKS.Process(target=_run, args=given, daemon=True)
        with ONE_AT_A_TIME:
            self._process.start()
        theirs.close()
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        with ONE_AT_A_TIME:
            return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        wait([self._process.sentinel], timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("stillmotion", timeout or 0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def ended(
    words: Sequence[str], environment: Mapping[str, str], folder: Path | None = None, timeout: float = 120
) -> tuple[int, str, str]:
    """The exit code, standard output and standard error of a command, in a folder and an environment of its own."""
    with TemporaryDirectory() as place:
        log = Path(place, "log")
        process = Forked(words, environment, log, folder)
        with process.stdout:
            said = process.stdout.read()
        try:
            return process.wait(timeout), said, log.read_text("utf-8")
        finally:
            process.kill()


def _run(words: list[str], environment: dict[str, str], folder: Path, out: Connection, log: Path) -> None:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out.fileno(), 1)
    os.dup2(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), 2)
    out.close()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["stillmotion", *words]
    script()
