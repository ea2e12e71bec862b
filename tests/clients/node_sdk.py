"""SDKs of Node: one installed from npm, and a session of it that is told when its generations are complete."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest


def installed(folder: Path, package: str, session: Path) -> Path:
    """The folder with the SDK in it and the session beside it. Skips the test on a machine that cannot have it."""
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
    """What every method of the SDK answered, by its name. Completes each generation that the session asks for."""
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as session:
        for line in session.stdout:
            word, _, rest = line.strip().partition(" ")
            if word == "RESULTS":
                return json.loads(rest)
            caller.complete(rest)
            session.stdin.write("done\n")
            session.stdin.flush()
    raise AssertionError("the session broke off")
