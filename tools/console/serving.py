"""Serving of a data directory with sample data, by the command that an operator uses.

`python -m tools.console.serving DIR` makes such a directory alone, and prints its keys as JSON.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog
import uvloop

from tools.console.sample import LOOPBACK, SCENES, Sample, fill, sample_settings

ADMIN_KEY = "the-key-of-the-operator-of-the-sample"
"""Key of the administrator. The service listens on loopback, over data that anyone can make."""

_STOPPED_WITHIN_SECONDS = 20


@dataclass(frozen=True)
class Served:
    """A running server: its address, the folder, and the process."""

    base: str
    folder: Path
    process: "subprocess.Popen[str]" = field(repr=False)


def made(folder: Path, scenes: int = len(SCENES), waiting: int = 3) -> Sample:
    """Sample data, written into a new data directory."""
    logging = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(fill(sample_settings(folder, renderers=2), scenes, waiting))
    finally:
        structlog.configure(**logging)


@contextmanager
def served(folder: Path, port: int = 0, settings: Mapping[str, str] | None = None) -> Iterator[Served]:
    """A server over a data directory, in a process of its own."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("STILLMOTION_")}
    ours |= {"STILLMOTION_DATA_DIR": str(folder), "STILLMOTION_ADMIN_KEY": ADMIN_KEY}
    ours |= {"STILLMOTION_FETCH_ALLOW_CIDRS": LOOPBACK, "STILLMOTION_FETCH_ALLOWED_PORTS": ""}
    ours |= settings or {}
    command = [sys.executable, "-m", "stillmotion", "serve", "--port", str(port)]
    with (folder.parent / f"{folder.name}.log").open("a") as log:
        process = subprocess.Popen(command, env=ours, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        yield Served(_address(process), folder, process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(_STOPPED_WITHIN_SECONDS)
        if process.stdout is not None:
            process.stdout.close()


def _address(process: "subprocess.Popen[str]") -> str:
    said = "" if process.stdout is None else process.stdout.readline()
    if not said.startswith("Listening on "):
        raise RuntimeError(f"the server did not start: {said}")
    return said.split()[2]


def main(arguments: Sequence[str]) -> int:
    """Make a directory; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scenes", type=int, default=len(SCENES), help="clips that are rendered")
    asked = parser.parse_args(arguments)
    sample = made(asked.folder, asked.scenes)
    keys = {each.subscription.name: each.key for each in sample.customers}
    json.dump({"keys": keys, "generations": sample.generations}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
