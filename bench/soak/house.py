"""The service under the storm: one data directory, the server and the worker that are killed and started over it."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from bench.processes import children

LISTENING = re.compile(r"^Listening on (http://\S+)")
START_SECONDS = 60
STOP_SECONDS = 25
COMMAND = (sys.executable, "-m", "stillmotion")


class DoesNotStart(Exception):
    """The server did not come up; the message holds its words."""


class House:
    """`settings` are environment variables; the log of every run is appended to one file."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.data_dir = folder / "data"
        self.log = folder / "serve.log"
        self.settings = settings
        self.base = ""
        self.starts = 0
        self.process: asyncio.subprocess.Process | None = None
        self.worker: asyncio.subprocess.Process | None = None

    def environment(self, faults: str = "") -> dict[str, str]:
        """The environment of the server and of the commands beside it."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("STILLMOTION_")}
        armed = {"STILLMOTION_FAULTS": faults} if faults else {}
        return (
            kept
            | {"STILLMOTION_LOG_FORMAT": "json", "STILLMOTION_DATA_DIR": str(self.data_dir)}
            | self.settings
            | armed
        )

    def command(self, *words: str) -> str:
        """The output of one of the other commands."""
        return subprocess.run(
            [*COMMAND, *words], env=self.environment(), capture_output=True, text=True, check=True
        ).stdout

    def has_command(self, name: str) -> bool:
        """True where this build has such a command."""
        return re.search(rf"^  {name} ", self.command("--help"), re.MULTILINE) is not None

    @property
    def runs(self) -> bool:
        """True while the server's process lives."""
        return self.process is not None and self.process.returncode is None

    async def start(self, faults: str = "") -> None:
        """Start the server and wait until it listens, or dies of a fault. Raises `DoesNotStart`."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *COMMAND, "serve", "--port", "0", stdout=subprocess.PIPE, stderr=log, env=self.environment(faults)
            )
        assert self.process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            line = (await self.process.stdout.readline()).decode()
        found = LISTENING.match(line)
        if found is None:
            await self.process.wait()
            if faults:
                return
            raise DoesNotStart(self.log.read_text("utf-8", "replace")[-2000:])
        self.base = found[1]
        self.starts += 1

    async def start_worker(self) -> None:
        """Start a worker of its own beside the server, and wait until it renders. Raises `DoesNotStart`."""
        with self.log.open("ab") as log:
            self.worker = await asyncio.create_subprocess_exec(
                *COMMAND, "worker", stdout=subprocess.PIPE, stderr=log, env=self.environment()
            )
        assert self.worker.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            line = await self.worker.stdout.readline()
        if not line.startswith(b"Rendering for "):
            await self.worker.wait()
            raise DoesNotStart(self.log.read_text("utf-8", "replace")[-2000:])

    @property
    def has_worker(self) -> bool:
        """True while the worker's process lives."""
        return self.worker is not None and self.worker.returncode is None

    async def end_worker(self, number: signal.Signals) -> None:
        """Send the worker a signal, and wait for its end."""
        if self.worker is not None and self.worker.returncode is None:
            self.worker.send_signal(number)
            async with asyncio.timeout(STOP_SECONDS):
                await self.worker.wait()

    def send(self, number: signal.Signals) -> None:
        """Send the server a signal, if it is there."""
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.send_signal(number)

    async def end(self, number: signal.Signals) -> int:
        """Send the signal and wait for the end; the exit code."""
        self.send(number)
        assert self.process is not None
        try:
            async with asyncio.timeout(STOP_SECONDS):
                return await self.process.wait()
        except TimeoutError:
            self.send(signal.SIGKILL)
            await self.process.wait()
            raise DoesNotEnd(f"{number.name} did not end the server within {STOP_SECONDS} seconds") from None

    def renderers(self) -> list[int]:
        """The process ids of the server's children."""
        return list(children(self.process.pid)) if self.process is not None and self.runs else []

    def new_key(self) -> tuple[str, str]:
        """A key of a new subscription, and the subscription's id."""
        made = json.loads(self.command("keys", "create", "--json"))
        return made["key"], made["subscription"]


class DoesNotEnd(Exception):
    """The server outlived the time that it has to stop."""
