"""A fresh service on a terminal, as an owner starts it: the first link that it prints, and who came in by it."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ENOUGH = 64 * 1024


@contextmanager
def fresh_service(folder: Path) -> Iterator[str]:
    """The first link of a service over an empty directory, with one renderer."""
    terminal, inner = pty.openpty()
    ours = {name: value for name, value in os.environ.items() if not name.startswith("STILLMOTION_")}
    ours |= {"STILLMOTION_DATA_DIR": str(folder), "STILLMOTION_RENDERERS": "1"}
    command = [sys.executable, "-m", "stillmotion", "serve", "--port", "0"]
    with (folder.parent / "service.log").open("w") as log:
        process = subprocess.Popen(command, env=ours, stdout=inner, stderr=log)
    os.close(inner)
    try:
        yield _link(terminal)
    finally:
        process.terminate()
        process.wait(30)
        os.close(terminal)


def _link(terminal: int) -> str:
    told = b""
    while len(told) < _ENOUGH:
        told += os.read(terminal, 4096)
        found = re.search(rb"Open (http://\S+#first=\S+)\s", told)
        if found:
            return found[1].decode()
    raise RuntimeError(f"no first link was printed: {told!r}")
