"""SDKs of Node: an installation from npm, and a session that is told when its generations are complete."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest


def installed(folder: Path, package: str, session: Path) -> Path:
    """The folder with the SDK and the session. Skips the test if npm or the package is not available."""
    if shutil.which("npm") is None and os.environ.get("CI") != "true":
        pytest.skip("node and npm are not installed")
    command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), package]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and os.environ.get("CI") != "true":
        pytest.skip(f"the Node SDK cannot be had: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr
    shutil.copy(session, folder)
    return folder


def results_of(command: list[str], folder: Path, caller: Any) -> Any:
    """The answers of every method of the SDK, by name. Each generation that the session asks for is completed."""
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as session:
        for line in session.stdout:
            word, _, rest = line.strip().partition(" ")
            if word == "RESULTS":
                return json.loads(rest)
            caller.complete(rest)
            session.stdin.write("done\n")
            session.stdin.flush()
    raise AssertionError("the session broke off")
